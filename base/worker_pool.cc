#include "base/worker_pool.h"

#include <algorithm>

#include "base/freed_memory.h"

namespace barograph {

WorkerPool::WorkerPool(size_t threads) {
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Help(); });
}

WorkerPool::~WorkerPool() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  work_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::Help() {
  const MutexLock lock(mutex_);
  while (true) {
    bool returned = false;
    while (jobs_.empty() && !stopping_) WaitIdly(work_, mutex_, returned);
    if (stopping_) return;
    Job& job = *jobs_.front();
    const size_t index = job.next++;
    if (job.next == job.end) jobs_.pop_front();
    ++job.running;
    mutex_.unlock();
    job.body(index);
    mutex_.lock();
    if (--job.running == 0) ended_.NotifyAll();
  }
}

void WorkerPool::Run(size_t helpers, const std::function<void(size_t)>& body) {
  helpers = std::min(helpers, threads());
  Job job{body, 1, 1 + helpers, 0};
  if (job.next < job.end) {
    const MutexLock lock(mutex_);
    jobs_.push_back(&job);
  }
  // Without the lock, which those that are woken take at once.
  for (size_t i = 1; i <= helpers; ++i) work_.NotifyOne();
  body(0);
  const MutexLock lock(mutex_);
  std::erase(jobs_, &job);
  while (job.running > 0) ended_.Wait(mutex_);
}

}  // namespace barograph
