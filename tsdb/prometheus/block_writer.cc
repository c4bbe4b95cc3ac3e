#include "tsdb/prometheus/block_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "tsdb/prometheus/chunk.h"
#include "tsdb/prometheus/file_format.h"
#include "tsdb/prometheus/tombstones.h"

namespace barograph::tsdb::prometheus {
namespace {

std::string Join(const std::string& folder, std::string_view name) {
  return folder + "/" + std::string(name);
}

}  // namespace

BlockWriter::BlockWriter(FileSystem& files, BlockWriterOptions options, std::string folder,
                         IndexWriter index)
    : files_(files),
      options_(std::move(options)),
      folder_(std::move(folder)),
      chunks_(files, Join(folder_, kChunksFolder), options_.max_segment_bytes),
      index_(std::move(index)) {
  meta_.ulid = options_.ulid;
  meta_.min_time = options_.min_time;
  meta_.max_time = options_.max_time;
  meta_.sources = {options_.ulid};
}

BlockWriter::~BlockWriter() {
  // Best effort: what stays is cleared away by whoever opens the directory.
  if (!finished_) static_cast<void>(files_.RemoveAll(folder_));
}

Result<std::unique_ptr<BlockWriter>> BlockWriter::Create(FileSystem& files,
                                                         BlockWriterOptions options) {
  const std::string folder = Join(options.directory, options.ulid.ToString() + ".tmp-for-creation");
  TRY(files.RemoveAll(folder));
  TRY(files.CreateDirectories(Join(folder, kChunksFolder)));
  IndexWriter index = TRY(IndexWriter::Create(files, Join(folder, kIndexFile)));
  return std::unique_ptr<BlockWriter>(
      new BlockWriter(files, std::move(options), folder, std::move(index)));
}

Status BlockWriter::Check(const Labels& labels, const SampleColumns& samples) const {
  const auto invalid = [&](std::string_view what) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("series {}: {}", labels.ToString(), what));
  };
  if (meta_.stats.series > 0 && labels <= last_) return invalid("not after the series before it");
  const auto times = samples.timestamps();
  if (std::ranges::adjacent_find(times, std::greater_equal()) != times.end()) {
    return invalid("timestamps do not ascend");
  }
  if (times.front() < options_.min_time || times.back() >= options_.max_time) {
    return invalid("a sample is outside the block's range");
  }
  return {};
}

Status BlockWriter::Add(const Labels& labels, const SampleColumns& samples) {
  if (samples.empty()) return {};
  TRY(Check(labels, samples));
  std::vector<ChunkMeta> metas;
  for (size_t begin = 0; begin < samples.size();) {
    const EncodedChunk chunk = EncodeChunk(samples, begin);
    metas.push_back({chunk.min_time, chunk.max_time, TRY(chunks_.Write(chunk))});
    const bool floats = chunk.encoding == ChunkEncoding::kXor;
    (floats ? meta_.stats.float_samples : meta_.stats.histogram_samples) += chunk.samples;
    begin += chunk.samples;
  }
  TRY(index_.Add(labels, metas));
  meta_.stats.samples += samples.size();
  meta_.stats.chunks += metas.size();
  ++meta_.stats.series;
  last_ = labels;
  return {};
}

Result<std::optional<BlockMeta>> BlockWriter::Finish() {
  if (meta_.stats.series == 0) return std::nullopt;
  TRY(WriteRest());
  TRY(files_.Rename(folder_, Join(options_.directory, options_.ulid.ToString())));
  finished_ = true;
  TRY(files_.SyncDirectory(options_.directory));
  return meta_;
}

Status BlockWriter::WriteRest() {
  TRY(chunks_.Finish());
  TRY(index_.Finish());
  TRY(files_.WriteFile(Join(folder_, kTombstonesFile), EmptyTombstonesFile()));
  TRY(files_.WriteFile(Join(folder_, kMetaFile), PrintBlockMeta(meta_)));
  return files_.SyncDirectory(folder_);
}

}  // namespace barograph::tsdb::prometheus
