#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "promql/func/kahan.h"
#include "promql/func/range_function.h"

/// Counter resets: where a sample is below the one before it.
namespace barograph::promql {

/// The indexes i in [first, last) with values[i] < values[i - 1], into `indexes`.
void FindResets(std::span<const double> values, uint32_t first, uint32_t last,
                std::vector<uint32_t>& indexes);

/// What resets add to the increase over each window: the value before each reset inside it.
class ResetSums {
 public:
  /// Looks for resets if `is_counter`; else there are none. Uses the input's scratch.
  ResetSums(const RangeInput& input, bool is_counter);

  /// `increase` with the values before the resets of `step`'s window added, in order.
  double AddTo(double increase, size_t step) const;

 private:
  void FindWindowsOfResets();
  void SumWindows();

  const RangeInput& input_;
  const std::vector<uint32_t>& indexes_;  // of the resets
  std::vector<Window>& windows_;          // per step, in indexes_
  std::vector<KahanSum> sums_;            // per step, when windows overlap much; else empty
};

}  // namespace barograph::promql
