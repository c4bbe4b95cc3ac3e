#include "promql/exec/result.h"

#include <algorithm>
#include <optional>

#include "promql/exec/extended_samples.h"
#include "promql/exec/fan_out.h"
#include "promql/exec/merge_duplicates.h"

namespace barograph::promql {
namespace {

constexpr size_t kPointBytes = sizeof(Timestamp) + sizeof(double);

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

  Status Start() override {
    TRY(input_->Open());
    for (const SeriesMeta& meta : input_->series()) {
      series_.push_back({meta.drop_name ? context().Keep(FinalLabels(meta)) : meta.labels, false});
    }
    return {};
  }
  Status Compute(Lane& lane, size_t index, Column& out) override {
    return input_->Evaluate(lane, index, out);
  }
  std::string name() const override { return "drop names"; }
  std::vector<const Operator*> inputs() const override { return {input_.get()}; }

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

// What the points of a column become in a result.
size_t BytesOf(size_t points, const Column& column) {
  size_t bytes = points * kPointBytes;
  for (const HistogramRef& histogram : column.histograms) {
    if (histogram == nullptr) continue;
    const size_t buckets = histogram->positive_buckets.size() + histogram->negative_buckets.size();
    bytes += sizeof(std::optional<FloatHistogram>) + buckets * sizeof(double);
  }
  return bytes;
}

Result<std::vector<ResultSeries>> CollectSeries(QueryContext& context, Operator& top) {
  std::vector<ResultSeries> result;
  HeldSamples held(context);
  const std::vector<Timestamp> grid_times = TimesOf(top.grid());
  Column scratch;
  const auto take = [&](Lane& lane, size_t i, const Column& column) -> Status {
    TRY(lane.Work(column.size()));
    const size_t points = column.CountPresent();
    if (points == 0) return {};
    TRY(held.Add(points, BytesOf(points, column)));
    ResultSeries& series = result.emplace_back();
    series.labels = FinalLabels(top.series()[i]);
    const bool whole = points == column.size() && column.histograms.empty();
    if (whole) {
      series.timestamps = grid_times;
      series.values = column.values;
      return {};
    }
    series.timestamps.reserve(points);
    series.values.reserve(points);
    for (size_t step = 0; step < column.size(); ++step) {
      if (!column.present(step)) continue;
      AddPoint(series, grid_times[step], column.values[step], column.histogram(step));
    }
    return {};
  };
  TRY(EvaluateEach(context, context.main(), top, AllSeries(top), scratch, take));
  return result;
}

void ReportCosts(const Operator& node, const std::vector<OperatorCost>& costs, size_t depth,
                 std::vector<OperatorReport>& reports) {
  const OperatorCost& cost = costs[node.id()];
  const std::chrono::duration<double> seconds = cost.time;
  reports.push_back({depth, node.name(), cost.series, cost.samples, seconds.count()});
  for (const Operator* input : node.inputs()) ReportCosts(*input, costs, depth + 1, reports);
}

// Samples that an instant query gives as they are.
void CountAtOnce(QueryContext& context, size_t samples) {
  Lane& lane = context.main();
  lane.CountSamples(samples);
  lane.counts().total += samples;
  lane.counts().read += samples;
  for (uint64_t& count : lane.counts().by_step) count += samples;
}

// The range of a selector with a modifier; nothing for other range vectors.
std::optional<ExtendedRange> ExtendedRangeOf(const PlanNode& node) {
  if (node.kind != PlanKind::kMatrix) return std::nullopt;
  const VectorSelector& selector = *As<MatrixSelector>(*node.expr).vector;
  if (!selector.anchored && !selector.smoothed) return std::nullopt;
  const int64_t end_ms = node.shift.Refer(node.grid.start_ms);
  return ExtendedRange{FromMs(end_ms - node.range_ms), FromMs(end_ms), selector.smoothed};
}

// A range vector as the result of an instant query: the samples themselves.
Result<Value> CollectSamples(QueryContext& context, const PlanNode& root,
                             const BuildOptions& options) {
  RangeSourcePtr source = TRY(BuildRangeSource(context, root, options));
  TRY(source->Open());
  WindowCache windows(RangeWindows(root, options));
  const std::optional<ExtendedRange> extended = ExtendedRangeOf(root);
  HeldSamples held(context);
  Matrix matrix;
  for (size_t i = 0; i < source->series().size(); ++i) {
    const SeriesSamples samples = TRY(source->Read(context.main(), i));
    const Window window = windows.Find(samples).steps[0];
    if (window.size() == 0) continue;
    if (extended.has_value()) {
      ExtendedSamples found = TRY(ExtendSamples(samples, window, *extended));
      if (found.values.empty()) continue;
      TRY(held.Add(found.values.size(), found.values.size() * kPointBytes));
      CountAtOnce(context, found.values.size());
      ResultSeries& series = matrix.series.emplace_back();
      series.labels = FinalLabels(source->series()[i]);
      series.timestamps = std::move(found.timestamps);
      series.values = std::move(found.values);
      continue;
    }
    TRY(held.Add(window.size(), window.size() * kPointBytes));
    // Of a subquery what it is made of was counted.
    if (root.kind == PlanKind::kMatrix) CountAtOnce(context, window.size());
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

Result<Value> EvaluatePlan(QueryContext& context, const PlanNode& root, const BuildOptions& options,
                           std::vector<OperatorReport>& costs) {
  const Timestamp time = FromMs(root.grid.start_ms);
  context.set_query_steps(root.grid.count);
  if (context.measures()) context.CountBySteps(root.grid.count);
  const ValueType type = TypeOf(*root.expr);
  if (type == ValueType::kString) return StringValue{time, As<StringLiteral>(*root.expr).value};
  if (type == ValueType::kMatrix) return CollectSamples(context, root, options);

  OperatorPtr top = TRY(BuildRoot(context, root, options));
  TRY(top->Open());
  std::vector<ResultSeries> series = TRY(CollectSeries(context, *top));
  if (context.measures()) ReportCosts(*top, context.costs(), 0, costs);
  if (options.range_query) {
    SortByLabels(series);
    return Matrix{std::move(series)};
  }
  if (type == ValueType::kScalar) return Scalar{time, series.at(0).values.at(0)};
  return Vector{std::move(series)};
}

}  // namespace barograph::promql
