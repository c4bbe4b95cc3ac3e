#pragma once

#include <optional>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "tsdb/engine_parts.h"

namespace barograph::tsdb {

/// What of the head is in blocks, as the last process left it, be it still in the head's files or
/// not. Format: docs/formats/head.md.
struct HeadCut {
  Timestamp tables_from = kMinTimestamp;  ///< rows before it
  uint64_t lone_files = 0;                ///< files of lone samples up to this number
};

/// Nothing where no process left anything.
Result<HeadCut> LoadCut(FileSystem& files, const std::string& head_directory);
Status SaveCut(FileSystem& files, const std::string& head_directory, const HeadCut& cut);

/// Moves what is old from the head into blocks. One thread at a time; queries and appends go on
/// meanwhile.
class HeadCutter {
 public:
  /// `saved` is what LoadCut gave.
  HeadCutter(const EngineParts& parts, const HeadCut& saved);

  /// Where the head is to be cut now: at the end of the last window that ended at least half a
  /// window ago, by the newest sample and by the clock, and not behind `until`; nullopt when too
  /// little before it is left.
  std::optional<Timestamp> Due(Timestamp until = kMaxTimestamp) const;

  /// Whether what is due up to `until` is two windows and more: hours of history came at once.
  /// Costs next to nothing.
  bool IsFarBehind(Timestamp until = kMaxTimestamp) const;

  /// Puts everything before `cut`, which is aligned, into blocks; then new queries take it from
  /// there. On an error the head keeps everything.
  Status Cut(Timestamp cut, std::stop_token stop);

  /// Puts what came alone up to `until` into blocks, be it old or not.
  Status FlushLone(Timestamp until);

  /// Lets the head forget what was cut, once no query needs it there.
  Status DropWhatWasCut();

  /// Sees to it that the file `cut` says what is so. After a cut that failed it may already be the
  /// next one's, and a restart would look for the rest in blocks that are not served now.
  Status MakeSure();

 private:
  using Blocks = std::vector<std::shared_ptr<const Block>>;
  Timestamp LastDue(Timestamp until) const;
  void RaiseGate(Timestamp cut);
  Result<Blocks> WriteBlocks(const HeadBounds& bounds, Timestamp cut, const std::stop_token& stop);
  uint64_t Freeze(Timestamp before);
  Status Save(const HeadCut& cut);
  Status Publish(const Blocks& blocks, const HeadBounds& bounds);

  const EngineParts parts_;
  const std::vector<Duration> lengths_;
  std::optional<HeadBounds> pending_;  // what is before them is to be dropped
  // What a cut that failed has frozen ends before this. The next one must put it into blocks, as it
  // drops it with what it freezes itself.
  Timestamp frozen_before_ = kMinTimestamp;
  HeadCut saved_;        // what the file `cut` says, or is to say
  bool is_sure_ = true;  // that it does
};

}  // namespace barograph::tsdb
