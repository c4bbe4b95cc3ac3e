#include "tsdb/label_queries.h"

#include <algorithm>

#include "tsdb/head/selection.h"
#include "tsdb/merged_selection.h"

namespace barograph::tsdb {
namespace {

template <typename T>
void SortAndLimit(std::vector<T>& found, size_t limit) {
  std::ranges::sort(found);
  found.erase(std::ranges::unique(found).begin(), found.end());
  if (limit != 0 && found.size() > limit) found.resize(limit);
}

void Append(std::vector<std::string>& out, std::vector<std::string> more) {
  std::ranges::move(more, std::back_inserter(out));
}

}  // namespace

Result<std::vector<std::string>> LabelQueries::Names(const LabelQuery& query,
                                                     std::stop_token stop) const {
  std::vector<std::string> names;
  if (!query.matchers.empty()) {
    const auto found = TRY(MatchInHead(head_, view_->head, query.range, query.matchers, stop));
    names = TRY(head_.registry.LabelNamesOf(found, stop));
  } else if (head_.range().Overlaps(query.range)) {
    names = head_.registry.LabelNames();
  }
  if (const auto span = OverlapWithBlocks(*view_, query.range)) {
    Append(names, TRY(index_.LabelNames(PartitionOf(span->min), PartitionOf(span->max),
                                        query.matchers, std::move(stop))));
  }
  SortAndLimit(names, query.limit);
  return names;
}

Result<std::vector<std::string>> LabelQueries::Values(const std::string& name,
                                                      const LabelQuery& query,
                                                      std::stop_token stop) const {
  std::vector<std::string> values;
  if (!query.matchers.empty()) {
    const auto found = TRY(MatchInHead(head_, view_->head, query.range, query.matchers, stop));
    values = TRY(head_.registry.LabelValuesOf(found, name, stop));
  } else if (head_.range().Overlaps(query.range)) {
    values = head_.registry.LabelValues(name);
  }
  if (const auto span = OverlapWithBlocks(*view_, query.range)) {
    Append(values, TRY(index_.LabelValues(name, PartitionOf(span->min), PartitionOf(span->max),
                                          query.matchers, std::move(stop))));
  }
  SortAndLimit(values, query.limit);
  return values;
}

Result<std::vector<Labels>> LabelQueries::Series(const LabelQuery& query,
                                                 std::stop_token stop) const {
  constexpr size_t kSeriesPerStop = 1024;
  const auto selection =
      TRY(SelectFromView(view_, head_, index_, query.range, query.matchers, {}, stop));
  std::vector<Labels> series;
  series.reserve(selection->size());
  for (size_t i = 0; i < selection->size(); ++i) {
    if (i % kSeriesPerStop == 0 && stop.stop_requested()) {
      return Fail(ErrorCode::kCancelled, "query was cancelled");
    }
    series.push_back(selection->labels(i));
  }
  SortAndLimit(series, query.limit);
  return series;
}

}  // namespace barograph::tsdb
