#pragma once

#include <optional>

#include "base/model/histogram_arithmetic.h"
#include "promql/exec/annotator.h"

namespace barograph::promql {

/// Adds up native histograms, or averages them, and keeps what there is to report. Takes one sample
/// after the other.
class HistogramTotal {
 public:
  enum class Kind : uint8_t { kSum, kAverage };

  explicit HistogramTotal(Kind kind) : kind_(kind) {}

  /// False from the first histogram on that cannot be added to those before: there is no result.
  bool Add(const FloatHistogram& histogram);

  bool compatible() const { return compatible_; }

  /// At least one was added, and all were compatible.
  FloatHistogram result() const;

  /// Annotates conflicting counter resets and bounds that were reconciled, in an aggregation.
  void Report(Annotator& annotations, PositionRange where) const;
  void ReportBounds(Annotator& annotations, PositionRange where) const;

 private:
  Kind kind_;
  std::optional<HistogramSum> sum_;
  std::optional<HistogramMean> mean_;
  bool compatible_ = true;
  bool saw_reset_ = false;
  bool saw_not_reset_ = false;
  bool bounds_reconciled_ = false;
};

}  // namespace barograph::promql
