#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/storage/queryable.h"
#include "tsdb/head/head.h"
#include "tsdb/index/series_index.h"
#include "tsdb/view.h"

namespace barograph::tsdb {

/// Answers what Queryable asks about labels, from the head and from the index of the days in which
/// blocks overlap the query's range. Thread-safe.
class LabelQueries {
 public:
  LabelQueries(ViewPtr view, const Head& head, const SeriesIndex& index)
      : view_(std::move(view)), head_(head), index_(index) {}

  Result<std::vector<std::string>> Names(const LabelQuery& query, std::stop_token stop) const;
  Result<std::vector<std::string>> Values(const std::string& name, const LabelQuery& query,
                                          std::stop_token stop) const;
  Result<std::vector<Labels>> Series(const LabelQuery& query, std::stop_token stop) const;

 private:
  const ViewPtr view_;
  const Head& head_;
  const SeriesIndex& index_;
};

}  // namespace barograph::tsdb
