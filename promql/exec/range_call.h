#pragma once

#include <string>
#include <vector>

#include "promql/exec/operator.h"
#include "promql/exec/range_source.h"
#include "promql/exec/windows.h"
#include "promql/func/range_function.h"

namespace barograph::promql {

/// A function over a range vector, such as rate(x[5m]).
class RangeCall final : public Operator {
 public:
  struct Description {
    const RangeFunction* function = nullptr;
    RangeKernels kernels;  ///< the function's, or those of its modifier
    WindowSpec windows;
    int64_t range_ms = 0;
    bool use_starts = false;  ///< whether start timestamps matter
    PositionRange argument;   ///< of the first argument, for annotations
  };

  /// `scalars` are the other arguments, in order.
  RangeCall(QueryContext& context, const Description& description, RangeSourcePtr source,
            std::vector<OperatorPtr> scalars);

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override;
  std::vector<const Operator*> inputs() const override;
  bool reports() const override { return reports_ || Operator::reports(); }
  bool may_have_histograms() const override { return source_->may_have_histograms(); }

 private:
  struct Local {
    explicit Local(const WindowSpec& spec) : windows(spec), mixed_windows(spec) {}

    WindowCache windows;
    RangeScratch scratch;

    // Of a series that also has histograms.
    WindowCache mixed_windows;
    std::vector<Timestamp> float_timestamps;
    std::vector<double> float_values;
    std::vector<Timestamp> float_starts;
    std::vector<uint32_t> floats_before;  // each sample, and in all
  };

  // Gives the windows in `samples`, which live until the lane's next call.
  Result<const Windows*> EvaluateFloats(Lane& lane, const SeriesSamples& samples,
                                        std::string_view metric, Column& out);
  Status EvaluateMixed(Lane& lane, const SeriesSamples& samples, std::string_view metric,
                       Column& out);
  static void SplitOffFloats(const SeriesSamples& samples, Local& local);
  void EvaluateWindow(const MixedWindow& window, bool has_floats, size_t step, Column& out) const;
  Status RunKernel(Lane& lane, const RangeInput& input, std::span<double> out) const;
  bool ChecksOverlaps(const SeriesSamples& samples) const {
    return description_.function->is_counter && !samples.start_timestamps.empty();
  }
  void CheckOverlaps(Lane& lane, const SeriesSamples& samples, const Windows& windows,
                     std::string_view metric) const;
  void CheckCounterName(Lane& lane, std::string_view metric, const Column& out) const;

  bool SeriesMayReport() const;

  Description description_;
  RangeSourcePtr source_;
  std::vector<OperatorPtr> scalars_;
  std::vector<Column> scalar_columns_;
  bool reports_ = false;
  PerLane<Local> locals_;
};

}  // namespace barograph::promql
