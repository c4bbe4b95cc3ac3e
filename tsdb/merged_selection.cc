#include "tsdb/merged_selection.h"

#include <xxhash.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>

#include "base/mutex.h"
#include "tsdb/block/block_data.h"
#include "tsdb/block/block_reader.h"
#include "tsdb/head/selection.h"
#include "tsdb/series_merge.h"
#include "tsdb/start_stream.h"
#include "tsdb/value_buffer.h"

namespace barograph::tsdb {
namespace {

constexpr uint32_t kNotInHead = ~uint32_t{0};
constexpr size_t kSeriesPerStop = 1024;

// What no number of a column in the head has.
constexpr uint64_t kBesideHead = uint64_t{1} << 62;

/// Numbers for the timestamps that series share; one numbering for all cursors of a selection.
class ColumnNumbers {
 public:
  uint64_t NumberOf(const SeriesMerge::Key& key) {
    MutexLock lock(mutex_);
    const auto [known, is_new] = numbers_.try_emplace(key, 0);
    if (is_new) known->second = ++last_;
    return known->second;
  }

  /// One that nobody has.
  uint64_t NewNumber() {
    MutexLock lock(mutex_);
    return ++last_;
  }

 private:
  Mutex mutex_;
  uint64_t last_ GUARDED_BY(mutex_) = 0;
  std::map<SeriesMerge::Key, uint64_t> numbers_ GUARDED_BY(mutex_);
};

/// Finds that series have the same timestamps where no source says so: those of one sender's
/// request do. Remembers the timestamps that came last. One thread at a time.
class LikeColumns {
 public:
  uint64_t NumberOf(std::span<const Timestamp> timestamps, ColumnNumbers& numbers) {
    if (timestamps.size() < kWorthwhile) return 0;
    const uint64_t hash = XXH3_64bits(timestamps.data(), timestamps.size_bytes());
    for (const Column& column : columns_) {
      if (column.hash == hash && std::ranges::equal(column.timestamps, timestamps)) {
        return column.number;
      }
    }
    if (columns_.size() < kRemembered) columns_.emplace_back();
    Column& column = columns_[next_++ % kRemembered];
    column = {hash, numbers.NewNumber(), {timestamps.begin(), timestamps.end()}};
    return column.number;
  }

 private:
  struct Column {
    uint64_t hash = 0;
    uint64_t number = 0;
    std::vector<Timestamp> timestamps;
  };
  static constexpr size_t kWorthwhile = 16;
  static constexpr size_t kRemembered = 32;

  std::vector<Column> columns_;
  size_t next_ = 0;
};

struct MergedSeries {
  SeriesId id;
  uint32_t head_index;  // in the head's selection, or kNotInHead
  Labels labels;        // of those that are not in the head's selection
};

/// What was found, frozen; shared by the cursors.
struct Merged {
  ViewPtr view;
  TimeRange range;
  bool with_starts = false;
  bool presence_only = false;
  std::vector<std::shared_ptr<const Block>> blocks;  // those that overlap the range
  std::unique_ptr<Selection> head;
  std::vector<MergedSeries> series;  // ids ascend
  mutable ColumnNumbers columns;
};

class MergedCursor final : public SeriesCursor {
 public:
  explicit MergedCursor(std::shared_ptr<const Merged> merged)
      : merged_(std::move(merged)), head_(merged_->head->NewCursor()) {
    BlockReaderOptions options;
    options.presence_only = merged_->presence_only;
    options.inflater = &inflater_;
    for (const auto& block : merged_->blocks) readers_.emplace_back(block, options);
  }

  Result<SeriesSamples> Read(size_t index) override {
    const MergedSeries& series = merged_->series[index];
    starts_.Clear();
    if (readers_.empty()) return ReadHead(series.head_index);
    if (merged_->with_starts) TRY(ReadStartsInBlocks(series.id));
    TRY(ReadParts(series));
    SeriesSamples samples = merge_.Merge(parts_);
    samples.start_timestamps = starts_.Beside(samples.timestamps);
    samples.timestamp_column =
        merge_.key().empty() ? like_.NumberOf(samples.timestamps, merged_->columns) : ColumnOfKey();
    return samples;
  }

 private:
  // Where no block has anything in the range there is nothing to merge, and the head's own numbers
  // of columns do.
  Result<SeriesSamples> ReadHead(size_t index) {
    SeriesSamples samples = TRY(head_->Read(index));
    if (samples.timestamp_column == 0) {
      const uint64_t number = like_.NumberOf(samples.timestamps, merged_->columns);
      if (number != 0) samples.timestamp_column = kBesideHead | number;
    }
    return samples;
  }

  // What the blocks have, and the head. The values of the one come to lie behind those of the
  // other: as a rule nothing is left to be put together then.
  Status ReadParts(const MergedSeries& series) {
    parts_.clear();
    values_.Truncate(0);
    uint32_t source = 0;
    for (BlockReader& reader : readers_) {
      parts_.push_back({++source, TRY(reader.Read(series.id, merged_->range, values_))});
    }
    const bool in_blocks = values_.size() > 0;
    if (series.head_index != kNotInHead) {
      const SeriesSamples samples = TRY(head_->Read(series.head_index));
      starts_.AddStarts(samples);
      if (in_blocks) std::ranges::copy(samples.values, values_.Append(samples.size()).begin());
      parts_.push_back({0, samples});
    }
    if (!in_blocks) return {};
    size_t begin = 0;
    for (SeriesPart& part : parts_) {
      part.samples.values = values_.all().subspan(begin, part.samples.size());
      begin += part.samples.size();
    }
    return {};
  }

  // Before the samples, for which the same readers are used.
  Status ReadStartsInBlocks(SeriesId id) {
    for (BlockReader& reader : readers_) {
      const SeriesSamples stream = TRY(reader.Read(StartStreamOf(id), merged_->range));
      starts_.AddStream(stream.timestamps, stream.values);
    }
    return {};
  }

  uint64_t ColumnOfKey() {
    uint64_t& column = merge_.number();
    if (column == 0) column = merged_->columns.NumberOf(merge_.key());
    return column;
  }

  const std::shared_ptr<const Merged> merged_;
  const std::unique_ptr<SeriesCursor> head_;
  Inflater inflater_;  // of the readers
  std::vector<BlockReader> readers_;
  std::vector<SeriesPart> parts_;
  ValueBuffer values_;  // of the parts
  SeriesMerge merge_;
  StartTimestamps starts_;
  LikeColumns like_;
};

class MergedSelection final : public Selection {
 public:
  explicit MergedSelection(std::shared_ptr<const Merged> merged) : merged_(std::move(merged)) {}

  size_t size() const override { return merged_->series.size(); }
  Labels labels(size_t index) const override {
    const MergedSeries& series = merged_->series[index];
    return series.head_index == kNotInHead ? series.labels
                                           : merged_->head->labels(series.head_index);
  }
  SeriesId id(size_t index) const override { return merged_->series[index].id; }
  std::unique_ptr<SeriesCursor> NewCursor() const override {
    return std::make_unique<MergedCursor>(merged_);
  }
  bool may_have_histograms() const override {
    return merged_->head->may_have_histograms() ||
           std::ranges::any_of(merged_->blocks, [](const auto& block) {
             return block->meta().stats.histogram_samples > 0;
           });
  }

 private:
  const std::shared_ptr<const Merged> merged_;
};

// Series nearly always come in the order of their ids.
template <typename T, typename Projection = std::identity>
void SortIfUnsorted(std::vector<T>& list, Projection projection = {}) {
  if (!std::ranges::is_sorted(list, {}, projection)) std::ranges::sort(list, {}, projection);
}

// Whether a block has samples of the series in the range, as far as that shows without reading;
// where something of it was deleted, by reading.
Result<bool> IsIn(const std::shared_ptr<const Block>& block, SeriesId id, TimeRange range) {
  if (!block->Contains(id)) return false;
  if (block->tombstones().RangesOf(id).empty()) return true;
  return TRY(BlockReader(block).Read(id, range)).size() > 0;
}

Result<std::vector<SeriesId>> OnlyInBlocks(const Merged& merged, const SeriesIndex& index,
                                           const Matchers& matchers,
                                           const std::vector<SeriesId>& in_head,
                                           const std::stop_token& stop) {
  const auto span = OverlapWithBlocks(*merged.view, merged.range);
  if (!span) return std::vector<SeriesId>();
  const std::vector<SeriesId> matching =
      TRY(index.Match(PartitionOf(span->min), PartitionOf(span->max), matchers, stop));
  std::vector<SeriesId> others;
  std::ranges::set_difference(matching, in_head, std::back_inserter(others));
  std::vector<SeriesId> found;
  for (size_t i = 0; i < others.size(); ++i) {
    if (i % kSeriesPerStop == 0 && stop.stop_requested()) {
      return Fail(ErrorCode::kCancelled, "query was cancelled");
    }
    bool is_in = false;
    for (const auto& block : merged.blocks) {
      is_in = is_in || TRY(IsIn(block, others[i], merged.range));
    }
    if (is_in) found.push_back(others[i]);
  }
  return found;
}

}  // namespace

std::optional<TimeRange> OverlapWithBlocks(const View& view, TimeRange range) {
  std::optional<TimeRange> span;
  for (const auto& block : view.blocks) {
    const TimeRange of_block = block->meta().range;
    if (!of_block.Overlaps(range)) continue;
    if (!span) span = of_block;
    span->min = std::min(span->min, of_block.min);
    span->max = std::max(span->max, of_block.max);
  }
  if (span) *span = {std::max(span->min, range.min), std::min(span->max, range.max)};
  return span;
}

Result<std::unique_ptr<Selection>> SelectFromView(ViewPtr view, const Head& head,
                                                  const SeriesIndex& index, TimeRange range,
                                                  const Matchers& matchers,
                                                  const SelectHints& hints, std::stop_token stop) {
  auto merged = std::make_shared<Merged>();
  merged->range = range;
  merged->with_starts = hints.start_timestamps;
  // Start timestamps are stored as values: none of those may be stood in for.
  SelectHints wanted = hints;
  wanted.presence_only = hints.presence_only && !hints.start_timestamps;
  merged->presence_only = wanted.presence_only;
  merged->head = TRY(SelectFromHead(head, view->head, range, matchers, wanted, stop));
  std::ranges::copy_if(view->blocks, std::back_inserter(merged->blocks),
                       [&](const auto& block) { return block->meta().range.Overlaps(range); });
  merged->view = std::move(view);
  std::vector<SeriesId> in_head;
  in_head.reserve(merged->head->size());
  merged->series.reserve(merged->head->size());
  for (uint32_t i = 0; i < merged->head->size(); ++i) {
    in_head.push_back(merged->head->id(i));
    merged->series.push_back({in_head.back(), i, {}});
  }
  SortIfUnsorted(in_head);
  const std::vector<SeriesId> others = TRY(OnlyInBlocks(*merged, index, matchers, in_head, stop));
  TRY(index.ReadLabels(
      others,
      [&](size_t i, std::string_view packed) {
        merged->series.push_back({others[i], kNotInHead, Labels::FromPacked(std::string(packed))});
      },
      stop));
  SortIfUnsorted(merged->series, &MergedSeries::id);
  return std::unique_ptr<Selection>(std::make_unique<MergedSelection>(std::move(merged)));
}

}  // namespace barograph::tsdb
