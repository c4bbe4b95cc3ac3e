#pragma once

#include <chrono>

#include "base/mutex.h"

/// What a thread has freed, its allocator keeps for it, and gives back to the system while the
/// thread goes on to allocate: a thread that works now and then, and sleeps in between, keeps the
/// most that it ever had. A few queries over a million series left 240 MB that way.
namespace barograph {

/// Gives the calling thread's free memory back to the system. Takes some 0.1 ms, and what is
/// allocated next is slower by the page faults: to be called before a long sleep. Does nothing
/// where the allocator is not mimalloc (docs/decisions/0004-allocator.md).
void ReturnFreedMemory();

/// Waits once, as ConditionVariable::Wait. Where that takes long, returns freed memory meanwhile,
/// without the mutex: then it returns as if woken, and says so in `returned`, which spares the next
/// call the same. It is to be false after work was done.
void WaitIdly(ConditionVariable& condition, Mutex& mutex, bool& returned) REQUIRES(mutex);

}  // namespace barograph
