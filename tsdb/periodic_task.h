#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace barograph::tsdb {

/// Calls a function again and again, on a thread of its own, until it is destroyed.
class PeriodicTask {
 public:
  /// `begin` is called once, first, on that thread.
  PeriodicTask(
      std::chrono::milliseconds interval, std::function<void()> run, void (*begin)() = [] {})
      : thread_([this, interval, begin, run = std::move(run)](std::stop_token stop) {
          begin();
          std::unique_lock lock(mutex_);
          while (!wake_.wait_for(lock, stop, interval, [] { return false; }) &&
                 !stop.stop_requested()) {
            run();
          }
        }) {}

 private:
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace barograph::tsdb
