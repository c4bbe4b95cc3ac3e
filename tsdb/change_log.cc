#include "tsdb/change_log.h"

#include <algorithm>

namespace barograph::tsdb {
namespace {

constexpr std::chrono::nanoseconds kEpoch = std::chrono::seconds(1);

}  // namespace

void ChangeLog::NoteChange(Timestamp oldest) {
  MutexLock lock(mutex_);
  Timestamp& of_epoch = epochs_.back().oldest_change;
  of_epoch = std::min(of_epoch, oldest);
}

void ChangeLog::NoteRemoval(Timestamp newest) {
  MutexLock lock(mutex_);
  Timestamp& of_epoch = epochs_.back().newest_removal;
  of_epoch = std::max(of_epoch, newest);
}

// A mark within the running epoch claims what happened in it before as well.
ChangeMark ChangeLog::Mark() {
  const auto now = clock_.Monotonic();
  MutexLock lock(mutex_);
  const Epoch& running = epochs_.back();
  if (!running.quiet() && now - running.began >= kEpoch) {
    epochs_.push_back({.number = running.number + 1, .began = now});
    if (epochs_.size() > kMaxEpochs) Thin();
  }
  return {epochs_.back().number};
}

// Joins the older half's epochs in pairs. A pair has the later one's number, so that it counts for
// the marks of both.
void ChangeLog::Thin() {
  const size_t half = epochs_.size() / 4 * 2;
  for (size_t i = 0; i < half; i += 2) {
    const Epoch& earlier = epochs_[i];
    Epoch joined = epochs_[i + 1];
    joined.oldest_change = std::min(joined.oldest_change, earlier.oldest_change);
    joined.newest_removal = std::max(joined.newest_removal, earlier.newest_removal);
    epochs_[i / 2] = joined;
  }
  epochs_.erase(epochs_.begin() + static_cast<ptrdiff_t>(half / 2),
                epochs_.begin() + static_cast<ptrdiff_t>(half));
}

std::optional<TimeRange> ChangeLog::UnchangedSince(ChangeMark mark) const {
  if (mark.number == 0) return std::nullopt;
  TimeRange unchanged;
  MutexLock lock(mutex_);
  for (auto epoch = epochs_.rbegin(); epoch != epochs_.rend() && epoch->number >= mark.number;
       ++epoch) {
    if (epoch->oldest_change != kMaxTimestamp) {
      unchanged.max = std::min(unchanged.max, epoch->oldest_change - Duration(1));
    }
    if (epoch->newest_removal != kMinTimestamp) {
      unchanged.min = std::max(unchanged.min, epoch->newest_removal + Duration(1));
    }
  }
  if (unchanged.min > unchanged.max) return std::nullopt;
  return unchanged;
}

}  // namespace barograph::tsdb
