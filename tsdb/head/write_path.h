#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <span>

#include "base/mutex.h"
#include "base/result.h"
#include "base/storage/appendable.h"
#include "base/time.h"
#include "tsdb/change_log.h"
#include "tsdb/head/head.h"
#include "tsdb/head/row_workspace.h"
#include "tsdb/metrics.h"
#include "tsdb/wal/log.h"

namespace barograph::tsdb {

/// What all who append share: the way into the log first, then into the head. Thread-safe.
class WritePath {
 public:
  struct Options {
    bool wait_for_fsync = false;

    bool store_starts = true;      ///< keeps start timestamps
    bool zeros_at_starts = false;  ///< stores zeros there
    Duration oldest_zero{0};       ///< how much older than the newest sample of all one may be
  };

  /// The labels of a series that left the head, from the index; nullopt where it has none.
  using FindLabels = std::function<std::optional<Labels>(SeriesId)>;

  WritePath(Head& head, wal::Log& log, Metrics& metrics, const Clock& clock, Options options,
            FindLabels find_labels)
      : head(head),
        log(log),
        metrics(metrics),
        clock(clock),
        changes(clock),
        options_(options),
        find_labels_(std::move(find_labels)) {}

  Head& head;
  wal::Log& log;
  Metrics& metrics;
  const Clock& clock;

  /// Told of whatever changed what queries find, once it has.
  ChangeLog changes;

  RowWorkspaces workspaces;

  /// Rows before this are late: the tables take none. Whoever appends a row holds the lock until
  /// it is in its table, so that it cannot rise past the row meanwhile.
  SharedMutex cut_mutex;
  Timestamp cut GUARDED_BY(cut_mutex) = kMinTimestamp;

  /// Serialises what must look and then write as one: commits of lone samples.
  Mutex commit_mutex;

  /// Writes the records to the log, and waits for the device where that is asked for.
  Status Log(std::span<const wal::Record> records) {
    const wal::Lsn lsn = TRY(log.Append(records));
    if (options_.wait_for_fsync) TRY(log.WaitDurable(lsn));
    return {};
  }

  /// Brings a series back that left the head, and tells the log of it. False where nobody knows its
  /// labels.
  bool Revive(SeriesId series) {
    const auto labels = find_labels_(series);
    if (!labels || !head.registry.Restore(series, *labels)) return false;
    log.QueueSeries(series, labels->packed());
    return true;
  }

  bool stores_starts() const { return options_.store_starts; }
  bool zeros_at_starts() const { return options_.zeros_at_starts; }
  bool IsTooOldForZero(Timestamp t, Timestamp newest) const {
    return t < std::max(newest, head.range().max) - options_.oldest_zero;
  }

  bool InBounds(Timestamp t) const { return t >= kMinTimestamp && t <= kMaxTimestamp; }

  /// How much older than the newest of all a sample that is out of order for its series may be;
  /// unset is any age, 0 takes none. From the next sample on.
  void SetOutOfOrderWindow(std::optional<Duration> window) {
    late_window_ms_ = window ? window->count() : kAnyAge;
  }

  /// Whether a sample of that time is taken that is out of order for its series.
  bool TakesLate(Timestamp t) const {
    const Duration window(late_window_ms_.load());
    return window.count() == kAnyAge || (window.count() > 0 && t >= head.range().max - window);
  }
  /// Why not.
  RefusalReason LateReason() const {
    return late_window_ms_ > 0 ? RefusalReason::kTooOld : RefusalReason::kOutOfOrder;
  }

  void CountRefused(const AppendReport& report) {
    if (report.out_of_order != 0)
      metrics.out_of_order.Increment(static_cast<double>(report.out_of_order));
    if (report.too_old != 0) metrics.too_old.Increment(static_cast<double>(report.too_old));
    if (report.duplicate != 0) metrics.duplicates.Increment(static_cast<double>(report.duplicate));
    if (report.out_of_bounds != 0)
      metrics.out_of_bounds.Increment(static_cast<double>(report.out_of_bounds));
  }

 private:
  const Options options_;
  const FindLabels find_labels_;
  static constexpr Duration::rep kAnyAge = -1;
  std::atomic<Duration::rep> late_window_ms_ = kAnyAge;
};

}  // namespace barograph::tsdb
