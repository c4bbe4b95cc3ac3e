#include "promql/exec/result.h"

#include <algorithm>

#include "promql/exec/merge_duplicates.h"

namespace barograph::promql {
namespace {

void SortByLabels(std::vector<ResultSeries>& series) {
  std::sort(series.begin(), series.end(),
            [](const ResultSeries& a, const ResultSeries& b) { return a.labels < b.labels; });
}

Labels FinalLabels(const SeriesMeta& meta) {
  return meta.drop_name ? WithoutMetadata(*meta.labels) : *meta.labels;
}

void AddPoint(ResultSeries& series, Timestamp timestamp, double value,
              const FloatHistogram* histogram) {
  if (histogram != nullptr) series.histograms.resize(series.size());
  series.timestamps.push_back(timestamp);
  series.values.push_back(value);
  if (histogram != nullptr) {
    series.histograms.emplace_back(*histogram);
  } else if (!series.histograms.empty()) {
    series.histograms.emplace_back();
  }
}

// Two series that were told apart by a name that is dropped only now.
class DelayedNameRemoval final : public Operator {
 public:
  DelayedNameRemoval(QueryContext& context, OperatorPtr input)
      : Operator(context, input->grid()), input_(std::move(input)) {}

  Status Open() override {
    TRY(input_->Open());
    for (const SeriesMeta& meta : input_->series()) {
      series_.push_back({meta.drop_name ? context().Keep(FinalLabels(meta)) : meta.labels, false});
    }
    return {};
  }
  Status Evaluate(size_t index, Column& out) override { return input_->Evaluate(index, out); }
  std::string name() const override { return input_->name(); }
  std::vector<const Operator*> inputs() const override { return input_->inputs(); }

 private:
  OperatorPtr input_;
};

Result<OperatorPtr> BuildRoot(QueryContext& context, const PlanNode& root,
                              const BuildOptions& options) {
  OperatorPtr top = TRY(BuildOperators(context, root, options));
  if (!context.naming().delayed) return top;
  OperatorPtr renamed = std::make_unique<DelayedNameRemoval>(context, std::move(top));
  return OperatorPtr(new MergeDuplicates(context, std::move(renamed), Duplicates::kMayAlternate));
}

std::vector<Timestamp> TimesOf(const StepGrid& grid) {
  std::vector<Timestamp> times;
  times.reserve(grid.count);
  for (size_t step = 0; step < grid.count; ++step) times.push_back(FromMs(grid.at(step)));
  return times;
}

Result<std::vector<ResultSeries>> CollectSeries(QueryContext& context, Operator& top) {
  std::vector<ResultSeries> result;
  HeldSamples held(context);
  const std::vector<Timestamp> grid_times = TimesOf(top.grid());
  Column column;
  for (size_t i = 0; i < top.series().size(); ++i) {
    TRY(top.Evaluate(i, column));
    TRY(context.Work(column.size()));
    const size_t points = column.CountPresent();
    if (points == 0) continue;
    TRY(held.Add(points));
    ResultSeries& series = result.emplace_back();
    series.labels = FinalLabels(top.series()[i]);
    const bool whole = points == column.size() && column.histograms.empty();
    if (whole) {
      series.timestamps = grid_times;
      series.values = column.values;
      continue;
    }
    series.timestamps.reserve(points);
    series.values.reserve(points);
    for (size_t step = 0; step < column.size(); ++step) {
      if (!column.present(step)) continue;
      AddPoint(series, grid_times[step], column.values[step], column.histogram(step));
    }
  }
  return result;
}

// A range vector as the result of an instant query: the samples themselves.
Result<Value> CollectSamples(QueryContext& context, const PlanNode& root,
                             const BuildOptions& options) {
  RangeSourcePtr source = TRY(BuildRangeSource(context, root, options));
  TRY(source->Open());
  WindowCache windows(RangeWindows(root, options));
  HeldSamples held(context);
  Matrix matrix;
  for (size_t i = 0; i < source->series().size(); ++i) {
    const SeriesSamples samples = TRY(source->Read(i));
    const Window window = windows.Find(samples).steps[0];
    if (window.size() == 0) continue;
    TRY(held.Add(window.size()));
    context.CountSamples(window.size());
    ResultSeries& series = matrix.series.emplace_back();
    series.labels = FinalLabels(source->series()[i]);
    if (samples.histograms.empty()) {
      const auto timestamps = samples.timestamps.subspan(window.begin, window.size());
      const auto values = samples.values.subspan(window.begin, window.size());
      series.timestamps.assign(timestamps.begin(), timestamps.end());
      series.values.assign(values.begin(), values.end());
      continue;
    }
    for (uint32_t k = window.begin; k < window.end; ++k) {
      AddPoint(series, samples.timestamps[k], samples.values[k], samples.histograms[k]);
    }
  }
  SortByLabels(matrix.series);
  return matrix;
}

}  // namespace

Result<Value> EvaluatePlan(QueryContext& context, const PlanNode& root,
                           const BuildOptions& options) {
  const Timestamp time = FromMs(root.grid.start_ms);
  const ValueType type = TypeOf(*root.expr);
  if (type == ValueType::kString) return StringValue{time, As<StringLiteral>(*root.expr).value};
  if (type == ValueType::kMatrix) return CollectSamples(context, root, options);

  OperatorPtr top = TRY(BuildRoot(context, root, options));
  TRY(top->Open());
  std::vector<ResultSeries> series = TRY(CollectSeries(context, *top));
  if (options.range_query) {
    SortByLabels(series);
    return Matrix{std::move(series)};
  }
  if (type == ValueType::kScalar) return Scalar{time, series.at(0).values.at(0)};
  return Vector{std::move(series)};
}

}  // namespace barograph::promql
