#include "base/thread_pool.h"

#include <algorithm>
#include <utility>

#include "base/freed_memory.h"

namespace barograph {

ThreadPool::ThreadPool(size_t threads) {
  for (size_t i = 0; i < threads; ++i) {
    Worker& worker = *workers_.emplace_back(std::make_unique<Worker>());
    worker.thread = std::thread([this, &worker] { Work(worker); });
  }
}

ThreadPool::~ThreadPool() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    for (Worker* const worker : idle_) worker->wake.NotifyOne();
  }
  for (const auto& worker : workers_) worker->thread.join();
}

void ThreadPool::Post(Job job) {
  Worker* woken = nullptr;
  {
    const MutexLock lock(mutex_);
    jobs_.push_back(std::move(job));
    if (idle_.empty()) return;
    woken = idle_.back();
    idle_.pop_back();
  }
  woken->wake.NotifyOne();  // without the lock, which the woken thread takes at once
}

void ThreadPool::Work(Worker& self) {
  const MutexLock lock(mutex_);
  while (true) {
    if (jobs_.empty()) WaitForJob(self);
    if (stopping_) return;
    {
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      mutex_.unlock();
      job();
    }
    mutex_.lock();
  }
}

// A thread that was woken may find that one that was busy took the job.
void ThreadPool::WaitForJob(Worker& self) {
  bool returned = false;
  while (jobs_.empty() && !stopping_) {
    if (std::ranges::find(idle_, &self) == idle_.end()) idle_.push_back(&self);
    WaitIdly(self.wake, mutex_, returned);
  }
  std::erase(idle_, &self);
}

}  // namespace barograph
