#include "tsdb/block/label_extent.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/bytes/varint.h"
#include "tsdb/block/block_format.h"
#include "tsdb/block/integer_list.h"

namespace barograph::tsdb {

bool SeriesLabelsExtent::Parse(std::string_view bytes, size_t count) {
  const char* const end = bytes.data() + bytes.size();
  uint64_t metrics = 0;
  const char* in = GetVarint(bytes.data(), end, metrics);
  if (in == nullptr || metrics > count) return false;
  in = metrics_.Parse(in, end, metrics, kMaxExtentBytes);
  if (in != nullptr) in = ReadIntegers(in, end, metrics, ends_);
  if (in == nullptr) return false;
  uint64_t sum = 0;
  for (uint64_t& series : ends_) {
    if (series == 0 || series > count - sum) return false;
    series = sum += series;
  }
  return sum == count && ReadIntegers(in, end, count, sets_) == end;
}

std::string_view SeriesLabelsExtent::metric(size_t index) const {
  const auto found = std::ranges::upper_bound(ends_, index);
  return metrics_.At(static_cast<size_t>(found - ends_.begin()));
}

bool LabelSetExtent::Parse(std::string_view bytes, size_t count) {
  const char* const end = bytes.data() + bytes.size();
  return sets_.Parse(bytes.data(), end, count, kMaxExtentBytes) == end;
}

void TakeSet(const Labels& labels, std::string& set) {
  const std::string_view packed = labels.packed();
  set = packed;
  for (const Label& label : labels) {
    if (label.name != kMetricName) continue;
    // The name's size, which takes one byte, stands before it.
    const auto begin = static_cast<size_t>(label.name.data() - packed.data()) - 1;
    const auto end = static_cast<size_t>(label.value.data() + label.value.size() - packed.data());
    set.erase(begin, end - begin);
    return;
  }
}

std::optional<Labels> JoinLabels(std::string_view metric, std::string_view set) {
  if (!Labels::Validate(set)) return std::nullopt;
  if (metric.empty()) return Labels::FromPacked(std::string(set));
  size_t before = set.size();  // the bytes of the labels that come before the metric's name
  for (Labels::Iterator at(set); at != Labels::Iterator(); ++at) {
    if (at->name == kMetricName) return std::nullopt;
    if (at->name < kMetricName) continue;
    char size[kMaxVarintBytes];
    const auto size_bytes = PutVarint(size, at->name.size()) - size;
    before = static_cast<size_t>(at->name.data() - set.data() - size_bytes);
    break;
  }
  std::string packed(set.substr(0, before));
  AppendVarint(packed, kMetricName.size());
  packed += kMetricName;
  AppendVarint(packed, metric.size());
  packed += metric;
  packed += set.substr(before);
  return Labels::FromPacked(std::move(packed));
}

}  // namespace barograph::tsdb
