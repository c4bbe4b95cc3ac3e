#include "promql/func/histogram_interpolation.h"

#include "base/model/histogram_arithmetic.h"

namespace barograph::promql {
namespace {

bool Judge(const Result<HistogramMerge>& merged, std::string_view operation,
           const HistogramReport& report) {
  if (!merged.has_value()) {
    report.annotations.MixedSchemas(report.metric, report.position);
    return false;
  }
  if (merged->bounds_reconciled) report.annotations.BoundsReconciled(operation, report.position);
  return true;
}

}  // namespace

bool AddReporting(FloatHistogram& to, const FloatHistogram& other, const HistogramReport& report) {
  return Judge(AddHistogram(to, other), "addition", report);
}

bool SubtractReporting(FloatHistogram& from, const FloatHistogram& other,
                       const HistogramReport& report) {
  return Judge(SubtractHistogram(from, other), "subtraction", report);
}

std::optional<FloatHistogram> InterpolateHistograms(const HistogramPoint& before,
                                                    const HistogramPoint& after, Timestamp at,
                                                    bool is_counter,
                                                    const HistogramReport& report) {
  if (at == before.timestamp) return before.histogram;
  if (at == after.timestamp) return after.histogram;
  const double fraction = static_cast<double>((at - before.timestamp).count()) /
                          static_cast<double>((after.timestamp - before.timestamp).count());
  FloatHistogram result = after.histogram;
  if (is_counter && IsCounterReset(after.histogram, before.histogram)) {
    ScaleHistogram(result, fraction);
    return result;
  }
  if (!SubtractReporting(result, before.histogram, report)) return std::nullopt;
  ScaleHistogram(result, fraction);
  if (!AddReporting(result, before.histogram, report)) return std::nullopt;
  return result;
}

}  // namespace barograph::promql
