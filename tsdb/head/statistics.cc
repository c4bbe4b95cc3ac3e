#include "tsdb/head/statistics.h"

#include <algorithm>
#include <string_view>

namespace barograph::tsdb {
namespace {

// The largest of many counts; a name is made only for those.
template <typename Key>
class Largest {
 public:
  explicit Largest(size_t limit) : limit_(limit) {}

  void Add(uint64_t count, Key key) {
    if (counts_.size() == limit_ && counts_.front().first < count) {
      std::ranges::pop_heap(counts_, kLeastFirst);
      counts_.pop_back();
    }
    if (counts_.size() == limit_) return;
    counts_.emplace_back(count, key);
    std::ranges::push_heap(counts_, kLeastFirst);
  }

  template <typename MakeName>
  std::vector<NamedCount> Take(MakeName make_name) {
    std::vector<NamedCount> named;
    for (const auto& [count, key] : counts_) named.push_back({make_name(key), count});
    std::ranges::sort(named, [](const NamedCount& a, const NamedCount& b) {
      return a.count != b.count ? a.count > b.count : a.name < b.name;
    });
    return named;
  }

 private:
  static constexpr auto kLeastFirst = std::ranges::greater();
  const size_t limit_;
  std::vector<std::pair<uint64_t, Key>> counts_;  // a heap
};

}  // namespace

HeadStatistics CountSeries(const SeriesSet& set, size_t limit) {
  const LabelIndex& labels = set.labels();
  Largest<LabelIndex::PairId> metrics(limit), pairs(limit);
  Largest<std::string_view> values(limit), bytes(limit);
  for (const std::string_view name : labels.Names()) {
    const auto& of_name = labels.PairsOf(name);
    uint64_t value_bytes = 0;
    for (const LabelIndex::PairId pair : of_name) {
      const uint64_t series = labels.postings(pair).size();
      value_bytes += labels.pair(pair).value.size() * series;
      pairs.Add(series, pair);
      if (name == kMetricName) metrics.Add(series, pair);
    }
    values.Add(of_name.size(), name);
    bytes.Add(value_bytes, name);
  }
  const auto value_of = [&](LabelIndex::PairId id) { return std::string(labels.pair(id).value); };
  const auto text_of = [&](LabelIndex::PairId id) {
    const Label label = labels.pair(id);
    return std::string(label.name) + "=" + std::string(label.value);
  };
  const auto own = [](std::string_view name) { return std::string(name); };
  return {.series = set.size(),
          .label_pairs = labels.size(),
          .chunks = 0,
          .range = {},
          .series_by_metric = metrics.Take(value_of),
          .values_by_label = values.Take(own),
          .value_bytes_by_label = bytes.Take(own),
          .series_by_pair = pairs.Take(text_of)};
}

}  // namespace barograph::tsdb
