#include "tsdb/block/block_data.h"

#include <fmt/format.h>
#include <zstd.h>

#include <utility>

namespace barograph::tsdb {

Inflater::Inflater() = default;
Inflater::~Inflater() = default;
void Inflater::Free::operator()(ZSTD_DCtx_s* context) const { ZSTD_freeDCtx(context); }

bool Inflater::Inflate(std::string_view bytes, size_t size, std::string& out) {
  // The frame says how large it will be: what lies about that gets no memory.
  if (ZSTD_getFrameContentSize(bytes.data(), bytes.size()) != size) return false;
  if (context_ == nullptr) context_.reset(ZSTD_createDCtx());
  out.resize(size);
  return ZSTD_decompressDCtx(context_.get(), out.data(), size, bytes.data(), bytes.size()) == size;
}

namespace {

Status CheckMagic(const std::string& path, std::string_view bytes) {
  if (bytes.starts_with(kBlockMagic)) return {};
  const char version = bytes.size() < kBlockMagic.size() ? '\0' : bytes[kBlockMagic.size() - 1];
  if (bytes.starts_with(kBlockMagicOfAll) && version >= '0' && version <= '9') {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: a block of format {}, and this version knows {} only", path,
                            version, kBlockMagic.back()));
  }
  return BlockCorruption(path, 0, "not the data of a block");
}

}  // namespace

Result<std::shared_ptr<const BlockData>> BlockData::Open(FileSystem& files, std::string path) {
  const std::shared_ptr<BlockData> data(new BlockData);
  data->path_ = std::move(path);
  data->contents_ = TRY(files.Map(data->path_));
  const std::string_view bytes = data->contents_->bytes();
  TRY(CheckMagic(data->path_, bytes));
  const std::optional<BlockFooter> footer = ReadFooter(bytes);
  if (!footer.has_value()) {
    return BlockCorruption(data->path_, bytes.size(), "the file does not end with a footer");
  }
  data->footer_ = *footer;
  const uint64_t offset = footer->directory_offset;
  const std::string_view directory =
      bytes.substr(offset, bytes.size() - kBlockFooterBytes - offset);
  if (BlockChecksum(directory, offset) != footer->directory_checksum) {
    return BlockCorruption(data->path_, offset, "the directory's checksum does not match");
  }
  data->directory_ = BlockDirectory::Parse(directory, offset);
  if (!data->directory_.has_value()) {
    return BlockCorruption(data->path_, offset, "a malformed directory");
  }
  data->states_ = std::vector<std::atomic<State>>(data->directory_->extents().size());
  return data;
}

Result<std::string_view> BlockData::Load(size_t extent, Inflater& inflater,
                                         std::string& inflated) const {
  const ExtentEntry& entry = directory_->extents()[extent];
  const std::string_view stored = contents_->bytes().substr(entry.offset, entry.stored_bytes);
  if (!Check(extent, stored)) return Damaged(extent, "the checksum does not match");
  if (!entry.compressed) return stored;
  if (!inflater.Inflate(stored, entry.bytes, inflated)) return Damaged(extent, "does not inflate");
  return inflated;
}

std::unexpected<Error> BlockData::Damaged(size_t extent, std::string_view what) const {
  return BlockCorruption(path_, directory_->extents()[extent].offset,
                         std::string("extent: ").append(what));
}

bool BlockData::Check(size_t extent, std::string_view stored) const {
  const ExtentEntry& entry = directory_->extents()[extent];
  std::atomic<State>& state = states_[extent];
  State known = state.load(std::memory_order_relaxed);
  if (known == State::kUnchecked) {
    known = BlockChecksum(stored, entry.offset) == entry.checksum ? State::kGood : State::kBad;
    state.store(known, std::memory_order_relaxed);
  }
  return known == State::kGood;
}

}  // namespace barograph::tsdb
