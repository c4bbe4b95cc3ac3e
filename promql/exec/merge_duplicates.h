#pragma once

#include <string>
#include <vector>

#include "promql/exec/operator.h"

namespace barograph::promql {

/// Whether series that look the same may follow each other in time.
enum class Duplicates : uint8_t {
  kMayAlternate,  ///< they become one, unless both have a sample at one step
  kAreErrors,     ///< as soon as two of them have any sample
};

/// Makes the series of its input unique, after labels were dropped or changed. "vector cannot
/// contain metrics with the same labelset" where that cannot be.
class MergeDuplicates final : public Operator {
 public:
  MergeDuplicates(QueryContext& context, OperatorPtr input, Duplicates duplicates)
      : Operator(context, input->grid()),
        input_(std::move(input)),
        duplicates_(duplicates),
        columns_(context.lanes()) {}

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override { return "merge duplicates"; }
  std::vector<const Operator*> inputs() const override { return {input_.get()}; }
  bool reports() const override { return !members_.empty() || input_->reports(); }

 private:
  Status Merge(const Column& next, Column& out) const;
  Status SettleNames();
  Status SettleName(size_t index);

  OperatorPtr input_;
  Duplicates duplicates_;
  std::vector<std::vector<size_t>> members_;  // empty when all series are unique
  PerLane<Column> columns_;
};

Error SameLabelsetError();

}  // namespace barograph::promql
