#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "promql/func/kahan.h"
#include "promql/func/range_function.h"

/// Counter resets: where a sample is below the one before it, or its start tells that the counter
/// started anew.
namespace barograph::promql {

/// The indexes i in [first, last) with values[i] < values[i - 1], into `indexes`.
void FindResets(std::span<const double> values, uint32_t first, uint32_t last,
                std::vector<uint32_t>& indexes);
/// The same, and where the start of sample i tells of a reset.
void FindResets(std::span<const double> values, StartedSamples started, uint32_t first,
                uint32_t last, std::vector<uint32_t>& indexes);

/// What resets add to the increase over each window: the value before each reset inside it.
class ResetSums {
 public:
  /// Looks for the resets. Uses the input's scratch.
  explicit ResetSums(const RangeInput& input);

  /// Calls visit(begin, end) for runs of steps that are, together, all whose windows have a reset
  /// inside. Each step once at most, in order.
  template <typename F>
  void ForEachRun(F visit) const;

  /// `increase` with the values before the resets of `step`'s window added, in order.
  double AddTo(double increase, size_t step) const;

 private:
  // So few that they need no index by step, as is usual. So few in one window are added one by one,
  // as Prometheus does, whatever the others have.
  static constexpr size_t kFew = 8;
  bool few() const { return indexes_.size() <= kFew; }

  void FindWindowsOfResets();
  void SumWindows();

  const RangeInput& input_;
  const std::vector<uint32_t>& indexes_;  // of the resets
  std::vector<Window>& windows_;          // per step, in indexes_; unless there are few
  std::vector<KahanSum> sums_;            // per step, when windows overlap much; else empty
};

template <typename F>
void ResetSums::ForEachRun(F visit) const {
  const auto windows = input_.windows;
  if (!few()) return visit(size_t{0}, windows.size());
  size_t done = 0;
  for (const uint32_t reset : indexes_) {
    // Windows with begin < reset < end.
    const auto ends_before = [reset](Window window) { return window.end <= reset; };
    const auto begins_before = [reset](Window window) { return window.begin < reset; };
    const auto first = std::partition_point(windows.begin(), windows.end(), ends_before);
    const auto last = std::partition_point(first, windows.end(), begins_before);
    const auto begin = std::max(done, static_cast<size_t>(first - windows.begin()));
    const auto end = static_cast<size_t>(last - windows.begin());
    if (begin < end) visit(begin, end);
    done = std::max(done, end);
  }
}

}  // namespace barograph::promql
