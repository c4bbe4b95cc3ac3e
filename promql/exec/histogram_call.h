#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "promql/exec/grouping.h"
#include "promql/exec/operator.h"
#include "promql/func/classic_histogram.h"
#include "promql/func/native_histogram.h"

namespace barograph::promql {

/// Functions over histograms, classic and native. Bucket series are put together by all labels but
/// le, and sorted by their bounds, once a query; then a histogram is computed at a time. Where a
/// step has both a native histogram and buckets with the same labels, there is no result.
class HistogramCall : public Operator {
 public:
  HistogramCall(QueryContext& context, std::string_view function, PositionRange argument,
                OperatorPtr input, std::vector<OperatorPtr> scalars);

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override { return std::string(function_); }
  std::vector<const Operator*> inputs() const override;
  bool reports() const override { return true; }

 protected:
  /// What a histogram's result series is told by, where the function gives more than one.
  struct Variant {
    std::string label;
    std::string value;
  };

  /// After the scalars were evaluated: checks them, and tells the variants.
  virtual std::vector<Variant> Prepare() { return {{}}; }

  /// What the function makes of the buckets present at `step`, at least one.
  virtual double ComputeStep(Lane& lane, size_t step, size_t variant, std::string_view metric,
                             std::vector<Bucket>& buckets) = 0;

  /// Computes what it can of all steps at once into `out`; `left` becomes the steps that it leaves
  /// to ComputeStep.
  virtual void ComputeMany(size_t variant, const BucketColumns& buckets, std::span<double> out,
                           std::vector<uint32_t>& left);

  /// The same for the native histogram at `step`.
  virtual NativeEstimate ComputeNative(size_t step, size_t variant,
                                       const FloatHistogram& histogram) = 0;

  std::span<const double> scalar_column(size_t index) const {
    return scalar_columns_[index].values;
  }
  double scalar(size_t index, size_t step) const { return scalar_columns_[index].values[step]; }
  size_t scalars() const { return scalars_.size(); }
  PositionRange argument() const { return argument_; }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Histogram {
    std::vector<uint32_t> members;  // by bound
    std::vector<double> bounds;
    uint32_t native = kNone;  // the series with native histograms
    bool whole = false;       // all bounds differ, the last one is +Inf, there are two or more
  };

  Status FindHistograms();
  // The columns of one histogram.
  struct Local {
    size_t read = SIZE_MAX;      // the histogram that they are of
    std::vector<double> counts;  // the members' columns, one after the other
    Column native;
    Column column;
    std::vector<Bucket> buckets;
    std::vector<uint32_t> left;  // steps to be looked at one by one
  };

  Result<bool> HasNative(uint32_t member);
  void AddSeries(const SeriesMeta& histogram);
  Status ReadMembers(Lane& lane, size_t histogram, Local& local);
  double AtStep(Lane& lane, const Histogram& histogram, Local& local, size_t step, size_t variant,
                std::string_view metric);

  std::string_view function_;
  PositionRange argument_;
  OperatorPtr input_;
  std::vector<OperatorPtr> scalars_;
  std::vector<Column> scalar_columns_;
  std::vector<Histogram> histograms_;
  std::vector<Variant> variants_;
  PerLane<Local> locals_;
};

/// histogram_quantile(q, x) and histogram_quantiles(x, "label", q...), which gives a series for
/// each quantile.
class HistogramQuantile final : public HistogramCall {
 public:
  /// `label` is empty for histogram_quantile. `positions` are those of the quantiles, `whole` the
  /// call's.
  HistogramQuantile(QueryContext& context, std::string label, PositionRange whole,
                    std::vector<PositionRange> positions, PositionRange argument, OperatorPtr input,
                    std::vector<OperatorPtr> scalars)
      : HistogramCall(context, label.empty() ? "histogram_quantile" : "histogram_quantiles",
                      argument, std::move(input), std::move(scalars)),
        label_(std::move(label)),
        whole_(whole),
        positions_(std::move(positions)) {}

 protected:
  std::vector<Variant> Prepare() override;
  double ComputeStep(Lane& lane, size_t step, size_t variant, std::string_view metric,
                     std::vector<Bucket>& buckets) override;
  void ComputeMany(size_t variant, const BucketColumns& buckets, std::span<double> out,
                   std::vector<uint32_t>& left) override;
  NativeEstimate ComputeNative(size_t step, size_t variant,
                               const FloatHistogram& histogram) override;

 private:
  // A quantile that a scalar takes at some steps.
  struct Wanted {
    size_t scalar;
    double quantile;
  };

  // The quantile of a variant at a step, or nothing when it takes another there.
  std::optional<double> QuantileAt(size_t step, size_t variant) const;
  bool IsFirstToRepair(size_t step, size_t variant) const;

  std::string label_;
  PositionRange whole_;
  std::vector<PositionRange> positions_;
  std::vector<Wanted> wanted_;  // by variant; empty for histogram_quantile
};

/// histogram_fraction(lower, upper, x).
class HistogramFraction final : public HistogramCall {
 public:
  HistogramFraction(QueryContext& context, PositionRange argument, OperatorPtr input,
                    std::vector<OperatorPtr> scalars)
      : HistogramCall(context, "histogram_fraction", argument, std::move(input),
                      std::move(scalars)) {}

 protected:
  double ComputeStep(Lane& lane, size_t step, size_t variant, std::string_view metric,
                     std::vector<Bucket>& buckets) override;
  NativeEstimate ComputeNative(size_t step, size_t variant,
                               const FloatHistogram& histogram) override;
};

}  // namespace barograph::promql
