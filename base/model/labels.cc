#include "base/model/labels.h"

#include <algorithm>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/bytes/varint.h"
#include "base/model/number.h"

namespace barograph {
namespace {

void AppendPacked(std::string& out, std::string_view name, std::string_view value) {
  AppendVarint(out, name.size());
  out.append(name);
  AppendVarint(out, value.size());
  out.append(value);
}

// The bytes of a length-prefixed string at `in`, and the position after it; nullptr when the
// prefix points past `end`.
const char* GetString(const char* in, const char* end, std::string_view& out) {
  uint64_t size;
  in = GetVarint(in, end, size);
  if (in == nullptr || size > static_cast<uint64_t>(end - in)) return nullptr;
  out = std::string_view(in, size);
  return in + size;
}

bool IsLetterOrUnderscore(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

template <typename Keep>
Labels FilterLabels(const Labels& labels, Keep keep) {
  std::string packed;
  packed.reserve(labels.packed().size());
  for (const auto& [name, value] : labels) {
    if (keep(name)) AppendPacked(packed, name, value);
  }
  return Labels::FromPacked(std::move(packed));
}

}  // namespace

Labels::Labels(std::initializer_list<Label> labels) : Labels(FromPairs(labels)) {}

Labels Labels::FromPairs(std::vector<Label> pairs) {
  // A stable insertion sort: sets are small and often sorted already.
  for (auto next = pairs.begin(); next != pairs.end(); ++next) {
    std::rotate(std::upper_bound(pairs.begin(), next, next->name,
                                 [](std::string_view a, const Label& b) { return a < b.name; }),
                next, next + 1);
  }
  std::string packed;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const bool overwritten = i + 1 < pairs.size() && pairs[i].name == pairs[i + 1].name;
    if (overwritten || pairs[i].value.empty()) continue;
    AppendPacked(packed, pairs[i].name, pairs[i].value);
  }
  return Labels(std::move(packed));
}

Labels Labels::FromPacked(std::string packed) { return Labels(std::move(packed)); }

bool Labels::Validate(std::string_view packed) {
  const char* in = packed.data();
  const char* end = in + packed.size();
  std::string_view previous;
  while (in != end) {
    std::string_view name, value;
    in = GetString(in, end, name);
    if (in == nullptr || name.empty() || name <= previous) return false;
    in = GetString(in, end, value);
    if (in == nullptr || value.empty()) return false;
    previous = name;
  }
  return true;
}

void Labels::Iterator::Read() {
  if (rest_.empty()) return;
  const char* end = rest_.data() + rest_.size();
  const char* in = GetString(rest_.data(), end, current_.name);
  in = GetString(in, end, current_.value);
  label_bytes_ = static_cast<size_t>(in - rest_.data());
}

size_t Labels::size() const { return static_cast<size_t>(std::distance(begin(), end())); }

std::string_view Labels::Get(std::string_view name) const {
  for (const Label& label : *this) {
    if (label.name == name) return label.value;
    if (label.name > name) break;
  }
  return {};
}

uint64_t Labels::Hash() const { return XXH3_64bits(packed_.data(), packed_.size()); }

std::string Labels::ToString() const {
  std::string out;
  const std::string_view metric = metric_name();
  const bool name_outside = IsLegacyMetricName(metric);
  if (name_outside) out += metric;
  std::string inside;
  if (!name_outside && !metric.empty()) AppendQuoted(inside, metric);
  for (const auto& [name, value] : *this) {
    if (name == kMetricName) continue;
    if (!inside.empty()) inside += ", ";
    if (IsLegacyLabelName(name)) {
      inside += name;
    } else {
      AppendQuoted(inside, name);
    }
    inside += '=';
    AppendQuoted(inside, value);
  }
  if (!inside.empty() || !name_outside) out += "{" + inside + "}";
  return out;
}

std::strong_ordering Labels::operator<=>(const Labels& other) const {
  return std::lexicographical_compare_three_way(begin(), end(), other.begin(), other.end());
}

void LabelsBuilder::Reset(const Labels& base) {
  labels_.clear();
  for (const auto& [name, value] : base) labels_.emplace_back(name, value);
}

LabelsBuilder& LabelsBuilder::Set(std::string_view name, std::string_view value) {
  if (value.empty()) return Delete(name);
  auto at = std::ranges::lower_bound(labels_, name, {}, &decltype(labels_)::value_type::first);
  if (at != labels_.end() && at->first == name) {
    at->second = value;
  } else {
    labels_.emplace(at, name, value);
  }
  return *this;
}

LabelsBuilder& LabelsBuilder::Delete(std::string_view name) {
  auto at = std::ranges::lower_bound(labels_, name, {}, &decltype(labels_)::value_type::first);
  if (at != labels_.end() && at->first == name) labels_.erase(at);
  return *this;
}

std::string_view LabelsBuilder::Get(std::string_view name) const {
  auto at = std::ranges::lower_bound(labels_, name, {}, &decltype(labels_)::value_type::first);
  return at != labels_.end() && at->first == name ? std::string_view(at->second)
                                                  : std::string_view();
}

Labels LabelsBuilder::Build() const {
  std::string packed;
  for (const auto& [name, value] : labels_) AppendPacked(packed, name, value);
  return Labels::FromPacked(std::move(packed));
}

Labels KeepLabels(const Labels& labels, const std::vector<std::string>& names) {
  return FilterLabels(labels, [&](std::string_view name) {
    return std::ranges::binary_search(names, name, std::less<>());
  });
}

Labels DropLabels(const Labels& labels, const std::vector<std::string>& names) {
  return FilterLabels(labels, [&](std::string_view name) {
    return !std::ranges::binary_search(names, name, std::less<>());
  });
}

bool IsLegacyLabelName(std::string_view name) {
  if (name.empty() || !IsLetterOrUnderscore(name[0])) return false;
  return std::ranges::all_of(name, [](char c) { return IsLetterOrUnderscore(c) || IsDigit(c); });
}

bool IsLegacyMetricName(std::string_view name) {
  if (name.empty() || IsDigit(name[0])) return false;
  return std::ranges::all_of(
      name, [](char c) { return IsLetterOrUnderscore(c) || IsDigit(c) || c == ':'; });
}

bool IsUtf8Name(std::string_view name) { return !name.empty() && IsValidUtf8(name); }

bool IsValidLabelName(std::string_view name, NameValidation scheme) {
  return scheme == NameValidation::kUtf8 ? IsUtf8Name(name) : IsLegacyLabelName(name);
}

bool IsValidMetricName(std::string_view name, NameValidation scheme) {
  return scheme == NameValidation::kUtf8 ? IsUtf8Name(name) : IsLegacyMetricName(name);
}

}  // namespace barograph
