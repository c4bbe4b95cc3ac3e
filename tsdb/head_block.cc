#include "tsdb/head_block.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tsdb/block/block_files.h"
#include "tsdb/block/block_writer.h"
#include "tsdb/start_stream.h"

namespace barograph::tsdb {
namespace {

constexpr size_t kSeriesPerStop = 256;

// The selection's series by metric name.
std::map<std::string, std::vector<uint32_t>> GroupByMetric(const Selection& selection) {
  std::map<std::string, std::vector<uint32_t>> metrics;
  for (uint32_t i = 0; i < selection.size(); ++i) {
    const Labels labels = selection.labels(i);
    metrics[std::string(labels.metric_name())].push_back(i);
  }
  return metrics;
}

std::vector<std::pair<Labels, uint32_t>> SortByLabels(const Selection& selection,
                                                      const std::vector<uint32_t>& series) {
  std::vector<std::pair<Labels, uint32_t>> sorted;
  sorted.reserve(series.size());
  for (const uint32_t i : series) sorted.emplace_back(selection.labels(i), i);
  std::ranges::sort(sorted);
  return sorted;
}

Status AddSeries(const Selection& selection, BlockWriter& writer, const std::stop_token& stop) {
  const auto cursor = selection.NewCursor();
  StartStream starts;
  size_t written = 0;
  for (const auto& [metric, series] : GroupByMetric(selection)) {
    for (const auto& [labels, i] : SortByLabels(selection, series)) {
      if (++written % kSeriesPerStop == 0 && stop.stop_requested()) {
        return Fail(ErrorCode::kCancelled, "the writing of a block was stopped");
      }
      const SeriesSamples samples = TRY(cursor->Read(i));
      TRY(writer.Add(selection.id(i), labels, samples));
      TRY(writer.Add(StartStreamOf(selection.id(i)), labels, starts.Of(samples)));
    }
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const Block>> WriteHeadBlock(FileSystem& files, const std::string& directory,
                                                    Ulid ulid, const Head& head,
                                                    const HeadBounds& bounds, TimeRange window,
                                                    std::stop_token stop) {
  BlockOrigin origin;
  origin.ulid = ulid;
  origin.window = window;
  const auto selection = TRY(SelectFromHead(head, bounds, window, {}, true, stop));
  if (selection->size() == 0) return nullptr;
  const auto writer = TRY(BlockWriter::Create(files, directory, origin));
  TRY(AddSeries(*selection, *writer, stop));
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
