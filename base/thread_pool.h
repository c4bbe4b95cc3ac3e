#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace barograph {

/// Threads that run jobs, which wait for one another only where all threads are busy. A job goes to
/// the thread that was idle for the shortest time, whose caches and free memory are warm; one that
/// is idle for longer returns its free memory. Thread-safe.
class ThreadPool {
 public:
  using Job = std::move_only_function<void()>;

  explicit ThreadPool(size_t threads);
  /// Waits for the jobs that have begun; the others are dropped. Precondition: no Post is under
  /// way.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// `job` does not throw.
  void Post(Job job);

 private:
  struct Worker {
    ConditionVariable wake;
    std::thread thread;
  };

  void Work(Worker& self);
  void WaitForJob(Worker& self) REQUIRES(mutex_);

  Mutex mutex_;
  std::deque<Job> jobs_ GUARDED_BY(mutex_);
  std::vector<Worker*> idle_ GUARDED_BY(mutex_);  // the last is the one for the next job
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace barograph
