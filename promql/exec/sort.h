#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "promql/exec/operator.h"

namespace barograph::promql {

/// The order of an instant query's result: sort, sort_desc (by value, NaN last, floats only),
/// sort_by_label, sort_by_label_desc (by the natural order of label values). Over many steps
/// results are always ordered by labels; there it only warns.
class Sort final : public Operator {
 public:
  struct Order {
    std::string function;
    bool by_label = false;
    bool descending = false;
    std::vector<std::string> labels;
    PositionRange position;
  };

  Sort(QueryContext& context, Order order, OperatorPtr input);

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override { return order_.function; }
  std::vector<const Operator*> inputs() const override { return {input_.get()}; }

 private:
  struct Item {
    uint32_t series;
    double value;
  };
  bool ValueBefore(const Item& a, const Item& b) const;
  bool LabelsBefore(const Item& a, const Item& b) const;

  Order order_;
  OperatorPtr input_;
  std::vector<uint32_t> sources_;  // by output series; empty when the order is the input's
};

/// Whether `a` comes before `b` when runs of digits count as numbers: item2 before item10.
bool NaturalLess(std::string_view a, std::string_view b);

}  // namespace barograph::promql
