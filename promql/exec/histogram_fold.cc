#include "promql/exec/histogram_fold.h"

namespace barograph::promql {

void HistogramFold::TakeFrom(Column& column, std::string_view metric, Annotator& annotations) {
  if (column.histograms.empty()) return;
  totals_.resize(column.size());
  for (size_t step = 0; step < column.size(); ++step) {
    const FloatHistogram* histogram = column.histogram(step);
    if (histogram == nullptr) continue;
    auto& total = totals_[step];
    if (total == nullptr) total = std::make_unique<HistogramTotal>(kind_);
    if (!total->compatible()) continue;
    if (!total->Add(*histogram)) annotations.MixedSchemas(metric, where_);
  }
  column.EraseHistograms();
}

void HistogramFold::Finish(Column& out, Annotator& annotations) {
  for (size_t step = 0; step < totals_.size(); ++step) {
    const HistogramTotal* total = totals_[step].get();
    if (total == nullptr) continue;
    total->ReportBounds(annotations, where_);
    if (out.present(step)) {
      annotations.MixedInAggregation(where_);
      out.Erase(step);
    } else if (total->compatible()) {
      total->Report(annotations, where_);
      out.SetHistogram(step, std::make_shared<const FloatHistogram>(total->result()));
    }
  }
}

}  // namespace barograph::promql
