#include "tsdb/head_cutter.h"

#include <algorithm>
#include <charconv>

#include "tsdb/head_block.h"
#include "tsdb/windows.h"

namespace barograph::tsdb {
namespace {

constexpr uint64_t kMuchLateBytes = uint64_t{64} << 20;
constexpr int kFarBehind = 2;  // windows

std::string CutPath(const std::string& head_directory) { return head_directory + "/cut"; }

// Takes a number and what ends it off the text; false where they are not there.
template <typename Number>
bool TakeNumber(std::string_view& text, char end, Number& number) {
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(static_cast<size_t>(at - text.data()));
  if (error != std::errc() || !text.starts_with(end)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

Status SaveCut(FileSystem& files, const std::string& head_directory, const HeadCut& cut) {
  return files.WriteFile(CutPath(head_directory), std::to_string(ToMs(cut.tables_from)) + " " +
                                                      std::to_string(cut.lone_files) + "\n");
}

Result<HeadCut> LoadCut(FileSystem& files, const std::string& head_directory) {
  if (!files.Exists(CutPath(head_directory))) return HeadCut();
  const std::string text = TRY(files.ReadFile(CutPath(head_directory)));
  std::string_view rest = text;
  int64_t ms = 0;
  HeadCut cut;
  if (!TakeNumber(rest, ' ', ms) || !TakeNumber(rest, '\n', cut.lone_files) || !rest.empty()) {
    return Fail(ErrorCode::kCorruption,
                CutPath(head_directory) + ": not a time in milliseconds and a number");
  }
  cut.tables_from = FromMs(ms);
  return cut;
}

HeadCutter::HeadCutter(const EngineParts& parts, const HeadCut& saved)
    : parts_(parts),
      lengths_(WindowLengths(parts.options.min_block_duration, parts.options.max_block_duration)),
      saved_(saved) {}

Timestamp HeadCutter::LastDue(Timestamp until) const {
  // A sample from the future does not make the present old.
  const Timestamp newest = std::min(parts_.head.range().max, parts_.clock.Now());
  return WindowOf(std::min(newest - lengths_.front() / 2, until), lengths_.front()).min;
}

bool HeadCutter::IsFarBehind(Timestamp until) const {
  const Timestamp oldest = std::max(parts_.head.range().min, parts_.view.Get()->head.tables_from);
  const Timestamp due = LastDue(until);
  return oldest < due && due - oldest >= kFarBehind * lengths_.front();
}

std::optional<Timestamp> HeadCutter::Due(Timestamp until) const {
  const HeadBounds bounds = parts_.view.Get()->head;
  const Timestamp cut = LastDue(until);
  if (parts_.head.Oldest(bounds) >= cut) return std::nullopt;
  // Late samples alone can wait for the next window: their blocks would be many and small.
  const bool much_is_late = parts_.head.lone.memory_bytes() > kMuchLateBytes;
  if (cut <= bounds.tables_from && !much_is_late) return std::nullopt;
  return std::max(cut, bounds.tables_from);
}

Status HeadCutter::Cut(Timestamp cut, std::stop_token stop) {
  const auto begin = parts_.clock.Monotonic();
  if (frozen_before_ > cut) TRY(FlushLone(frozen_before_ - Duration(1)));
  RaiseGate(cut);
  const uint64_t generation = Freeze(cut);
  const Blocks blocks = TRY(WriteBlocks(parts_.view.Get()->head, cut, stop));
  TRY(Publish(blocks, {.tables_from = cut, .lone_from = generation + 1}));
  const std::chrono::duration<double> took = parts_.clock.Monotonic() - begin;
  parts_.metrics.head_truncations.Increment();
  parts_.logger.Info("The head was cut",
                     {{"mint", ToMs(cut)}, {"blocks", blocks.size()}, {"duration", took.count()}});
  return DropWhatWasCut();
}

Status HeadCutter::FlushLone(Timestamp until) {
  until = std::max(until, frozen_before_ - Duration(1));
  const HeadBounds bounds = parts_.view.Get()->head;
  const uint64_t generation = Freeze(until + Duration(1));
  HeadBounds without_tables = bounds;
  without_tables.tables_from = kMaxTimestamp;
  const Blocks blocks = TRY(WriteBlocks(without_tables, until + Duration(1), {}));
  TRY(Publish(blocks, {.tables_from = bounds.tables_from, .lone_from = generation + 1}));
  return DropWhatWasCut();
}

// From when this returns, the registry knows where all that is frozen lies: a commit that was under
// way may have told the store of a series' first sample, and not yet the registry.
uint64_t HeadCutter::Freeze(Timestamp before) {
  frozen_before_ = std::max(frozen_before_, before);
  const uint64_t frozen = parts_.head.lone.Freeze(before);
  MutexLock end_of_commit(parts_.path.commit_mutex);
  return frozen;
}

// A write that fails at its end may have been done all the same.
Status HeadCutter::Save(const HeadCut& cut) {
  is_sure_ = false;
  TRY(SaveCut(parts_.files, parts_.options.path + "/head", cut));
  saved_ = cut;
  is_sure_ = true;
  return {};
}

Status HeadCutter::MakeSure() { return is_sure_ ? Status() : Save(saved_); }

// From when the cut is saved, a next process takes what was cut from the blocks alone.
Status HeadCutter::Publish(const Blocks& blocks, const HeadBounds& bounds) {
  const uint64_t lone_files = TRY(parts_.head.lone.SettleFrozen());
  TRY(Save({bounds.tables_from, lone_files}));
  View view = *parts_.view.Get();
  view.blocks.insert(view.blocks.end(), blocks.begin(), blocks.end());
  view.head = bounds;
  parts_.view.Set(std::move(view));
  parts_.head.NoteBounds(bounds);
  pending_ = bounds;
  frozen_before_ = kMinTimestamp;
  return {};
}

Status HeadCutter::DropWhatWasCut() {
  if (!pending_ || !parts_.view.OldOnesGone()) return {};
  const HeadBounds seen = *pending_;
  TRY(parts_.head.lone.DropThrough(seen.lone_from - 1));
  TRY(parts_.head.DropBefore(seen.tables_from));
  pending_.reset();
  return {};
}

// From when this returns, rows before `cut` are late samples: what the tables hold before it does
// not change any more.
void HeadCutter::RaiseGate(Timestamp cut) {
  WriterLock lock(parts_.path.cut_mutex);
  parts_.path.cut = std::max(parts_.path.cut, cut);
}

// The blocks, whose series the index knows when this returns: before queries look for them there.
Result<HeadCutter::Blocks> HeadCutter::WriteBlocks(const HeadBounds& bounds, Timestamp cut,
                                                   const std::stop_token& stop) {
  Blocks blocks;
  for (TimeRange window : WindowsBefore(cut, {parts_.head.Oldest(bounds), cut}, lengths_)) {
    window.max = std::min(window.max, cut - Duration(1));
    auto block =
        TRY(WriteHeadBlock(parts_.files, parts_.BlocksPath(), Ulid::Make(parts_.clock.Now()),
                           parts_.head, bounds, window, stop));
    parts_.head.ReleaseFiles();
    if (block == nullptr) continue;
    TRY(parts_.write_index());  // it may have late samples of series that are new
    TRY(NoteInIndex(parts_.index, *block));
    blocks.push_back(std::move(block));
  }
  TRY(parts_.index.Flush());
  return blocks;
}

}  // namespace barograph::tsdb
