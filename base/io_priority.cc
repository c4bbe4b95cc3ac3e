#include "base/io_priority.h"

#include <sys/syscall.h>
#include <unistd.h>

namespace barograph {
namespace {

// Of ioprio_set(2); its header, linux/ioprio.h, is not C++.
constexpr int kWhoProcess = 1;
constexpr int kThisThread = 0;
constexpr int kClassShift = 13;
constexpr int kBestEffort = 2;
constexpr int kIdle = 3;
constexpr int kLowestLevel = 7;

}  // namespace

void LowerIoPriority() {
  const auto now = syscall(SYS_ioprio_get, kWhoProcess, kThisThread);
  if (now >= 0 && now >> kClassShift == kIdle) return;
  (void)syscall(SYS_ioprio_set, kWhoProcess, kThisThread,
                kBestEffort << kClassShift | kLowestLevel);
}

}  // namespace barograph
