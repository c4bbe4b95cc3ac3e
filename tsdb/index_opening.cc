#include "tsdb/index_opening.h"

#include <algorithm>
#include <roaring/roaring64map.hh>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "tsdb/block/label_reader.h"
#include "tsdb/head_block.h"

namespace barograph::tsdb {
namespace {

constexpr size_t kSeriesAtOnce = 32 * 1024;

// The index is RocksDB's, and always on the machine's own disk.
FileSystem& Disk() { return PosixFileSystem(); }

/// Adds what blocks know of series to an index.
class IndexFiller {
 public:
  /// Labels of ids up to `known` are there already.
  IndexFiller(SeriesIndex& index, SeriesId known, const Logger& logger)
      : index_(index), known_up_to_(known), logger_(logger) {}

  uint64_t added() const { return added_; }

  Status Add(const std::shared_ptr<const Block>& block) {
    TRY(Define(block));
    Status noted = NoteInIndex(index_, *block);
    // Series whose labels are damaged, which were told of.
    if (!noted && noted.error().code == ErrorCode::kNotFound) return {};
    return noted;
  }

 private:
  struct Placed {
    uint64_t position;
    SeriesId id;
  };

  Status Define(const std::shared_ptr<const Block>& block) {
    std::vector<Placed> fresh;
    for (const SeriesId id : TRY(block->Ids())) {
      if (id > known_up_to_ && !known_.contains(static_cast<uint64_t>(id))) {
        fresh.push_back({block->PositionOf(id).value_or(0), id});
      }
    }
    std::ranges::sort(fresh, {}, &Placed::position);
    LabelReader reader(block);
    std::vector<SeriesIndex::Entry> entries;
    uint64_t unreadable = 0;
    for (const Placed& series : fresh) {
      const Result<Labels> labels = reader.At(series.position);
      if (!labels) {
        if (unreadable++ == 0) TellDamage(labels.error());
        continue;
      }
      known_.add(static_cast<uint64_t>(series.id));
      entries.push_back({series.id, std::string(labels->packed())});
      if (entries.size() >= kSeriesAtOnce) TRY(Put(entries));
    }
    if (unreadable > 0) {
      logger_.Warn("Series whose labels are damaged in a block cannot be shown",
                   {{"block", block->path()}, {"series", unreadable}});
    }
    return Put(entries);
  }

  Status Put(std::vector<SeriesIndex::Entry>& entries) {
    std::ranges::sort(entries, {}, &SeriesIndex::Entry::id);
    TRY(index_.Put(entries));
    added_ += entries.size();
    entries.clear();
    return {};
  }

  void TellDamage(const Error& error) {
    logger_.Error("Labels in a block are damaged", {{"err", error}});
  }

  SeriesIndex& index_;
  const SeriesId known_up_to_;
  const Logger& logger_;
  Roaring64Map known_;  // beyond that
  uint64_t added_ = 0;
};

Result<std::unique_ptr<SeriesIndex>> OpenWhole(const std::string& path,
                                               const SeriesIndexOptions& options) {
  auto index = TRY(SeriesIndex::Open(path, options));
  TRY(index->VerifyChecksums());
  return index;
}

// A series counts in each of its blocks: that is the work.
uint64_t SeriesOf(std::span<const std::shared_ptr<const Block>> blocks) {
  uint64_t series = 0;
  for (const auto& block : blocks) series += block->meta().stats.series;
  return series;
}

// In a folder of its own until it is whole.
Result<std::unique_ptr<SeriesIndex>> MakeAnew(const std::string& path,
                                              const SeriesIndexOptions& options,
                                              std::span<const std::shared_ptr<const Block>> blocks,
                                              const Clock& clock, const Logger& logger) {
  const auto begin = clock.Monotonic();
  logger.Warn("The server is not ready until the series index is made anew",
              {{"blocks", blocks.size()}, {"series_of_blocks", SeriesOf(blocks)}});
  const std::string unfinished = path + ".new";
  TRY(Disk().RemoveAll(unfinished));
  uint64_t series = 0;
  {
    const auto index = TRY(SeriesIndex::Open(unfinished, options));
    IndexFiller filler(*index, kNoSeries, logger);
    for (size_t done = 0; done < blocks.size();) {
      TRY(filler.Add(blocks[done]));
      logger.Info("The series index is being made anew",
                  {{"blocks", ++done}, {"of", blocks.size()}, {"series", filler.added()}});
    }
    TRY(index->Flush());
    series = filler.added();
  }
  TRY(Disk().RemoveAll(path));
  TRY(Disk().Rename(unfinished, path));
  const std::chrono::duration<double> took = clock.Monotonic() - begin;
  logger.Warn("The series index was made anew from the blocks",
              {{"blocks", blocks.size()}, {"series", series}, {"duration", took.count()}});
  return SeriesIndex::Open(path, options);
}

// A crash may come between a block and what the index learns of it.
Status AddWhatCameLast(SeriesIndex& index, std::span<const std::shared_ptr<const Block>> blocks,
                       const Logger& logger) {
  const SeriesId last = TRY(index.LastId());
  IndexFiller filler(index, last, logger);
  for (const auto& block : blocks) {
    if (block->FirstIdAbove(last)) TRY(filler.Add(block));
  }
  return {};
}

}  // namespace

Result<OpenedIndex> OpenIndex(const std::string& path, const SeriesIndexOptions& options,
                              std::span<const std::shared_ptr<const Block>> blocks,
                              const Clock& clock, const Logger& logger, Metrics& metrics) {
  OpenedIndex opened;
  auto index = OpenWhole(path, options);
  if (!index) {
    if (index.error().code != ErrorCode::kCorruption) return std::unexpected(index.error());
    const std::string aside = path + ".damaged-" + std::to_string(ToMs(clock.Now()));
    logger.Error("The series index is damaged and set aside; it is made anew from the blocks",
                 {{"err", index.error()}, {"kept_as", aside}});
    TRY(Disk().Rename(path, aside));
    metrics.index_rebuilds.Increment();
    return OpenedIndex{TRY(MakeAnew(path, options, blocks, clock, logger)), true};
  }
  opened.index = std::move(*index);
  opened.is_new = TRY(opened.index->LastId()) == kNoSeries;
  if (opened.is_new && !blocks.empty()) {
    logger.Error("The series index is lost; it is made anew from the blocks", {{"path", path}});
    metrics.index_rebuilds.Increment();
    opened.index.reset();
    opened.index = TRY(MakeAnew(path, options, blocks, clock, logger));
  } else {
    TRY(AddWhatCameLast(*opened.index, blocks, logger));
  }
  return opened;
}

}  // namespace barograph::tsdb
