#include "base/deadline_watch.h"

#include <algorithm>

namespace barograph {
namespace {

using std::chrono::nanoseconds;

// The longest sleep, so that no clock's range is left.
constexpr nanoseconds kLongest = std::chrono::hours(1);

}  // namespace

DeadlineWatch::Work::Work(DeadlineWatch& watch, nanoseconds deadline, const std::stop_token& outer)
    : watch_(watch), entry_(watch.Add(deadline, source_)), forward_(outer, Forward{source_}) {}

DeadlineWatch::Work::~Work() { watch_.Remove(entry_); }

DeadlineWatch::Entries::iterator DeadlineWatch::Add(nanoseconds deadline,
                                                    const std::stop_source& source) {
  MutexLock lock(mutex_);
  if (!thread_.joinable()) {
    thread_ = std::jthread([this](const std::stop_token& end) { Run(end); });
  }
  if (deadline < wakes_at_) changed_.NotifyOne();
  return entries_.emplace(deadline, source);
}

// The thread's next look may then be for nothing, which is cheaper than to wake it now.
void DeadlineWatch::Remove(Entries::iterator entry) {
  MutexLock lock(mutex_);
  entries_.erase(entry);
}

void DeadlineWatch::Run(const std::stop_token& end) {
  const std::stop_callback wake(end, [this] {
    MutexLock lock(mutex_);
    changed_.NotifyOne();
  });
  MutexLock lock(mutex_);
  while (!end.stop_requested()) {
    const nanoseconds now = clock_.Monotonic();
    for (auto passed = entries_.begin(); passed != entries_.end() && passed->first <= now;
         ++passed) {
      passed->second.request_stop();
    }
    const auto next = entries_.upper_bound(now);
    const nanoseconds sleep =
        next == entries_.end() ? kLongest : std::min(next->first - now, kLongest);
    wakes_at_ = now + sleep;
    changed_.WaitFor(mutex_, sleep);
  }
}

}  // namespace barograph
