#include "server/cli/tsdb/analysis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>

#include "base/model/labels.h"
#include "base/model/matcher.h"

namespace barograph::server::cli {
namespace {

using Counts = std::map<std::string, uint64_t, std::less<>>;

void Count(Counts& counts, std::string_view what, uint64_t how_many = 1) {
  const auto found = counts.find(what);
  if (found != counts.end()) {
    found->second += how_many;
  } else {
    counts.emplace(what, how_many);
  }
}

/// The highest counts, each on a line behind its number, under a title.
std::string Highest(std::string_view title, const Counts& counts, size_t limit) {
  std::vector<std::pair<std::string_view, uint64_t>> sorted(counts.begin(), counts.end());
  std::ranges::sort(sorted, {},
                    [](const auto& counted) { return std::pair(~counted.second, counted.first); });
  std::string text = fmt::format("\n{}:\n", title);
  for (size_t i = 0; i < std::min(limit, sorted.size()); ++i) {
    text += fmt::format("{} {}\n", sorted[i].second, sorted[i].first);
  }
  return text;
}

/// Counts over the labels of series.
class LabelCounts {
 public:
  void Add(const Labels& labels) {
    ++series_;
    for (const Label& label : labels) {
      ++entries_;
      const std::string pair = fmt::format("{}={}", label.name, label.value);
      if (!series_of_pair_.contains(pair)) {
        Count(values_of_name_, label.name);
        Count(value_bytes_of_name_, label.name, label.value.size());
      }
      Count(series_of_pair_, pair);
      if (label.name == kMetricName) Count(series_of_metric_, label.value);
    }
  }

  std::string Describe(size_t limit) const {
    return fmt::format(
               "Total Series: {}\nLabel names: {}\nUnique label pairs: {}\n"
               "Total label pairs: {}\n",
               series_, values_of_name_.size(), series_of_pair_.size(), entries_) +
           Highest("Most common label pairs", series_of_pair_, limit) +
           Highest("Label names with highest cumulative label value length", value_bytes_of_name_,
                   limit) +
           Highest("Highest cardinality labels", values_of_name_, limit) +
           Highest("Highest cardinality metric names", series_of_metric_, limit);
  }

 private:
  uint64_t series_ = 0;
  uint64_t entries_ = 0;
  Counts series_of_pair_;
  Counts values_of_name_;
  Counts value_bytes_of_name_;
  Counts series_of_metric_;
};

size_t CountMissing(const std::vector<SeriesId>& from, const std::vector<SeriesId>& in) {
  std::vector<SeriesId> missing;
  std::ranges::set_difference(from, in, std::back_inserter(missing));
  return missing.size();
}

Result<std::string> DescribeChurn(const std::vector<std::shared_ptr<const tsdb::Block>>& blocks) {
  std::string text = "\nChurn by block (series, new since the block before, gone since):\n";
  std::vector<SeriesId> before;
  for (const auto& block : blocks) {
    std::vector<SeriesId> ids = TRY(block->Ids());
    text += fmt::format("{}  {}  +{}  -{}\n", block->meta().ulid().ToString(), ids.size(),
                        CountMissing(ids, before), CountMissing(before, ids));
    before = std::move(ids);
  }
  return text;
}

}  // namespace

Result<std::string> Analyze(const Queryable& storage,
                            const std::vector<std::shared_ptr<const tsdb::Block>>& blocks,
                            size_t limit) {
  const Matchers named = {TRY(Matcher::Make(MatchType::kNotEqual, std::string(kMetricName), ""))};
  const auto selection = TRY(storage.Select({}, named, {}, {}));
  LabelCounts counts;
  for (size_t i = 0; i < selection->size(); ++i) counts.Add(selection->labels(i));
  return counts.Describe(limit) + TRY(DescribeChurn(blocks));
}

}  // namespace barograph::server::cli
