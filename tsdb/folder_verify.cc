#include "tsdb/folder_verify.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "tsdb/block/block.h"
#include "tsdb/block/block_files.h"
#include "tsdb/block/block_tombstones.h"
#include "tsdb/block/block_verify.h"
#include "tsdb/head/registry_file.h"
#include "tsdb/head/run_files.h"
#include "tsdb/head/series_dump.h"
#include "tsdb/head_cutter.h"
#include "tsdb/index/series_index.h"
#include "tsdb/wal/reader.h"
#include "tsdb/wal/record.h"

namespace barograph::tsdb {
namespace {

template <typename T>
Status DropValue(Result<T> result) {
  if (!result) return std::unexpected(std::move(result).error());
  return {};
}

Status ParsePayload(const wal::Record& record) {
  switch (record.type) {
    case wal::RecordType::kSeries: return DropValue(wal::ParseSeries(record.payload));
    case wal::RecordType::kRow: return DropValue(wal::ParseRow(record.payload));
    case wal::RecordType::kSamples: return DropValue(wal::ParseSamples(record.payload));
    case wal::RecordType::kClose: return DropValue(wal::ParseClose(record.payload));
    case wal::RecordType::kDeletions: return DropValue(wal::ParseDeletions(record.payload));
    case wal::RecordType::kHistograms: return DropValue(wal::ParseHistograms(record.payload));
    case wal::RecordType::kExemplars: return DropValue(wal::ParseExemplars(record.payload));
  }
  return Fail(ErrorCode::kCorruption, "a record of an unknown type");
}

class Verifier {
 public:
  Verifier(FileSystem& files, std::string path, std::string index_path, std::stop_token stop)
      : files_(files),
        path_(std::move(path)),
        index_path_(std::move(index_path)),
        stop_(std::move(stop)) {}

  Result<FolderReport> Run() {
    if (!files_.Exists(path_ + "/wal")) {
      return Fail(ErrorCode::kNotFound, path_ + ": there is no database");
    }
    if (!index_path_.empty()) TRY(OpenIndex());
    TRY(VerifyBlocks());
    TRY(VerifyFramed(path_ + "/wal", "", report_.log_records));
    const std::string exemplars = path_ + "/exemplars";
    if (files_.Exists(exemplars)) TRY(VerifyFramed(exemplars, "", report_.log_records));
    if (files_.Exists(HeadPath())) TRY(VerifyHead());
    return std::move(report_);
  }

 private:
  std::string HeadPath() const { return path_ + "/head"; }

  Status OpenIndex() {
    auto opened = SeriesIndex::Open(index_path_, {.read_only = true});
    const Status good =
        opened ? (*opened)->VerifyChecksums() : Status(std::unexpected(opened.error()));
    if (good) {
      index_ = std::move(*opened);
      last_id_ = TRY(index_->LastId());
      return {};
    }
    const ErrorCode code = good.error().code;
    if (code != ErrorCode::kCorruption && code != ErrorCode::kNotFound) return good;
    report_.damage.push_back(
        {index_path_, 0, 0, good.error().message + "; the next start makes it anew"});
    return {};
  }

  /// What is wrong with the labels that a block has. The newest series the index may lack: the log
  /// tells it of them at the next start.
  std::string CompareWithIndex(SeriesId id, const Labels& labels) {
    if (index_ == nullptr || id > last_id_) return {};
    const auto known = index_->LabelsOf(id);
    if (!known) return known.error().message;
    if (known->has_value() && **known == labels) return {};
    const std::string series = "series " + std::to_string(static_cast<uint64_t>(id));
    if (!known->has_value()) return series + " is not in the series index";
    return series + " is " + (*known)->ToString() + " in the series index, and " +
           labels.ToString() + " in the block";
  }

  Status VerifyBlocks() {
    const std::string directory = path_ + "/blocks";
    if (!files_.Exists(directory)) return {};
    for (const Ulid& ulid : TRY(ListBlocks(files_, directory))) {
      const std::string folder = BlockPath(directory, ulid);
      auto block = Block::Open(files_, folder);
      if (!block) {
        report_.damage.push_back({folder, 0, 0, block.error().message});
        continue;
      }
      ++report_.blocks;
      const auto check = [this](SeriesId id, const Labels& labels) {
        return CompareWithIndex(id, labels);
      };
      BlockReport found = TRY(VerifyBlock(*block, stop_, check));
      report_.series += found.series;
      report_.samples += found.samples;
      for (BlockDamage& damage : found.damage) {
        report_.damage.push_back({folder + "/" + std::string(kBlockDataFile), damage.offset,
                                  damage.length, std::move(damage.what)});
      }
    }
    return {};
  }

  Status VerifyHead() {
    TRY(VerifyFramed(HeadPath(), "lone-", report_.head_runs));
    TRY(VerifyFramed(HeadPath(), "tables-", report_.head_runs));
    const std::string tombstones = HeadPath() + "/tombstones";
    if (files_.Exists(tombstones)) {
      const std::string bytes = TRY(files_.ReadFile(tombstones));
      Note(tombstones, DropValue(BlockTombstones::Decode(bytes)));
    }
    VerifySeries();
    Note(HeadPath() + "/cut", DropValue(LoadCut(files_, HeadPath())));
    return {};
  }

  // The next start has what is wrong there from the index and the log.
  void VerifySeries() {
    const std::string series = HeadPath() + "/series", added = series + "-added";
    const auto ignore = [](SeriesId, const Labels&) { return Status(); };
    if (files_.Exists(series)) {
      const auto contents = files_.Map(series);
      Note(series, contents ? DropValue(ReadSeriesDump((*contents)->bytes()))
                            : Status(std::unexpected(contents.error())));
    }
    if (files_.Exists(added)) {
      const auto contents = files_.Map(added);
      Note(added, contents ? ReadAddedSeries((*contents)->bytes(), ignore)
                           : Status(std::unexpected(contents.error())));
    }
  }

  void Note(const std::string& file, const Status& read) {
    if (!read) report_.damage.push_back({file, 0, 0, read.error().message});
  }

  // The numbered files of that prefix, of which only the newest may end within a frame.
  Status VerifyFramed(const std::string& directory, std::string_view prefix, uint64_t& good) {
    std::vector<uint64_t> numbers;
    for (const DirectoryEntry& entry : TRY(files_.List(directory))) {
      std::string_view name = entry.name;
      if (!name.starts_with(prefix)) continue;
      name.remove_prefix(prefix.size());
      if (const auto number = wal::ParseSegmentName(name)) numbers.push_back(*number);
    }
    std::ranges::sort(numbers);
    for (const uint64_t number : numbers) {
      const std::string file = directory + "/" + std::string(prefix) + wal::SegmentName(number);
      const auto contents = files_.Map(file);
      if (!contents) {
        report_.damage.push_back({file, 0, 0, contents.error().message});
      } else {
        TRY(VerifyFrames(file, number, (*contents)->bytes(), number == numbers.back(), good));
      }
    }
    return {};
  }

  Status VerifyFrames(const std::string& file, uint64_t number, std::string_view bytes, bool last,
                      uint64_t& good) {
    using Event = wal::SegmentReader::Event;
    const bool has_runs = bytes.starts_with(RunFiles::kMagic);
    wal::SegmentReader reader(number, bytes, has_runs ? RunFiles::kMagic.size() : 0);
    wal::Record record{};
    for (Event event; (event = reader.Next(record)) != Event::kEnd;) {
      if (stop_.stop_requested()) {
        return Fail(ErrorCode::kCancelled, "the verification was stopped");
      }
      const uint64_t begin = reader.damage_begin();
      if (event == Event::kRecord) {
        const bool parses = has_runs || CheckPayload(file, reader.offset(), record);
        good += parses && (!has_runs || RunFiles::HasPayload(record)) ? 1 : 0;
      } else if (event == Event::kTornEnd && last) {
        report_.torn.push_back({file, begin, reader.offset() - begin, "the end is cut off"});
      } else {
        report_.damage.push_back({file, begin, reader.offset() - begin, "not what was written"});
      }
    }
    return {};
  }

  bool CheckPayload(const std::string& file, uint64_t end, const wal::Record& record) {
    const Status parsed = ParsePayload(record);
    if (parsed) return true;
    const uint64_t length = wal::kFrameHeaderBytes + record.payload.size();
    report_.damage.push_back({file, end - length, length, parsed.error().message});
    return false;
  }

  FileSystem& files_;
  const std::string path_, index_path_;
  std::unique_ptr<SeriesIndex> index_;  // null where there is none to compare with
  SeriesId last_id_ = kNoSeries;        // that it knows
  const std::stop_token stop_;
  FolderReport report_;
};

}  // namespace

Result<FolderReport> VerifyFolder(FileSystem& files, const std::string& path,
                                  const std::string& index_path, std::stop_token stop) {
  return Verifier(files, path, index_path, std::move(stop)).Run();
}

}  // namespace barograph::tsdb
