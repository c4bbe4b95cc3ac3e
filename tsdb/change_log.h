#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "base/mutex.h"
#include "base/storage/queryable.h"
#include "base/time.h"

namespace barograph::tsdb {

/// Remembers, in bounded memory, which times changed since when. Appends at the end of time change
/// little: only what is newer than the last of them. Thread-safe.
///
/// Whoever changes something notes it after the change is seen by readers and before the call that
/// asked for it returns. A reader that marks, and then does not see the change, is told of it
/// later; one that sees it may be told all the same.
class ChangeLog {
 public:
  /// `clock` must outlive the log.
  explicit ChangeLog(const Clock& clock) : clock_(clock) {}

  /// Samples at `oldest` or later came, or went.
  void NoteChange(Timestamp oldest);

  /// Samples at `newest` or earlier went.
  void NoteRemoval(Timestamp newest);

  ChangeMark Mark();

  /// Queryable::UnchangedSince.
  std::optional<TimeRange> UnchangedSince(ChangeMark mark) const;

 private:
  /// What happened between two marks. The marks of one second share an epoch.
  struct Epoch {
    uint64_t number;
    std::chrono::nanoseconds began;
    Timestamp oldest_change = kMaxTimestamp;
    Timestamp newest_removal = kMinTimestamp;

    bool quiet() const { return oldest_change == kMaxTimestamp && newest_removal == kMinTimestamp; }
  };
  static constexpr size_t kMaxEpochs = 2048;

  void Thin() REQUIRES(mutex_);

  const Clock& clock_;
  mutable Mutex mutex_;
  std::deque<Epoch> epochs_ GUARDED_BY(mutex_) = {{.number = 1, .began = {}}};
};

}  // namespace barograph::tsdb
