#pragma once

#include <sys/syscall.h>
#include <unistd.h>

namespace barograph::test {

/// Class << 13 | level, as ioprio_get(2) has them.
inline constexpr int kLowIoPriority = 2 << 13 | 7;  // the lowest level of the best-effort class
inline constexpr int kIdleIoPriority = 3 << 13;

inline int IoPriorityOfThisThread() {
  constexpr int kWhoProcess = 1;
  return static_cast<int>(syscall(SYS_ioprio_get, kWhoProcess, 0));
}

inline void SetIoPriorityOfThisThread(int priority) {
  constexpr int kWhoProcess = 1;
  (void)syscall(SYS_ioprio_set, kWhoProcess, 0, priority);
}

}  // namespace barograph::test
