#include "promql/exec/histogram_fold.h"

namespace barograph::promql {

void HistogramFold::TakeFrom(Column& column, std::string_view metric) {
  if (column.histograms.empty()) return;
  totals_.resize(column.size());
  for (size_t step = 0; step < column.size(); ++step) {
    const FloatHistogram* histogram = column.histogram(step);
    if (histogram == nullptr) continue;
    auto& total = totals_[step];
    if (total == nullptr) total = std::make_unique<HistogramTotal>(kind_);
    if (!total->compatible()) continue;
    if (!total->Add(*histogram)) annotations_.MixedSchemas(metric, where_);
  }
  column.EraseHistograms();
}

void HistogramFold::Finish(Column& out) {
  for (size_t step = 0; step < totals_.size(); ++step) {
    const HistogramTotal* total = totals_[step].get();
    if (total == nullptr) continue;
    total->ReportBounds(annotations_, where_);
    if (out.present(step)) {
      annotations_.MixedInAggregation(where_);
      out.Erase(step);
    } else if (total->compatible()) {
      total->Report(annotations_, where_);
      out.SetHistogram(step, std::make_shared<const FloatHistogram>(total->result()));
    }
  }
}

}  // namespace barograph::promql
