#include "server/scrape/series_labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes/utf8.h"
#include "base/model/number.h"

namespace barograph::server {
namespace {

// What a message shows of a name or value: its first 50 characters.
std::string_view Shorten(std::string_view text) {
  constexpr int kRunes = 50;
  size_t size = 0;
  for (int i = 0; i < kRunes && size < text.size(); ++i) {
    size += DecodeRune(text.substr(size)).size;
  }
  return text.substr(0, size);
}

std::unexpected<Error> OverLimit(std::string message) {
  return Fail(ErrorCode::kLimitExceeded, std::move(message));
}

bool IsValid(const Labels& labels, NameValidation scheme) {
  return std::ranges::all_of(labels.begin(), labels.end(), [scheme](const Label& label) {
    const bool name_valid = label.name == kMetricName ? IsValidMetricName(label.value, scheme)
                                                      : IsValidLabelName(label.name, scheme);
    return name_valid && IsValidUtf8(label.value);
  });
}

}  // namespace

Result<std::optional<Labels>> SeriesLabels::Make(const Labels& exposed) const {
  LabelsBuilder builder(exposed);
  AddTargetLabels(exposed, builder);
  if (!Relabel(config_.metric_relabel_configs, builder)) return std::nullopt;
  Labels labels = builder.Build();
  if (labels.empty()) return std::nullopt;
  TRY(Check(labels));
  return labels;
}

Labels SeriesLabels::MakeReport(std::string_view name) const {
  LabelsBuilder builder(target_);
  builder.Set(kMetricName, name);
  return builder.Build();
}

void SeriesLabels::AddTargetLabels(const Labels& exposed, LabelsBuilder& builder) const {
  std::vector<Label> conflicts;
  for (const Label& label : target_) {
    const std::string_view existing = exposed.Get(label.name);
    if (existing.empty()) {
      builder.Set(label.name, label.value);
    } else if (!config_.honor_labels) {
      builder.Set(label.name, label.value);
      conflicts.push_back({label.name, existing});
    }
  }
  std::ranges::sort(conflicts, {},
                    [](const Label& label) { return std::pair(label.name.size(), label.name); });
  for (const Label& label : conflicts) {
    std::string name(label.name);
    do name.insert(0, "exported_");
    while (!builder.Get(name).empty());
    builder.Set(name, label.value);
  }
}

Status SeriesLabels::Check(const Labels& labels) const {
  if (!labels.Has(kMetricName)) {
    return Fail(ErrorCode::kInvalidArgument, "missing metric name (__name__ label)");
  }
  if (!IsValid(labels, config_.name_validation)) {
    return Fail(ErrorCode::kInvalidArgument,
                "invalid metric name or label names: " + labels.ToString());
  }
  return CheckLabelLimits(labels, config_.limits);
}

Status CheckLabelLimits(const Labels& labels, const ScrapeLimits& limits) {
  const std::string_view metric = Shorten(labels.metric_name());
  if (limits.labels > 0 && labels.size() > limits.labels) {
    return OverLimit(
        fmt::format("label_limit exceeded (metric: {}, number of labels: {}, limit: {})", metric,
                    labels.size(), limits.labels));
  }
  if (limits.label_name_length == 0 && limits.label_value_length == 0) return {};
  for (const auto& [name, value] : labels) {
    if (limits.label_name_length > 0 && name.size() > limits.label_name_length) {
      return OverLimit(fmt::format(
          "label_name_length_limit exceeded (metric: {}, label name: {}, length: {}, limit: {})",
          metric, Shorten(name), name.size(), limits.label_name_length));
    }
    if (limits.label_value_length > 0 && value.size() > limits.label_value_length) {
      return OverLimit(fmt::format(
          "label_value_length_limit exceeded (metric: {}, label name: {}, "
          "value: {}, length: {}, limit: {})",
          metric, Shorten(name), Quote(Shorten(value)), value.size(), limits.label_value_length));
    }
  }
  return {};
}

}  // namespace barograph::server
