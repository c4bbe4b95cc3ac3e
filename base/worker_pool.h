#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace barograph {

/// Threads that help others with what can be split. Whoever asks does the work itself, and threads
/// that happen to be idle join in: a busy pool makes nobody wait. One that is idle for long returns
/// its free memory. Thread-safe.
class WorkerPool {
 public:
  explicit WorkerPool(size_t threads);
  /// Precondition: no Run is under way.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  size_t threads() const { return threads_.size(); }

  /// Calls body(0) on the calling thread and, at the same time, body(1), ..., body(helpers) on as
  /// many threads as become idle; returns when all calls that began have ended. What did not begin
  /// before body(0) returned never does, so each call must be able to do all of the work. `body`
  /// does not throw and does not call Run.
  void Run(size_t helpers, const std::function<void(size_t)>& body);

 private:
  struct Job {
    const std::function<void(size_t)>& body;
    size_t next;     // index of the next call
    size_t end;      // after the last one
    size_t running;  // calls under way, but for the first
  };

  void Help();

  Mutex mutex_;
  ConditionVariable work_;
  ConditionVariable ended_;
  std::deque<Job*> jobs_ GUARDED_BY(mutex_);  // with calls left to begin
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace barograph
