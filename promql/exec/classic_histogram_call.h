#pragma once

#include <string>
#include <vector>

#include "promql/exec/grouping.h"
#include "promql/exec/operator.h"
#include "promql/func/classic_histogram.h"

namespace barograph::promql {

/// Functions over classic histograms. Bucket series are put together by all labels but le, and
/// sorted by their bounds, once a query; then a histogram is computed at a time.
class ClassicHistogramCall : public Operator {
 public:
  ClassicHistogramCall(QueryContext& context, std::string_view function, PositionRange argument,
                       OperatorPtr input, std::vector<OperatorPtr> scalars);

  Status Open() override;
  Status Evaluate(size_t index, Column& out) override;
  std::string name() const override { return std::string(function_); }
  std::vector<const Operator*> inputs() const override;

 protected:
  /// What the function makes of the buckets present at `step`, at least one.
  virtual double Compute(size_t step, std::string_view metric, std::vector<Bucket>& buckets) = 0;
  /// After the scalars were evaluated.
  virtual void CheckScalars() {}

  double scalar(size_t index, size_t step) const { return scalar_columns_[index].values[step]; }
  PositionRange argument() const { return argument_; }

 private:
  struct Histogram {
    std::vector<uint32_t> members;  // by bound
    std::vector<double> bounds;
  };

  Status FindHistograms();
  Status ReadMembers(const Histogram& histogram);

  std::string_view function_;
  PositionRange argument_;
  OperatorPtr input_;
  std::vector<OperatorPtr> scalars_;
  std::vector<Column> scalar_columns_;
  std::vector<Histogram> histograms_;
  std::vector<double> counts_;  // the members' columns, one after the other
  Column column_;
  std::vector<Bucket> buckets_;
};

/// histogram_quantile(q, x).
class HistogramQuantile final : public ClassicHistogramCall {
 public:
  HistogramQuantile(QueryContext& context, PositionRange quantile, PositionRange argument,
                    OperatorPtr input, std::vector<OperatorPtr> scalars)
      : ClassicHistogramCall(context, "histogram_quantile", argument, std::move(input),
                             std::move(scalars)),
        quantile_(quantile) {}

 protected:
  double Compute(size_t step, std::string_view metric, std::vector<Bucket>& buckets) override;
  void CheckScalars() override;

 private:
  PositionRange quantile_;
};

/// histogram_fraction(lower, upper, x).
class HistogramFraction final : public ClassicHistogramCall {
 public:
  HistogramFraction(QueryContext& context, PositionRange argument, OperatorPtr input,
                    std::vector<OperatorPtr> scalars)
      : ClassicHistogramCall(context, "histogram_fraction", argument, std::move(input),
                             std::move(scalars)) {}

 protected:
  double Compute(size_t step, std::string_view metric, std::vector<Bucket>& buckets) override;
};

}  // namespace barograph::promql
