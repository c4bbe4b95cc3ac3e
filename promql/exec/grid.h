#pragma once

#include <cstddef>
#include <cstdint>

/// The times at which an expression is evaluated: start, start + step, ...
namespace barograph::promql {

struct StepGrid {
  int64_t start_ms = 0;
  int64_t step_ms = 1;  ///< greater than 0, also where count is 1
  size_t count = 1;     ///< 0 is a subquery whose range holds no step
  bool instant = true;  ///< it ends where it starts; false also for a range with room for one step

  int64_t at(size_t step) const { return start_ms + static_cast<int64_t>(step) * step_ms; }
  int64_t last_ms() const { return count == 0 ? start_ms : at(count - 1); }
  StepGrid First() const { return {start_ms, step_ms, count == 0 ? size_t{0} : size_t{1}, true}; }
  bool operator==(const StepGrid&) const = default;
};

}  // namespace barograph::promql
