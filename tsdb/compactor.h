#pragma once

#include <memory>
#include <set>
#include <stop_token>
#include <vector>

#include "base/model/matcher.h"
#include "base/result.h"
#include "base/time.h"
#include "tsdb/engine_parts.h"

namespace barograph::tsdb {

/// Keeps the blocks in shape: merges small ones, applies what was deleted, and lets go of what the
/// retention no longer covers. One thread at a time.
class Compactor {
 public:
  explicit Compactor(const EngineParts& parts);

  /// Merges until no merge is due, or `stop` asks to end (then it is no error). A block of which a
  /// part is damaged is told of once, and stays as it is until the process ends, so that what is
  /// sound in it can still be read: merges go on without it.
  Status MergeWhatIsDue(std::stop_token stop);

  /// Writes the blocks anew of which something is deleted. An error of one does not keep the others
  /// from it.
  Status ApplyTombstones(std::stop_token stop);

  /// Removes blocks that are on the disk and not served: they were whole when a later step failed,
  /// or could not be removed. A restart would serve them, with what was deleted since.
  /// Precondition: HeadCutter::MakeSure().
  Status RemoveStrays();

  /// Notes in the blocks that these series' samples in `range` are deleted. On an error some may
  /// have it, and others not. Precondition: no strays.
  Status AddTombstones(TimeRange range, const Matchers& matchers);

  /// Removes blocks that are older than the retention, or too much for it; `other_bytes` are on
  /// the disk beside the blocks. The oldest go first. The index forgets what is in no block any
  /// more, where it may; else with a later call.
  Status Retain(const Retention& retention, uint64_t other_bytes, bool index_may_forget);

 private:
  using Blocks = std::vector<std::shared_ptr<const Block>>;

  Blocks Mergeable() const;
  Status NoteDamaged(const Blocks& inputs, const Error& error, const std::stop_token& stop);
  Status Merge(const Blocks& inputs, const std::stop_token& stop);
  void Replace(const Blocks& gone, const Blocks& added);
  Timestamp RetentionNow() const;
  Status ForgetDays();

  const EngineParts parts_;
  const std::vector<Duration> lengths_;
  const Timestamp started_at_;
  const std::chrono::nanoseconds started_monotonic_;
  std::set<Ulid> damaged_;
  bool days_are_gone_ = false;  // that the index has
};

}  // namespace barograph::tsdb
