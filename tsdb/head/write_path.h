#pragma once

#include <optional>
#include <span>

#include "base/mutex.h"
#include "base/result.h"
#include "base/storage/appendable.h"
#include "base/time.h"
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

    /// Samples older than the newest of all (or than now, where the newest is ahead of the clock)
    /// by more than this are out of bounds; 0 accepts every age.
    Duration append_window{0};

    /// How much older than the newest of all a sample that is out of order for its series may be;
    /// unset is any age, 0 takes none.
    std::optional<Duration> out_of_order_window = std::nullopt;
  };

  WritePath(Head& head, wal::Log& log, Metrics& metrics, const Clock& clock, Options options)
      : head(head), log(log), metrics(metrics), clock_(clock), options_(options) {}

  Head& head;
  wal::Log& log;
  Metrics& metrics;

  RowWorkspaces workspaces;

  /// Serialises what must look and then write as one: commits of lone samples.
  Mutex commit_mutex;

  /// Writes the records to the log, and waits for the device where that is asked for.
  Status Log(std::span<const wal::Record> records) {
    const wal::Lsn lsn = TRY(log.Append(records));
    if (options_.wait_for_fsync) TRY(log.WaitDurable(lsn));
    return {};
  }

  bool InBounds(Timestamp t) const {
    if (t < kMinTimestamp || t > kMaxTimestamp) return false;
    const Timestamp newest = std::min(head.range().max, clock_.Now());
    return options_.append_window.count() == 0 || t >= newest - options_.append_window;
  }

  /// Whether a sample of that time is taken that is out of order for its series.
  bool TakesLate(Timestamp t) const {
    const auto& window = options_.out_of_order_window;
    return !window || (window->count() > 0 && t >= head.range().max - *window);
  }
  /// Why not.
  RefusalReason LateReason() const {
    return options_.out_of_order_window->count() > 0 ? RefusalReason::kTooOld
                                                     : RefusalReason::kOutOfOrder;
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
  const Clock& clock_;
  const Options options_;
};

}  // namespace barograph::tsdb
