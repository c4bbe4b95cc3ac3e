#include "promql/exec/histogram_fold.h"

namespace barograph::promql {

void HistogramFold::TakeFrom(Column& column, std::span<const double> floats,
                             std::string_view metric, Annotator& annotations) {
  if (column.histograms.empty()) return;
  states_.resize(column.size());
  for (size_t step = 0; step < column.size(); ++step) {
    const FloatHistogram* histogram = column.histogram(step);
    if (histogram == nullptr) continue;
    const bool floats_before = !IsAbsent(floats[step]);
    auto& state = states_[step];
    if (state == nullptr) {
      state = std::make_unique<State>(kind_);
      state->floats_first = floats_before;
    }
    if (state->floats_first || !state->total.compatible()) continue;
    if (!state->total.Add(*histogram)) {
      annotations.MixedSchemas(metric, where_);
      state->floats_before_end = floats_before;
    }
  }
  column.EraseHistograms();
}

void HistogramFold::Finish(Column& out, Annotator& annotations) {
  for (size_t step = 0; step < states_.size(); ++step) {
    const State* state = states_[step].get();
    if (state == nullptr) continue;
    const HistogramTotal& total = state->total;
    total.ReportBounds(annotations, where_);
    const bool mixed = total.compatible() ? out.present(step) : state->floats_before_end;
    if (mixed) annotations.MixedInAggregation(where_);
    if (mixed || !total.compatible()) {
      out.Erase(step);
      continue;
    }
    total.Report(annotations, where_);
    out.SetHistogram(step, std::make_shared<const FloatHistogram>(total.result()));
  }
}

}  // namespace barograph::promql
