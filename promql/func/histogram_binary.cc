#include "promql/func/histogram_binary.h"

#include "base/model/histogram_arithmetic.h"

namespace barograph::promql {
namespace {

using Kind = HistogramOutcome::Kind;

HistogramOutcome Made(FloatHistogram histogram) {
  histogram.Compact(0);
  return {Kind::kResult, std::make_shared<const FloatHistogram>(std::move(histogram))};
}

HistogramOutcome Compared(bool holds) { return {holds ? Kind::kIsTrue : Kind::kIsFalse, nullptr}; }

std::string_view TypeName(const BinaryOperand& operand) {
  return operand.histogram != nullptr ? "histogram" : "float";
}

// A sum of histograms that disagree on a counter reset is no result.
HistogramOutcome AddOrSubtract(BinaryOp op, const FloatHistogram& lhs, const FloatHistogram& rhs,
                               Annotator& annotations, PositionRange where) {
  const bool add = op == BinaryOp::kAdd;
  const std::string_view operation = add ? "addition" : "subtraction";
  FloatHistogram total = lhs;
  const auto merged = add ? AddHistogram(total, rhs) : SubtractHistogram(total, rhs);
  if (!merged.has_value()) {
    annotations.IncompatibleLayouts(ToString(op), where);
    return {};
  }
  if (merged->reset_collision) {
    annotations.ResetCollision(operation, where);
    return {};
  }
  if (merged->bounds_reconciled) annotations.BoundsReconciled(operation, where);
  if (!add) total.counter_reset_hint = CounterResetHint::kGauge;
  return Made(std::move(total));
}

HistogramOutcome Scaled(const FloatHistogram& histogram, double factor) {
  FloatHistogram scaled = histogram;
  ScaleHistogram(scaled, factor);
  return Made(std::move(scaled));
}

HistogramOutcome Divided(const FloatHistogram& histogram, double divisor) {
  FloatHistogram divided = histogram;
  DivideHistogram(divided, divisor);
  return Made(std::move(divided));
}

HistogramOutcome Trimmed(const FloatHistogram& histogram, double bound, TrimSide side) {
  FloatHistogram trimmed = histogram;
  TrimHistogram(trimmed, bound, side);
  return {Kind::kResult, std::make_shared<const FloatHistogram>(std::move(trimmed))};
}

}  // namespace

HistogramOutcome ApplyToHistograms(BinaryOp op, const BinaryOperand& lhs, const BinaryOperand& rhs,
                                   Annotator& annotations, PositionRange where) {
  if (lhs.histogram != nullptr && rhs.histogram != nullptr) {
    if (op == BinaryOp::kAdd || op == BinaryOp::kSub) {
      return AddOrSubtract(op, *lhs.histogram, *rhs.histogram, annotations, where);
    }
    if (op == BinaryOp::kEqual) return Compared(SameObservations(*lhs.histogram, *rhs.histogram));
    if (op == BinaryOp::kNotEqual) {
      return Compared(!SameObservations(*lhs.histogram, *rhs.histogram));
    }
  } else if (lhs.histogram != nullptr) {
    if (op == BinaryOp::kMul) return Scaled(*lhs.histogram, rhs.value);
    if (op == BinaryOp::kDiv) return Divided(*lhs.histogram, rhs.value);
    if (op == BinaryOp::kTrimUpper) return Trimmed(*lhs.histogram, rhs.value, TrimSide::kUpper);
    if (op == BinaryOp::kTrimLower) return Trimmed(*lhs.histogram, rhs.value, TrimSide::kLower);
  } else if (op == BinaryOp::kMul) {
    return Scaled(*rhs.histogram, lhs.value);
  }
  annotations.IncompatibleTypes(TypeName(lhs), ToString(op), TypeName(rhs), where);
  return {};
}

}  // namespace barograph::promql
