#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "promql/exec/annotator.h"
#include "promql/exec/column.h"
#include "promql/func/histogram_total.h"

namespace barograph::promql {

/// The native histograms of one group in a sum or avg, folded step by step.
class HistogramFold {
 public:
  HistogramFold(HistogramTotal::Kind kind, PositionRange where) : kind_(kind), where_(where) {}

  /// Forgets everything, for the next group.
  void Reset() { totals_.clear(); }

  /// Moves the histograms out of `column`; `metric` is their series' name.
  void TakeFrom(Column& column, std::string_view metric, Annotator& annotations);

  /// Adds the results to the floats in `out`. A step with both has none.
  void Finish(Column& out, Annotator& annotations);

 private:
  HistogramTotal::Kind kind_;
  PositionRange where_;
  std::vector<std::unique_ptr<HistogramTotal>> totals_;  // by step; empty while there are none
};

}  // namespace barograph::promql
