#include "base/freed_memory.h"

// Of mimalloc, which the server is linked with, and tests are not.
extern "C" __attribute__((weak)) void mi_collect(bool force) noexcept;

namespace barograph {
namespace {

// As long as the allocator itself waits (server/main.cc): who works again within it has no page
// faults.
constexpr std::chrono::seconds kIdle(1);

}  // namespace

void ReturnFreedMemory() {
  if (mi_collect != nullptr) mi_collect(true);
}

void WaitIdly(ConditionVariable& condition, Mutex& mutex, bool& returned) {
  if (returned) {
    condition.Wait(mutex);
  } else if (!condition.WaitFor(mutex, kIdle)) {
    mutex.unlock();
    ReturnFreedMemory();
    mutex.lock();
    returned = true;
  }
}

}  // namespace barograph
