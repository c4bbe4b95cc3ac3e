#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "base/time.h"

namespace barograph {

/// What the process may take at most as far as the system says: the memory of its control group
/// or of the machine, whichever is less. 0 where nothing can be found out.
uint64_t SystemMemoryBytes();

/// The memory of its own that the process has now: resident, without mapped files, which the
/// system takes back when it needs to.
uint64_t OwnMemoryBytes();

/// Watches the process's memory against a limit. Thread-safe; a look costs little, as the figure
/// is read again only every 100 ms.
class MemoryLimit {
 public:
  /// 0 is no limit. `used` is OwnMemoryBytes but for tests.
  MemoryLimit(uint64_t limit_bytes, const Clock& clock,
              std::function<uint64_t()> used = OwnMemoryBytes);

  uint64_t limit_bytes() const { return limit_bytes_; }

  /// OwnMemoryBytes, at most 100 ms ago.
  uint64_t used_bytes() const;

  /// What is left below the limit.
  uint64_t left_bytes() const;

  /// Less than a tenth of the limit is left: what would make the process grow for long should wait.
  bool tight() const;

 private:
  const uint64_t limit_bytes_;
  const Clock& clock_;
  const std::function<uint64_t()> used_;
  mutable std::atomic<uint64_t> used_bytes_ = 0;
  mutable std::atomic<int64_t> read_at_ns_ = INT64_MIN;
};

}  // namespace barograph
