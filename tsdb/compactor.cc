#include "tsdb/compactor.h"

#include <algorithm>

#include "tsdb/block/block_files.h"
#include "tsdb/block/block_merge.h"
#include "tsdb/block/block_verify.h"
#include "tsdb/windows.h"

namespace barograph::tsdb {
namespace {

// How far ahead of the time that passed since the start the clock is believed: a clock that jumps
// must not make the retention throw everything away.
constexpr Duration kBelievedJump = std::chrono::hours(24);

std::vector<BlockMeta> MetasOf(std::span<const std::shared_ptr<const Block>> blocks) {
  std::vector<BlockMeta> metas;
  for (const auto& block : blocks) metas.push_back(block->meta());
  return metas;
}

TimeRange WindowsTogether(std::span<const std::shared_ptr<const Block>> blocks) {
  TimeRange together = blocks.front()->meta().origin.window;
  for (const auto& block : blocks) {
    together.min = std::min(together.min, block->meta().origin.window.min);
    together.max = std::max(together.max, block->meta().origin.window.max);
  }
  return together;
}

}  // namespace

Compactor::Compactor(const EngineParts& parts)
    : parts_(parts),
      lengths_(WindowLengths(parts.options.min_block_duration, parts.options.max_block_duration)),
      started_at_(parts.clock.Now()),
      started_monotonic_(parts.clock.Monotonic()) {}

Status Compactor::MergeWhatIsDue(std::stop_token stop) {
  while (!stop.stop_requested()) {
    const Blocks blocks = Mergeable();
    const std::vector<size_t> due = PlanMerge(MetasOf(blocks), lengths_);
    if (due.empty()) return {};
    Blocks inputs;
    for (const size_t i : due) inputs.push_back(blocks[i]);
    const Status merged = Merge(inputs, stop);
    if (!merged && stop.stop_requested()) return {};
    if (!merged) TRY(NoteDamaged(inputs, merged.error(), stop));
  }
  return {};
}

Compactor::Blocks Compactor::Mergeable() const {
  Blocks blocks = parts_.view.Get()->blocks;
  std::erase_if(blocks, [this](const auto& b) { return damaged_.contains(b->meta().ulid()); });
  return blocks;
}

// Which of the inputs made a merge fail; the error itself where none did.
Status Compactor::NoteDamaged(const Blocks& inputs, const Error& error,
                              const std::stop_token& stop) {
  if (error.code != ErrorCode::kCorruption) return std::unexpected(error);
  const size_t before = damaged_.size();
  for (const auto& block : inputs) {
    const BlockReport report = TRY(VerifyBlock(block, stop));
    if (report.good()) continue;
    damaged_.insert(block->meta().ulid());
    parts_.logger.Error(
        "A block is damaged in parts and cannot be merged; its other parts are served",
        {{"block", block->path()},
         {"damaged_parts", report.damage.size()},
         {"first", report.damage.front().what}});
  }
  return damaged_.size() > before ? Status() : std::unexpected(error);
}

Status Compactor::ApplyTombstones(std::stop_token stop) {
  Status done;
  for (const auto& block : parts_.view.Get()->blocks) {
    if (block->tombstones().empty()) continue;
    Status merged = Merge({block}, stop);
    if (done && !merged) done = std::move(merged);
  }
  return done;
}

Status Compactor::Merge(const Blocks& inputs, const std::stop_token& stop) {
  const auto begin = parts_.clock.Monotonic();
  const BlockOrigin origin = MergedOrigin(inputs, Ulid::Make(parts_.clock.Now()),
                                          WindowAround(WindowsTogether(inputs), lengths_));
  const auto writer = TRY(BlockWriter::Create(parts_.files, parts_.BlocksPath(), origin));
  BlockMergeCalls calls;
  calls.stop = stop;
  calls.find_labels = [this](SeriesId id) {
    return parts_.index.LabelsOf(id).value_or(std::nullopt);
  };
  parts_.metrics.compactions.Increment();
  const Status merged = MergeBlocks(inputs, *writer, calls);
  if (!merged) {
    if (!stop.stop_requested()) parts_.metrics.compactions_failed.Increment();
    return merged;
  }
  const BlockMeta meta = TRY(writer->Finish());
  Blocks outputs;
  if (meta.stats.samples > 0) {
    outputs.push_back(TRY(Block::Open(parts_.files, BlockPath(parts_.BlocksPath(), meta.ulid()))));
  }
  Replace(inputs, outputs);
  for (const auto& input : inputs) {
    TRY(RemoveBlock(parts_.files, parts_.BlocksPath(), input->meta().ulid()));
  }
  const std::chrono::duration<double> took = parts_.clock.Monotonic() - begin;
  parts_.logger.Info("Blocks were merged", {{"blocks", inputs.size()},
                                            {"ulid", meta.ulid().ToString()},
                                            {"level", meta.origin.level},
                                            {"samples", meta.stats.samples},
                                            {"bytes", meta.stats.bytes},
                                            {"duration", took.count()}});
  return {};
}

void Compactor::Replace(const Blocks& gone, const Blocks& added) {
  View view = *parts_.view.Get();
  std::erase_if(view.blocks,
                [&](const auto& block) { return std::ranges::find(gone, block) != gone.end(); });
  view.blocks.insert(view.blocks.end(), added.begin(), added.end());
  parts_.view.Set(std::move(view));
}

Status Compactor::RemoveStrays() {
  std::set<Ulid> served;
  for (const auto& block : parts_.view.Get()->blocks) served.insert(block->meta().ulid());
  for (const Ulid& ulid : TRY(ListBlocks(parts_.files, parts_.BlocksPath()))) {
    if (!served.contains(ulid)) TRY(RemoveBlock(parts_.files, parts_.BlocksPath(), ulid));
  }
  return parts_.files.SyncDirectory(parts_.BlocksPath());  // where an earlier removal was not
}

Status Compactor::AddTombstones(TimeRange range, const Matchers& matchers) {
  for (const auto& block : parts_.view.Get()->blocks) {
    const TimeRange of_block = block->meta().range;
    if (!of_block.Overlaps(range)) continue;
    BlockTombstones added;
    for (const SeriesId id : TRY(parts_.index.Match(PartitionOf(of_block.min),
                                                    PartitionOf(of_block.max), matchers, {}))) {
      if (block->Contains(id)) added.Add(id, range);
    }
    if (added.empty()) continue;
    Replace({block}, {TRY(block->AddTombstones(parts_.files, added))});
  }
  return {};
}

// The newest sample's time, but never ahead of the clock, nor of the time that passed.
Timestamp Compactor::RetentionNow() const {
  const auto passed =
      std::chrono::duration_cast<Duration>(parts_.clock.Monotonic() - started_monotonic_);
  Timestamp newest = parts_.head.range().max;
  if (parts_.head.range().min > newest) newest = kMinTimestamp;
  for (const auto& block : parts_.view.Get()->blocks) {
    newest = std::max(newest, block->meta().range.max);
  }
  return std::min({newest, parts_.clock.Now(), started_at_ + passed + kBelievedJump});
}

Status Compactor::Retain(const Retention& retention, uint64_t other_bytes, bool index_may_forget) {
  Blocks blocks = parts_.view.Get()->blocks;
  std::ranges::sort(blocks, {}, [](const auto& block) { return block->meta().range.max; });
  uint64_t bytes = other_bytes;
  for (const auto& block : blocks) bytes += block->disk_bytes();
  parts_.metrics.blocks_bytes.Set(static_cast<double>(bytes - other_bytes));
  const Timestamp oldest = RetentionNow() - retention.time;
  Blocks gone;
  for (const auto& block : blocks) {
    const bool too_old = retention.time.count() != 0 && block->meta().range.max < oldest;
    const bool too_much = retention.bytes != 0 && bytes > retention.bytes;
    if (!too_old && !too_much) break;
    (too_old ? parts_.metrics.time_retentions : parts_.metrics.size_retentions).Increment();
    bytes -= block->disk_bytes();
    gone.push_back(block);
  }
  if (!gone.empty()) {
    Replace(gone, {});
    parts_.path.changes.NoteRemoval(gone.back()->meta().range.max);
    days_are_gone_ = true;
    for (const auto& block : gone) {
      TRY(RemoveBlock(parts_.files, parts_.BlocksPath(), block->meta().ulid()));
      parts_.logger.Info(
          "A block was removed by the retention",
          {{"ulid", block->meta().ulid().ToString()}, {"maxt", ToMs(block->meta().range.max)}});
    }
  }
  if (days_are_gone_ && index_may_forget) {
    TRY(ForgetDays());
    days_are_gone_ = false;
  }
  parts_.metrics.blocks_loaded.Set(static_cast<double>(parts_.view.Get()->blocks.size()));
  return {};
}

Status Compactor::ForgetDays() {
  Timestamp oldest = parts_.view.Get()->head.tables_from;
  for (const auto& block : parts_.view.Get()->blocks) {
    oldest = std::min(oldest, block->meta().range.min);
  }
  return parts_.index.DropPartitionsBefore(PartitionOf(oldest), [this](SeriesId id) {
    return parts_.head.registry.Find(id).has_value();
  });
}

}  // namespace barograph::tsdb
