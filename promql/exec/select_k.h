#pragma once

#include <string>
#include <vector>

#include "promql/exec/grouping.h"
#include "promql/exec/operator.h"

namespace barograph::promql {

/// topk, bottomk, limitk and limit_ratio: some of each group's samples at each step, under their
/// own labels. Holds k samples a group and step.
class SelectK final : public Operator {
 public:
  SelectK(QueryContext& context, const AggregateExpr& expr, OperatorPtr parameter,
          OperatorPtr input);

  Status Open() override;
  Status Evaluate(size_t index, Column& out) override;
  std::string name() const override { return std::string(ToString(expr_.op)); }
  std::vector<const Operator*> inputs() const override { return {parameter_.get(), input_.get()}; }

 private:
  struct Chosen {
    double value;
    uint32_t series;
    HistogramRef histogram;
  };
  // A binary heap with the sample that gives way first on top (for limitk just a list), with the
  // sifting of Go's container/heap, so that equal values fall out as they do in Prometheus.
  using Heap = std::vector<Chosen>;

  struct Point {
    uint32_t step;
    double value;
    HistogramRef histogram;
  };

  bool ranked() const {
    return expr_.op == AggregateOp::kTopK || expr_.op == AggregateOp::kBottomK;
  }
  bool Before(const Chosen& a, const Chosen& b) const;
  void SiftUp(Heap& heap) const;
  void SiftDown(Heap& heap) const;

  Result<bool> CheckParameter();
  Result<bool> CheckCount(double low, double high, bool any_nan) const;
  Result<bool> CheckRatio(double low, double high, bool any_nan);
  size_t CountAt(size_t step) const;

  Status SelectFrom(const SeriesGroup& group);
  void Offer(const Column& column, uint32_t series, std::vector<Heap>& heaps) const;
  void OfferRanked(Heap& heap, Chosen candidate, size_t k) const;
  void Take(std::vector<Heap>& heaps);

  const AggregateExpr& expr_;
  OperatorPtr parameter_;
  OperatorPtr input_;
  Column parameters_;
  std::vector<std::vector<Point>> points_;  // by output series
  Column column_;
  HeldSamples held_;
};

/// Where limit_ratio finds a series between 0 and 1: Prometheus's hash of its labels.
double RatioOffset(const Labels& labels);

}  // namespace barograph::promql
