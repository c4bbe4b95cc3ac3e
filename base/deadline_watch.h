#pragma once

#include <chrono>
#include <map>
#include <stop_token>
#include <thread>

#include "base/mutex.h"
#include "base/time.h"

namespace barograph {

/// Stops work that is past its deadline, where the work itself only polls a stop token. One thread
/// for all deadlines, from the first on; it wakes up when one has passed, and not for those that
/// were given up before. Thread-safe. What is called back on a stop must not use the watch.
class DeadlineWatch {
 public:
  /// Deadlines are of the clock's Monotonic(). `clock` must outlive the watch.
  explicit DeadlineWatch(const Clock& clock) : clock_(clock) {}

  /// A piece of work with a deadline: its token stops when that has passed, or with `outer`. Must
  /// not outlive the watch.
  class Work {
   public:
    Work(DeadlineWatch& watch, std::chrono::nanoseconds deadline, const std::stop_token& outer);
    ~Work();
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;

    std::stop_token token() const { return source_.get_token(); }

   private:
    struct Forward {
      std::stop_source& source;
      void operator()() const noexcept { source.request_stop(); }
    };

    DeadlineWatch& watch_;
    std::stop_source source_;
    std::multimap<std::chrono::nanoseconds, std::stop_source>::iterator entry_;
    std::stop_callback<Forward> forward_;
  };

 private:
  using Entries = std::multimap<std::chrono::nanoseconds, std::stop_source>;

  Entries::iterator Add(std::chrono::nanoseconds deadline, const std::stop_source& source);
  void Remove(Entries::iterator entry);
  void Run(const std::stop_token& end);

  const Clock& clock_;
  Mutex mutex_;
  ConditionVariable changed_;
  Entries entries_ GUARDED_BY(mutex_);
  std::chrono::nanoseconds wakes_at_ GUARDED_BY(mutex_) = std::chrono::nanoseconds::max();
  std::jthread thread_ GUARDED_BY(mutex_);  // the last member: it ends first
};

}  // namespace barograph
