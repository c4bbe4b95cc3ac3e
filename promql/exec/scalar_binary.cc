#include "promql/exec/scalar_binary.h"

#include "promql/func/histogram_binary.h"

namespace barograph::promql {

ScalarBinary::ScalarBinary(QueryContext& context, const Description& description, OperatorPtr lhs,
                           OperatorPtr rhs, bool lhs_is_scalar, bool rhs_is_scalar)
    : Operator(context, lhs->grid()),
      description_(description),
      lhs_(std::move(lhs)),
      rhs_(std::move(rhs)),
      lhs_is_scalar_(lhs_is_scalar),
      both_scalar_(lhs_is_scalar && rhs_is_scalar) {}

Status ScalarBinary::Start() {
  TRY(lhs_->Open());
  TRY(rhs_->Open());
  TRY(scalar().Evaluate(context().main(), 0, scalar_column_));
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

Status ScalarBinary::Compute(Lane& lane, size_t index, Column& out) {
  TRY(vector().Evaluate(lane, index, out));
  TRY(lane.Work(out.size()));
  std::vector<HistogramRef> results;
  if (!out.histograms.empty()) {
    results = ApplyToHistogramSteps(lane, index, out);
    out.EraseHistograms();
  }
  if (IsTrim(description_.op)) AnnotateTrimOfFloats(lane, index, out);
  if (lhs_is_scalar_) {
    ApplyToColumns(description_.op, comparison(), scalar_column_.values, out.values, out.values);
  } else {
    ApplyToColumns(description_.op, comparison(), out.values, scalar_column_.values, out.values);
  }
  for (size_t step = 0; step < results.size(); ++step) {
    if (results[step] != nullptr) out.SetHistogram(step, std::move(results[step]));
  }
  return {};
}

// One note a step: the last series' counts.
void ScalarBinary::AnnotateTrimOfFloats(Lane& lane, size_t index, const Column& column) const {
  Annotator notes;
  notes.IncompatibleTypes("float", ToString(description_.op), "float", description_.position);
  for (size_t step = 0; step < column.size(); ++step) {
    if (column.present(step)) lane.annotations().NoteAtStep(step, index, notes);
  }
}

// The result at each step at which the vector has a histogram.
std::vector<HistogramRef> ScalarBinary::ApplyToHistogramSteps(Lane& lane, size_t index,
                                                              const Column& column) const {
  std::vector<HistogramRef> results(column.size());
  for (size_t step = 0; step < column.size(); ++step) {
    if (column.histogram(step) == nullptr) continue;
    const BinaryOperand vector{0, column.histogram(step)};
    const BinaryOperand scalar{scalar_column_.values[step], nullptr};
    Annotator notes;
    results[step] =
        ApplyToHistograms(description_.op, lhs_is_scalar_ ? scalar : vector,
                          lhs_is_scalar_ ? vector : scalar, notes, description_.position)
            .histogram;
    lane.annotations().NoteAtStep(step, index, notes);
  }
  return results;
}

}  // namespace barograph::promql
