#include "promql/exec/series.h"

#include <algorithm>

#include "base/bytes/varint.h"
#include "base/model/number.h"

namespace barograph::promql {
namespace {

void AppendText(std::string& key, std::string_view text) {
  AppendVarint(key, text.size());
  key += text;
}

}  // namespace

bool IsMetadataLabel(std::string_view name) {
  return name == kMetricName || name == "__type__" || name == "__unit__";
}

Labels WithoutMetadata(const Labels& labels) {
  static const std::vector<std::string> kNames = {"__name__", "__type__", "__unit__"};
  return DropLabels(labels, kNames);
}

LabelSubset::LabelSubset(std::vector<std::string> names, bool only)
    : names_(std::move(names)), only_(only) {
  std::sort(names_.begin(), names_.end());
  names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
}

LabelSubset LabelSubset::Only(std::vector<std::string> names) {
  return LabelSubset(std::move(names), true);
}

LabelSubset LabelSubset::Except(std::vector<std::string> names) {
  return LabelSubset(std::move(names), false);
}

bool LabelSubset::Chooses(std::string_view name) const {
  // There are few: faster one by one than by halves.
  return (std::ranges::find(names_, name) != names_.end()) == only_;
}

void LabelSubset::AppendKey(const SeriesMeta& meta, Naming naming, std::string& key) const {
  if (only_ && names_.empty()) return;
  for (const Label& label : *meta.labels) {
    if (!Chooses(label.name) || naming.Hides(meta, label.name)) continue;
    AppendText(key, label.name);
    AppendText(key, label.value);
  }
}

Labels LabelSubset::Apply(const SeriesMeta& meta, Naming naming) const {
  return Apply(naming.Visible(meta));
}

Labels LabelSubset::Apply(const Labels& labels) const {
  return only_ ? KeepLabels(labels, names_) : DropLabels(labels, names_);
}

std::string FormatLabelSet(const Labels& labels) {
  std::string text = "{";
  for (const Label& label : labels) {
    if (text.size() > 1) text += ", ";
    text += IsLegacyLabelName(label.name) ? std::string(label.name) : Quote(label.name);
    text += '=';
    text += Quote(label.value);
  }
  text += '}';
  return text;
}

}  // namespace barograph::promql
