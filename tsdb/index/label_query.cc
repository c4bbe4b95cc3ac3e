#include "tsdb/index/label_query.h"

#include <algorithm>
#include <optional>
#include <set>

#include "tsdb/index/definitions.h"
#include "tsdb/index/match.h"

namespace barograph::tsdb::index {
namespace {

constexpr size_t kValuesPerStop = 1024;

using Texts = std::vector<std::string>;

Result<Texts> AllValues(const PostingsReader& postings, std::string_view name,
                        std::span<const Partition> partitions, const std::stop_token& stop) {
  Texts values;
  ValueScan scan(postings.store(), partitions, name, "");
  while (TRY(scan.Next())) {
    if (values.size() % kValuesPerStop == 0 && stop.stop_requested()) return Cancelled();
    values.emplace_back(scan.value());
  }
  return values;
}

// The values that one of the `matched` series has, found by going through the values; nullopt when
// there are more than `budget`.
Result<std::optional<Texts>> ValuesByScan(const PostingsReader& postings, std::string_view name,
                                          std::span<const Partition> partitions,
                                          std::span<const Roaring> matched, size_t budget,
                                          const std::stop_token& stop) {
  Texts values;
  size_t tried = 0;
  ValueScan scan(postings.store(), partitions, name, "");
  while (TRY(scan.Next())) {
    if (++tried % kValuesPerStop == 0 && stop.stop_requested()) return Cancelled();
    if (budget < scan.holders().size()) return std::optional<Texts>();
    budget -= scan.holders().size();
    for (const size_t holder : scan.holders()) {
      if (matched[holder].isEmpty()) continue;
      Roaring set;
      TRY(scan.AddTo(holder, set));
      if (!set.intersect(matched[holder])) continue;
      values.emplace_back(scan.value());
      break;
    }
  }
  return std::optional(std::move(values));
}

Result<Texts> ValuesByLabels(const PostingsReader& postings, std::string_view name,
                             std::span<const SeriesId> ids, const std::stop_token& stop) {
  std::set<std::string, std::less<>> values;
  const auto collect = [&](size_t, std::string_view packed) {
    for (Labels::Iterator at(packed); at != Labels::Iterator(); ++at) {
      if (at->name == name && !values.contains(at->value)) values.emplace(at->value);
    }
  };
  TRY(ReadLabels(postings.store(), ids, collect, stop));
  return Texts(values.begin(), values.end());
}

}  // namespace

Result<Texts> LabelNames(const PostingsReader& postings, std::span<const Partition> partitions,
                         const Matchers& matchers, const std::stop_token& stop) {
  std::vector<Roaring> matched;
  if (!matchers.empty()) matched = TRY(MatchPartitions(postings, partitions, matchers, stop));
  std::set<std::string, std::less<>> names;
  for (size_t i = 0; i < partitions.size(); ++i) {
    if (!matchers.empty() && matched[i].isEmpty()) continue;
    const auto add = [&](std::string_view name) -> Status {
      if (names.contains(name)) return {};
      if (!matchers.empty()) {
        const SharedSet with_name = TRY(postings.Get(partitions[i], name, ""));
        if (!with_name->intersect(matched[i])) return {};
      }
      names.emplace(name);
      return {};
    };
    TRY(ForEachName(postings.store(), partitions[i].key, add, stop));
  }
  return Texts(names.begin(), names.end());
}

Result<Texts> LabelValues(const PostingsReader& postings, std::string_view name,
                          std::span<const Partition> partitions, const Matchers& matchers,
                          const std::stop_token& stop) {
  if (name.empty()) return Texts();
  if (matchers.empty()) return AllValues(postings, name, partitions, stop);
  const std::vector<Roaring> matched = TRY(MatchPartitions(postings, partitions, matchers, stop));
  size_t count = 0;
  for (const Roaring& set : matched) count += set.cardinality();
  if (count == 0) return Texts();
  auto values = TRY(ValuesByScan(postings, name, partitions, matched, ScanBudget(count), stop));
  if (values) return std::move(*values);
  return ValuesByLabels(postings, name, JoinSets(partitions, matched), stop);
}

}  // namespace barograph::tsdb::index
