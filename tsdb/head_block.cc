#include "tsdb/head_block.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "tsdb/block/block_files.h"
#include "tsdb/block/block_writer.h"
#include "tsdb/start_stream.h"

namespace barograph::tsdb {
namespace {

constexpr size_t kSeriesPerStop = 256;

// Their names, in order; the empty one is for series that have none.
std::vector<std::string> MetricsOf(const Head& head) {
  std::vector<std::string> names = head.registry.LabelValues(kMetricName);
  names.emplace_back();
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  return names;
}

/// Gives the head's series to a block's writer, some metrics at a time.
class HeadSeries {
 public:
  HeadSeries(const Head& head, const HeadBounds& bounds, TimeRange window, size_t series_at_once,
             BlockWriter& writer, std::stop_token stop)
      : head_(head),
        bounds_(bounds),
        window_(window),
        series_at_once_(series_at_once),
        writer_(writer),
        stop_(std::move(stop)) {}

  Status WriteAll() {
    for (const std::string& metric : MetricsOf(head_)) {
      auto found =
          TRY(head_.registry.Match({Matcher::Equal(std::string(kMetricName), metric)}, stop_));
      if (found.set != gathered_.set) TRY(WriteGathered());
      gathered_.set = std::move(found.set);
      gathered_.refs.insert(gathered_.refs.end(), found.refs.begin(), found.refs.end());
      if (gathered_.refs.size() >= series_at_once_) TRY(WriteGathered());
    }
    return WriteGathered();
  }

 private:
  Status WriteGathered() {
    if (gathered_.refs.empty()) return {};
    SelectHints hints;
    hints.start_timestamps = true;
    const auto selection = TRY(
        SelectFromHead(head_, bounds_, window_, gathered_, hints, stop_, DamagedRuns::kLeaveOut));
    gathered_.refs.clear();
    columns_.clear();
    const auto cursor = selection->NewCursor();
    std::vector<std::pair<Labels, uint32_t>> of_metric;
    for (uint32_t i = 0; i < selection->size(); ++i) {
      Labels labels = selection->labels(i);
      if (!of_metric.empty() && of_metric.front().first.metric_name() != labels.metric_name()) {
        TRY(WriteMetric(*selection, *cursor, of_metric));
      }
      of_metric.emplace_back(std::move(labels), i);
    }
    return WriteMetric(*selection, *cursor, of_metric);
  }

  Status WriteMetric(const Selection& selection, SeriesCursor& cursor,
                     std::vector<std::pair<Labels, uint32_t>>& of_metric) {
    std::ranges::sort(of_metric);
    for (const auto& [labels, i] : of_metric) {
      if (++written_ % kSeriesPerStop == 0 && stop_.stop_requested()) {
        return Fail(ErrorCode::kCancelled, "the writing of a block was stopped");
      }
      SeriesSamples samples = TRY(cursor.Read(i));
      samples.timestamp_column = NumberOf(samples.timestamp_column);
      TRY(writer_.Add(selection.id(i), labels, samples));
      TRY(writer_.Add(StartStreamOf(selection.id(i)), labels, starts_.Of(samples)));
    }
    of_metric.clear();
    return {};
  }

  // Each selection counts its columns of timestamps anew; here a number means one of them for good.
  uint64_t NumberOf(uint64_t column) {
    if (column == 0) return 0;
    const auto [number, is_new] = columns_.try_emplace(column, last_column_ + 1);
    if (is_new) ++last_column_;
    return number->second;
  }

  const Head& head_;
  const HeadBounds& bounds_;
  const TimeRange window_;
  const size_t series_at_once_;
  BlockWriter& writer_;
  const std::stop_token stop_;
  StartStream starts_;
  SeriesRegistry::Found gathered_;
  boost::unordered_flat_map<uint64_t, uint64_t> columns_;
  uint64_t last_column_ = 0;
  size_t written_ = 0;
};

}  // namespace

Result<std::shared_ptr<const Block>> WriteHeadBlock(FileSystem& files, const std::string& directory,
                                                    Ulid ulid, const Head& head,
                                                    const HeadBounds& bounds, TimeRange window,
                                                    std::stop_token stop, size_t series_at_once) {
  BlockOrigin origin;
  origin.ulid = ulid;
  origin.window = window;
  const auto writer = TRY(BlockWriter::Create(files, directory, origin));
  TRY(HeadSeries(head, bounds, window, series_at_once, *writer, std::move(stop)).WriteAll());
  const BlockMeta meta = TRY(writer->Finish());
  if (meta.stats.samples == 0) return nullptr;
  return Block::Open(files, BlockPath(directory, meta.ulid()));
}

Status NoteInIndex(SeriesIndex& index, const Block& block) {
  const std::vector<SeriesId> ids = TRY(block.Ids());
  const auto first = static_cast<int32_t>(PartitionOf(block.meta().range.min));
  const auto last = static_cast<int32_t>(PartitionOf(block.meta().range.max));
  for (int32_t day = first; day <= last; ++day) {
    TRY(index.AddToPartition(PartitionId{day}, ids));
  }
  return {};
}

}  // namespace barograph::tsdb
