#include "tsdb/block/block_writer.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "tsdb/block/block_directory.h"
#include "tsdb/block/block_files.h"
#include "tsdb/block/block_format.h"
#include "tsdb/block/column_catalog.h"
#include "tsdb/block/extent.h"
#include "tsdb/block/sample_run.h"
#include "tsdb/start_stream.h"

namespace barograph::tsdb {
namespace {

// Times at which a column is looked for in the block's window.
constexpr int64_t kAnchorsInWindow = 32;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

Duration AnchorStep(TimeRange window) {
  const auto length =
      static_cast<uint64_t>(ToMs(window.max)) - static_cast<uint64_t>(ToMs(window.min));
  return Duration(static_cast<int64_t>(length / kAnchorsInWindow) + 1);
}

bool Ascends(std::span<const Timestamp> timestamps) {
  bool ascends = true;
  for (size_t i = 1; i < timestamps.size(); ++i) ascends &= timestamps[i - 1] < timestamps[i];
  return ascends;
}

}  // namespace

class BlockWriter::Impl {
 public:
  Impl(FileSystem& files, std::string blocks_directory, BlockOrigin origin,
       BlockWriterOptions options)
      : files_(files),
        blocks_directory_(std::move(blocks_directory)),
        folder_(UnfinishedBlockPath(blocks_directory_, origin.ulid)),
        options_(options),
        catalog_({.piece_rows = options.run_rows,
                  .memory_bytes = options.column_memory_bytes,
                  .anchor_step = AnchorStep(origin.window)}),
        labels_(options.labels),
        compressor_(ZSTD_createCCtx()) {
    meta_.origin = std::move(origin);
    if (meta_.origin.sources.empty()) meta_.origin.sources = {meta_.origin.ulid};
  }
  ~Impl() {
    if (!done_) RemoveFolder();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Status Begin();
  Status Add(SeriesId id, const Labels& labels, const SeriesSamples& samples);
  Result<BlockMeta> Finish();

 private:
  Status Check(SeriesId id, const SeriesSamples& samples) const;
  void AddRuns(const SeriesSamples& samples, bool mixed);
  void Count(const SeriesSamples& samples);
  bool IsFull(std::string_view group) const;
  Status CloseColumns();
  Status CloseSamples();
  Status CloseLabelSets();
  Status CloseLabels();
  Status AppendExtent(ExtentKind kind, size_t count);
  std::string_view Compressed(int level);
  Status Append(std::string_view bytes);
  Status WriteEnd();
  Status WriteMeta(const std::string& json);
  Status Publish();
  // The next opening of the storage does it where this fails.
  void RemoveFolder() { (void)files_.RemoveAll(folder_).has_value(); }

  FileSystem& files_;
  const std::string blocks_directory_;
  const std::string folder_;
  const BlockWriterOptions options_;
  BlockMeta meta_;

  std::unique_ptr<WritableFile> data_;
  uint64_t offset_ = 0;
  std::vector<ExtentEntry> extents_;
  std::vector<SeriesId> ids_;  // by position

  ColumnCatalog catalog_;
  ColumnExtentBuilder columns_;
  uint64_t columns_written_ = 0;
  SampleExtentBuilder samples_;
  size_t samples_in_extent_ = 0;
  std::string group_;
  LabelBuilder labels_;

  SampleRunEncoder encoder_;
  RunEncoder list_encoder_;
  std::unique_ptr<ZSTD_CCtx, FreeContext> compressor_;
  std::string extent_, compressed_;  // working memory
  bool done_ = false;
};

Status BlockWriter::Impl::Begin() {
  if (options_.run_rows == 0 || options_.run_rows > kMaxRunValues) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("a block's runs have 1 to {} rows", kMaxRunValues));
  }
  TRY(files_.RemoveAll(folder_));
  TRY(files_.CreateDirectories(folder_));
  data_ =
      TRY(files_.OpenWritable(fmt::format("{}/{}", folder_, kBlockDataFile), OpenMode::kCreate));
  return Append(kBlockMagic);
}

Status BlockWriter::Impl::Check(SeriesId id, const SeriesSamples& samples) const {
  const auto wrong = [id](ErrorCode code, std::string_view what) {
    return Fail(code, fmt::format("series {}: {}", static_cast<uint64_t>(id), what));
  };
  const TimeRange window = meta_.origin.window;
  if (!Ascends(samples.timestamps)) {
    return wrong(ErrorCode::kInvalidArgument, "its timestamps do not ascend");
  }
  if (!window.Contains(samples.timestamps.front()) || !window.Contains(samples.timestamps.back())) {
    return wrong(ErrorCode::kInvalidArgument, "it has samples outside the block's window");
  }
  if (samples.size() > kMaxColumnRows || ids_.size() >= kMaxBlockSeries) {
    return wrong(ErrorCode::kLimitExceeded,
                 fmt::format("a block holds {} series of {} samples at most", kMaxBlockSeries,
                             kMaxColumnRows));
  }
  return {};
}

Status BlockWriter::Impl::Add(SeriesId id, const Labels& labels, const SeriesSamples& samples) {
  if (samples.size() == 0) return {};
  TRY(Check(id, samples));
  const std::string_view group = labels.metric_name();
  if (IsFull(group)) TRY(CloseSamples());
  group_ = group;

  const size_t before = columns_.bytes().size();
  const uint64_t column = catalog_.Find(samples.timestamps, samples.timestamp_column,
                                        columns_written_ + columns_.count(), columns_.bytes());
  if (columns_.bytes().size() > before) columns_.Close();
  if (columns_.bytes().size() >= options_.max_column_extent_bytes) TRY(CloseColumns());

  const bool mixed = std::ranges::any_of(
      samples.histograms, [](const FloatHistogram* histogram) { return histogram != nullptr; });
  samples_.BeginSeries(column, mixed);
  AddRuns(samples, mixed);
  ids_.push_back(id);
  samples_in_extent_ += samples.size();
  if (!IsStartStream(id)) Count(samples);
  labels_.Add(labels);
  if (labels_.sets_full()) TRY(CloseLabelSets());
  return labels_.series_full() ? CloseLabels() : Status();
}

void BlockWriter::Impl::AddRuns(const SeriesSamples& samples, bool mixed) {
  for (size_t begin = 0; begin < samples.size(); begin += options_.run_rows) {
    const size_t size = std::min(options_.run_rows, samples.size() - begin);
    const auto values = samples.values.subspan(begin, size);
    if (mixed) {
      encoder_.EncodeMixed(values, samples.histograms.subspan(begin, size), samples_.bytes());
    } else {
      encoder_.EncodeFloats(values, samples_.bytes());
    }
    samples_.CloseRun();
  }
}

void BlockWriter::Impl::Count(const SeriesSamples& samples) {
  BlockStats& stats = meta_.stats;
  const TimeRange range = {samples.timestamps.front(), samples.timestamps.back()};
  meta_.range = stats.series == 0 ? range
                                  : TimeRange{std::min(meta_.range.min, range.min),
                                              std::max(meta_.range.max, range.max)};
  const auto floats = static_cast<uint64_t>(std::ranges::count(samples.histograms, nullptr));
  ++stats.series;
  stats.samples += samples.size();
  stats.float_samples += samples.histograms.empty() ? samples.size() : floats;
  stats.histogram_samples = stats.samples - stats.float_samples;
}

bool BlockWriter::Impl::IsFull(std::string_view group) const {
  if (samples_.series() == 0) return false;
  return samples_in_extent_ >= options_.max_extent_samples ||
         samples_.bytes().size() >= options_.max_extent_bytes ||
         samples_.series() >= options_.max_extent_series ||
         (group != group_ && samples_in_extent_ >= options_.min_extent_samples);
}

Status BlockWriter::Impl::CloseColumns() {
  const size_t count = columns_.count();
  if (count == 0) return {};
  extent_.clear();
  columns_.Take(list_encoder_, extent_);
  columns_written_ += count;
  return AppendExtent(ExtentKind::kColumns, count);
}

Status BlockWriter::Impl::CloseSamples() {
  const size_t count = samples_.series();
  if (count == 0) return {};
  extent_.clear();
  samples_.Take(list_encoder_, extent_);
  samples_in_extent_ = 0;
  return AppendExtent(ExtentKind::kSamples, count);
}

Status BlockWriter::Impl::CloseLabelSets() {
  const size_t count = labels_.sets();
  if (count == 0) return {};
  extent_.clear();
  labels_.TakeSets(list_encoder_, extent_);
  return AppendExtent(ExtentKind::kLabelSets, count);
}

Status BlockWriter::Impl::CloseLabels() {
  const size_t count = labels_.series();
  if (count == 0) return {};
  extent_.clear();
  labels_.TakeSeries(list_encoder_, extent_);
  return AppendExtent(ExtentKind::kLabels, count);
}

/// Writes extent_.
Status BlockWriter::Impl::AppendExtent(ExtentKind kind, size_t count) {
  if (extent_.size() > kMaxExtentBytes) {
    return Fail(ErrorCode::kLimitExceeded,
                fmt::format("an extent of a block would take {} bytes; {} are the most",
                            extent_.size(), kMaxExtentBytes));
  }
  const bool is_labels = kind == ExtentKind::kLabelSets || kind == ExtentKind::kLabels;
  const std::string_view compressed =
      Compressed(is_labels ? options_.label_compression_level : options_.compression_level);
  ExtentEntry entry;
  entry.kind = kind;
  entry.count = count;
  entry.bytes = extent_.size();
  entry.compressed = !compressed.empty();
  const std::string_view stored = entry.compressed ? compressed : std::string_view(extent_);
  entry.stored_bytes = stored.size();
  entry.checksum = BlockChecksum(stored, offset_);
  extents_.push_back(entry);
  return Append(stored);
}

/// extent_ as a zstd frame; empty where that does not save enough.
std::string_view BlockWriter::Impl::Compressed(int level) {
  if (options_.compression_level == 0 || level == 0) return {};
  compressed_.resize(ZSTD_compressBound(extent_.size()));
  const size_t size = ZSTD_compressCCtx(compressor_.get(), compressed_.data(), compressed_.size(),
                                        extent_.data(), extent_.size(), level);
  const size_t most = extent_.size() * (100 - std::min(options_.min_saving_percent, 100u)) / 100;
  if (ZSTD_isError(size) || size > most) return {};
  return std::string_view(compressed_).substr(0, size);
}

Status BlockWriter::Impl::Append(std::string_view bytes) {
  TRY(data_->Append(bytes));
  offset_ += bytes.size();
  return {};
}

Result<BlockMeta> BlockWriter::Impl::Finish() {
  TRY(CloseColumns());
  TRY(CloseSamples());
  TRY(CloseLabelSets());
  TRY(CloseLabels());
  if (ids_.empty()) {
    TRY(data_->Close());
    RemoveFolder();
  } else {
    TRY(WriteEnd());
    TRY(Publish());
  }
  done_ = true;
  return meta_;
}

/// The directory, meta.json, and the footer that vouches for both.
Status BlockWriter::Impl::WriteEnd() {
  std::string end;
  if (!AppendDirectory(options_.run_rows, extents_, ids_, end)) {
    return Fail(ErrorCode::kInvalidArgument, "a series was added to a block twice");
  }
  meta_.stats.bytes = offset_ + end.size() + kBlockFooterBytes;
  const std::string json = ToJson(meta_);
  BlockFooter footer;
  footer.directory_offset = offset_;
  footer.directory_checksum = BlockChecksum(end, offset_);
  footer.meta_checksum = BlockChecksum(json, 0);
  AppendFooter(end, footer, offset_ + end.size());
  TRY(Append(end));
  TRY(data_->Sync());
  TRY(data_->Close());
  return WriteMeta(json);
}

Status BlockWriter::Impl::WriteMeta(const std::string& json) {
  const auto file =
      TRY(files_.OpenWritable(fmt::format("{}/{}", folder_, kBlockMetaFile), OpenMode::kCreate));
  TRY(file->Append(json));
  TRY(file->Sync());
  return file->Close();
}

Status BlockWriter::Impl::Publish() {
  const std::string path = BlockPath(blocks_directory_, meta_.origin.ulid);
  TRY(files_.SyncDirectory(folder_));
  TRY(files_.Rename(folder_, path));
  const Status durable = files_.SyncDirectory(blocks_directory_);
  // Not known to last: it must not be there for some and gone for others.
  if (!durable.has_value()) (void)files_.RemoveAll(path).has_value();
  return durable;
}

BlockWriter::BlockWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BlockWriter::~BlockWriter() = default;

Result<std::unique_ptr<BlockWriter>> BlockWriter::Create(FileSystem& files,
                                                         const std::string& blocks_directory,
                                                         BlockOrigin origin,
                                                         BlockWriterOptions options) {
  auto impl = std::make_unique<Impl>(files, blocks_directory, std::move(origin), options);
  TRY(impl->Begin());
  return std::unique_ptr<BlockWriter>(new BlockWriter(std::move(impl)));
}

Status BlockWriter::Add(SeriesId id, const Labels& labels, const SeriesSamples& samples) {
  return impl_->Add(id, labels, samples);
}

Result<BlockMeta> BlockWriter::Finish() { return impl_->Finish(); }

}  // namespace barograph::tsdb
