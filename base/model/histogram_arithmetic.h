#pragma once

#include <memory>

#include "base/model/histogram.h"
#include "base/result.h"

/// Arithmetic on native histograms as Prometheus does it (model/histogram/float_histogram.go).
namespace barograph {

/// What happened when two histograms were put together.
struct HistogramMerge {
  bool reset_collision = false;    ///< one was a counter reset, the other said that it was none
  bool bounds_reconciled = false;  ///< custom bounds differed: the result has the common ones
};

/// `histogram` += `other`. The result has the coarser of the two schemas, the wider of the two zero
/// buckets, and of custom buckets the bounds that both have. InvalidArgument, with `histogram`
/// unchanged, when only one has custom buckets, or a schema or zero threshold is none. Counter
/// reset hints that differ become gauge if one is, else unknown. Not compacted.
Result<HistogramMerge> AddHistogram(FloatHistogram& histogram, const FloatHistogram& other);

/// The same, with `other` subtracted.
Result<HistogramMerge> SubtractHistogram(FloatHistogram& histogram, const FloatHistogram& other);

/// Multiplies all counts and the sum. A negative factor makes a gauge of it.
void ScaleHistogram(FloatHistogram& histogram, double factor);

/// Divides all counts and the sum. After a division by zero there are no buckets.
void DivideHistogram(FloatHistogram& histogram, double divisor);

/// To the coarser exponential schema `to_schema`; nothing where the histogram's is not finer.
void CoarsenHistogram(FloatHistogram& histogram, int32_t to_schema);

/// Whether a counter must have been reset between `previous` and `current`: by its hint, or because
/// some count is lower or its layout finer.
bool IsCounterReset(const FloatHistogram& current, const FloatHistogram& previous);

/// Equality of all that was observed, to the bit: hints and how spans are cut do not count.
bool SameObservations(const FloatHistogram& a, const FloatHistogram& b);

enum class TrimSide : uint8_t {
  kUpper,  ///< takes out what is above the bound
  kLower,  ///< takes out what is below it
};

/// Takes out the observations on one side of `bound`, which are interpolated in the bucket that it
/// cuts; the sum is then an estimate from the buckets that remain.
void TrimHistogram(FloatHistogram& histogram, double bound, TrimSide side);

template <typename Number>
struct SparseHistogram;
struct KahanSum;

/// Adds up histograms with compensation for rounding errors.
class HistogramSum {
 public:
  explicit HistogramSum(const FloatHistogram& first);
  HistogramSum(const HistogramSum& other);
  HistogramSum(HistogramSum&&) noexcept;
  HistogramSum& operator=(HistogramSum&&) noexcept;
  ~HistogramSum();

  /// As AddHistogram.
  Result<HistogramMerge> Add(const FloatHistogram& histogram);

  void Scale(double factor);
  void Divide(double divisor);

  /// Whether any number has become infinite.
  bool HasOverflow() const;

  FloatHistogram result() const;

 private:
  std::unique_ptr<SparseHistogram<KahanSum>> total_;
};

/// A mean that adds up as long as nothing overflows, and goes on incrementally when it would.
class HistogramMean {
 public:
  explicit HistogramMean(const FloatHistogram& first) : total_(first) {}

  /// As AddHistogram; after an error the mean is of no use.
  Result<HistogramMerge> Add(const FloatHistogram& histogram);

  FloatHistogram result() const;

 private:
  HistogramSum total_;  // the mean when incremental_
  double count_ = 1;
  bool incremental_ = false;
};

}  // namespace barograph
