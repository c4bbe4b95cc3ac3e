#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "promql/exec/annotator.h"
#include "promql/exec/grid.h"
#include "promql/exec/lane.h"
#include "promql/exec/windows.h"
#include "promql/func/column_loops.h"
#include "promql/func/mixed_range.h"
#include "promql/func/sliding.h"
#include "promql/func/start_timestamps.h"
#include "promql/parse/ast.h"

/// Functions over range vectors as kernels: one call computes one series at all steps, in one
/// pass over its samples.
namespace barograph::promql {

/// What a kernel makes of a column of timestamps, kept for the other series that share it.
template <typename T>
class ByColumn {
 public:
  /// What `make(T&)` makes, or made before, of the column with this number, of so many bytes about.
  /// Column 0 is that of a series which shares its timestamps with none. Lives until the next call.
  template <typename Make>
  const T& Find(uint64_t column, size_t bytes, Make make) {
    if (column == 0) {
      make(own_);
      return own_;
    }
    const size_t most = kMaxBytes / std::max<size_t>(1, bytes) + 1;
    if (known_.size() >= most && !known_.contains(column)) known_.clear();
    const auto [entry, is_new] = known_.try_emplace(column);
    if (is_new) make(entry->second);
    return entry->second;
  }

 private:
  // Of one operator and lane, over all columns.
  static constexpr size_t kMaxBytes = size_t{32} << 20;

  std::unordered_map<uint64_t, T> known_;
  T own_;
};

/// Memory that kernels reuse from series to series.
struct RangeScratch {
  std::vector<double> values;
  std::vector<double> more_values;
  std::vector<uint32_t> indexes;
  std::vector<Window> windows;
  ByColumn<RateTable> tables;
  ByColumn<WindowBlocks> blocks;
};

/// The samples of one series: floats, no markers, and the windows of the steps.
struct RangeInput {
  std::span<const Timestamp> timestamps;
  std::span<const double> values;
  std::span<const Timestamp> starts;  ///< parallel, or empty: not known or not wanted
  std::span<const Window> windows;    ///< one a step; bounds never decrease
  uint64_t total = 0;                 ///< the sum of the windows' sizes
  uint64_t timestamp_column = 0;      ///< as in SeriesSamples

  StepGrid grid;
  TimeShift shift;
  int64_t range_ms = 0;

  /// The scalar arguments at each step, in order; empty spans where there is none.
  std::array<std::span<const double>, 2> scalars;

  std::string_view metric;  ///< the series' name, for annotations
  PositionRange position;   ///< of the first argument
  Annotator* annotations = nullptr;
  RangeScratch* scratch = nullptr;
  Lane* lane = nullptr;  ///< may be null: nothing ends the query

  /// The end of a step's range, and with range_ms its start.
  int64_t end_ms(size_t step) const { return shift.Refer(grid.at(step)); }

  /// Lane::Work, for work that is much more than a pass over the samples.
  Status Work(size_t samples) const { return lane == nullptr ? Status() : lane->Work(samples); }

  StartedSamples started() const { return {timestamps, starts}; }

  /// The samples that any window holds: [first, last).
  uint32_t first() const { return windows.empty() ? 0 : windows.front().begin; }
  uint32_t last() const { return windows.empty() ? 0 : windows.back().end; }

  /// Whether the windows overlap so little that to look at each from scratch costs no more than a
  /// small multiple of one pass. It is also what gives Prometheus's result to the last bit where
  /// the order of additions matters.
  bool sparse() const { return total <= 4 * (uint64_t{last()} - first() + windows.size()); }
};

/// Writes every step of `out`: kAbsent where there is no result. An error ends the query.
using RangeKernel = Status (*)(const RangeInput& input, std::span<double> out);

/// What computes a function: of floats, and of a window in which there are native histograms.
struct RangeKernels {
  RangeKernel floats = nullptr;
  MixedKernel mixed = nullptr;  ///< nullptr: histograms are ignored, with an info next to floats
  bool use_starts = false;      ///< whether they look at start timestamps

  explicit operator bool() const { return floats != nullptr; }
};

struct RangeFunction {
  std::string_view name;
  RangeKernels kernels;
  bool counts_histograms = false;  ///< the kernel for floats takes any sample as one
  bool keeps_name = false;
  bool whole_windows = false;  ///< the kernel looks at every window from scratch, however many
  bool is_counter = false;     ///< an info for names that do not look like a counter's
  RangeKernels anchored = {};  ///< for the anchored modifier, empty: refused
  RangeKernels smoothed = {};  ///< for the smoothed modifier, empty: refused

  const RangeKernels& KernelsFor(const VectorSelector& selector) const {
    if (selector.anchored) return anchored;
    return selector.smoothed ? smoothed : kernels;
  }
};

/// nullptr when there is no such function, or it is not over a range vector.
const RangeFunction* FindRangeFunction(std::string_view name);

/// The names of those that take the anchored, or the smoothed, modifier: sorted, joined by ", ".
std::string NamesWithModifier(bool smoothed);

// The kernels, by family.
Status SumOverTime(const RangeInput& input, std::span<double> out);
Status AvgOverTime(const RangeInput& input, std::span<double> out);
Status MinOverTime(const RangeInput& input, std::span<double> out);
Status MaxOverTime(const RangeInput& input, std::span<double> out);
Status CountOverTime(const RangeInput& input, std::span<double> out);
Status PresentOverTime(const RangeInput& input, std::span<double> out);
Status FirstOverTime(const RangeInput& input, std::span<double> out);
Status LastOverTime(const RangeInput& input, std::span<double> out);
Status TimeOfFirstOverTime(const RangeInput& input, std::span<double> out);
Status TimeOfLastOverTime(const RangeInput& input, std::span<double> out);
Status TimeOfMinOverTime(const RangeInput& input, std::span<double> out);
Status TimeOfMaxOverTime(const RangeInput& input, std::span<double> out);
Status StdvarOverTime(const RangeInput& input, std::span<double> out);
Status StddevOverTime(const RangeInput& input, std::span<double> out);
Status QuantileOverTime(const RangeInput& input, std::span<double> out);
Status MadOverTime(const RangeInput& input, std::span<double> out);

Status Rate(const RangeInput& input, std::span<double> out);
Status Increase(const RangeInput& input, std::span<double> out);
Status Delta(const RangeInput& input, std::span<double> out);
Status InstantRate(const RangeInput& input, std::span<double> out);
Status InstantDelta(const RangeInput& input, std::span<double> out);
Status Changes(const RangeInput& input, std::span<double> out);
Status Resets(const RangeInput& input, std::span<double> out);

Status AnchoredRate(const RangeInput& input, std::span<double> out);
Status AnchoredIncrease(const RangeInput& input, std::span<double> out);
Status AnchoredDelta(const RangeInput& input, std::span<double> out);
Status AnchoredChanges(const RangeInput& input, std::span<double> out);
Status AnchoredResets(const RangeInput& input, std::span<double> out);
Status SmoothedRate(const RangeInput& input, std::span<double> out);
Status SmoothedIncrease(const RangeInput& input, std::span<double> out);
Status SmoothedDelta(const RangeInput& input, std::span<double> out);

Status Deriv(const RangeInput& input, std::span<double> out);
Status PredictLinear(const RangeInput& input, std::span<double> out);
Status DoubleExponentialSmoothing(const RangeInput& input, std::span<double> out);

}  // namespace barograph::promql
