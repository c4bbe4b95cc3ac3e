#include "promql/exec/set_operator.h"

#include "promql/exec/fan_out.h"

namespace barograph::promql {

SetOperator::SetOperator(QueryContext& context, BinaryOp op, const VectorMatching& matching,
                         OperatorPtr lhs, OperatorPtr rhs)
    : Operator(context, lhs->grid()),
      op_(op),
      matching_(matching),
      lhs_(std::move(lhs)),
      rhs_(std::move(rhs)),
      held_(context) {}

Status SetOperator::Start() {
  TRY(lhs_->Open());
  TRY(rhs_->Open());
  matched_ = TRY(MatchSeries(context(), matching_, lhs_->series(), rhs_->series()));
  series_ = lhs_->series();
  if (op_ == BinaryOp::kOr) {
    series_.insert(series_.end(), rhs_->series().begin(), rhs_->series().end());
  }
  return FindPresence();
}

Status SetOperator::FindPresence() {
  Lane& lane = context().main();
  const bool left_decides = op_ == BinaryOp::kOr;
  Operator& deciding = left_decides ? *lhs_ : *rhs_;
  presence_.resize(matched_.groups.size());
  for (size_t i = 0; i < matched_.groups.size(); ++i) {
    const MatchGroup& group = matched_.groups[i];
    if (group.left.empty() || group.right.empty()) {
      TRY(EvaluateUnmatched(group));
      continue;
    }
    TRY(held_.Add(steps() / 64));
    StepSet& steps_present = presence_[i].emplace(steps());
    const auto& members = left_decides ? group.left : group.right;
    TRY(EvaluateEach(context(), lane, deciding, members, column_,
                     [&](Lane&, size_t, const Column& column) -> Status {
                       steps_present.AddPresent(column);
                       return {};
                     }));
  }
  return {};
}

// Series that are in no result, or would only be looked at for one.
Status SetOperator::EvaluateUnmatched(const MatchGroup& group) {
  if (op_ == BinaryOp::kOr) return {};
  Lane& lane = context().main();
  for (const uint32_t series : group.right) TRY(EvaluateForReports(lane, *rhs_, series, column_));
  if (op_ == BinaryOp::kUnless) return {};
  for (const uint32_t series : group.left) TRY(EvaluateForReports(lane, *lhs_, series, column_));
  return {};
}

Status SetOperator::Compute(Lane& lane, size_t index, Column& out) {
  const size_t left_size = lhs_->series().size();
  const bool from_left = index < left_size;
  const size_t group =
      from_left ? matched_.group_of_left[index] : matched_.group_of_right[index - left_size];
  const std::optional<StepSet>& presence = presence_[group];
  if (!presence.has_value() && op_ == BinaryOp::kAnd) {
    out.Reset(steps());
    return {};
  }
  if (from_left) {
    TRY(lhs_->Evaluate(lane, index, out));
  } else {
    TRY(rhs_->Evaluate(lane, index - left_size, out));
  }
  if (!presence.has_value() || (op_ == BinaryOp::kOr && from_left)) return {};
  const bool keep_where_present = op_ == BinaryOp::kAnd;
  for (size_t step = 0; step < out.size(); ++step) {
    if (presence->contains(step) != keep_where_present) out.Erase(step);
  }
  return {};
}

}  // namespace barograph::promql
