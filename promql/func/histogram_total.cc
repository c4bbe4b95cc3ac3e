#include "promql/func/histogram_total.h"

namespace barograph::promql {

bool HistogramTotal::Add(const FloatHistogram& histogram) {
  if (!compatible_) return false;
  saw_reset_ |= histogram.counter_reset_hint == CounterResetHint::kReset;
  saw_not_reset_ |= histogram.counter_reset_hint == CounterResetHint::kNotReset;
  if (!sum_.has_value() && !mean_.has_value()) {
    if (kind_ == Kind::kSum) {
      sum_.emplace(histogram);
    } else {
      mean_.emplace(histogram);
    }
    return true;
  }
  const auto merged = sum_.has_value() ? sum_->Add(histogram) : mean_->Add(histogram);
  compatible_ = merged.has_value();
  if (compatible_) bounds_reconciled_ |= merged->bounds_reconciled;
  return compatible_;
}

FloatHistogram HistogramTotal::result() const {
  FloatHistogram result = sum_.has_value() ? sum_->result() : mean_->result();
  result.Compact(0);
  return result;
}

void HistogramTotal::Report(Annotator& annotations, PositionRange where) const {
  if (saw_reset_ && saw_not_reset_) annotations.ResetCollision("aggregation", where);
}

void HistogramTotal::ReportBounds(Annotator& annotations, PositionRange where) const {
  if (bounds_reconciled_) annotations.BoundsReconciled("aggregation", where);
}

}  // namespace barograph::promql
