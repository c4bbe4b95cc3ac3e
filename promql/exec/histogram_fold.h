#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "promql/exec/annotator.h"
#include "promql/exec/column.h"
#include "promql/func/histogram_total.h"

namespace barograph::promql {

/// The native histograms of one group in a sum or avg, folded step by step, series after series.
/// What is told depends on their order, as in Prometheus: where floats came first, histograms are
/// not added up, and what comes after histograms that cannot be added is not looked at.
class HistogramFold {
 public:
  HistogramFold(HistogramTotal::Kind kind, PositionRange where) : kind_(kind), where_(where) {}

  /// Forgets everything, for the next group.
  void Reset() { states_.clear(); }

  /// Moves the histograms out of `column`; `metric` is their series' name. `floats` are those of
  /// the series before it by step, absent where there were none.
  void TakeFrom(Column& column, std::span<const double> floats, std::string_view metric,
                Annotator& annotations);

  /// Adds the results to the floats in `out`. A step with both has none.
  void Finish(Column& out, Annotator& annotations);

 private:
  struct State {
    explicit State(HistogramTotal::Kind kind) : total(kind) {}

    HistogramTotal total;
    bool floats_first = false;
    bool floats_before_end = false;  // before histograms that could not be added
  };

  HistogramTotal::Kind kind_;
  PositionRange where_;
  std::vector<std::unique_ptr<State>> states_;  // by step; empty while there are no histograms
};

}  // namespace barograph::promql
