#pragma once

namespace barograph {

/// Puts the calling thread's reads and writes behind those of threads that did not call this: the
/// lowest level (7) of the best-effort class of ioprio_set(2). Not the idle class, which a busy
/// device serves never: others may come to wait for what this thread does. A thread that was put in
/// that class from outside stays there. What the kernel writes back on its own, and devices whose
/// scheduler knows no priorities, are as before. Where the system refuses, nothing happens. Threads
/// that the caller makes from then on begin with the same.
void LowerIoPriority();

}  // namespace barograph
