#include "promql/exec/scalar_binary.h"

#include <fmt/format.h>

namespace barograph::promql {
namespace {

bool IsTrim(BinaryOp op) { return op == BinaryOp::kTrimUpper || op == BinaryOp::kTrimLower; }

// Whether the operator is defined between a histogram and a float.
bool TakesHistogram(BinaryOp op, bool histogram_on_left) {
  if (op == BinaryOp::kMul) return true;
  return histogram_on_left && (op == BinaryOp::kDiv || IsTrim(op));
}

}  // namespace

ScalarBinary::ScalarBinary(QueryContext& context, const Description& description, OperatorPtr lhs,
                           OperatorPtr rhs, bool lhs_is_scalar, bool rhs_is_scalar)
    : Operator(context, lhs->grid()),
      description_(description),
      lhs_(std::move(lhs)),
      rhs_(std::move(rhs)),
      lhs_is_scalar_(lhs_is_scalar),
      both_scalar_(lhs_is_scalar && rhs_is_scalar) {}

Status ScalarBinary::Open() {
  TRY(lhs_->Open());
  TRY(rhs_->Open());
  TRY(scalar().Evaluate(0, scalar_column_));
  series_ = vector().series();
  if (ChangesMeaning(description_.op) || description_.return_bool) {
    for (SeriesMeta& meta : series_) meta.drop_name = true;
  }
  return {};
}

// A filter gives the vector's value, on whichever side it stands.
ComparisonResult ScalarBinary::comparison() const {
  if (both_scalar_ || description_.return_bool) return ComparisonResult::kBool;
  return lhs_is_scalar_ ? ComparisonResult::kFilterRight : ComparisonResult::kFilter;
}

Status ScalarBinary::Evaluate(size_t index, Column& out) {
  TRY(vector().Evaluate(index, out));
  TRY(context().Work(out.size()));
  if (!out.histograms.empty()) TRY(HandleHistograms(out));
  if (IsTrim(description_.op) && out.CountPresent() > 0) {
    context().annotations().IncompatibleTypes("float", ToString(description_.op), "float",
                                              description_.position);
  }
  if (lhs_is_scalar_) {
    ApplyToColumns(description_.op, comparison(), scalar_column_.values, out.values, out.values);
  } else {
    ApplyToColumns(description_.op, comparison(), out.values, scalar_column_.values, out.values);
  }
  return {};
}

Status ScalarBinary::HandleHistograms(Column& column) {
  if (TakesHistogram(description_.op, !lhs_is_scalar_)) {
    return Fail(ErrorCode::kExecution,
                fmt::format("binary operator {} is not implemented for native histograms",
                            ToString(description_.op)));
  }
  const std::string_view left = lhs_is_scalar_ ? "float" : "histogram";
  const std::string_view right = lhs_is_scalar_ ? "histogram" : "float";
  context().annotations().IncompatibleTypes(left, ToString(description_.op), right,
                                            description_.position);
  column.EraseHistograms();
  return {};
}

}  // namespace barograph::promql
