#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "tsdb/block/block_directory.h"
#include "tsdb/block/block_format.h"

struct ZSTD_DCtx_s;

namespace barograph::tsdb {

/// The working memory of decompression, made when it is first needed. One thread at a time.
class Inflater {
 public:
  Inflater();
  ~Inflater();
  Inflater(Inflater&&) = default;
  Inflater& operator=(Inflater&&) = default;

  /// Replaces `out` by what `bytes` (one zstd frame) inflate to. False where that is not `size`.
  bool Inflate(std::string_view bytes, size_t size, std::string& out);

 private:
  struct Free {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_DCtx_s, Free> context_;
};

/// A block's data file, mapped, and its directory. Thread-safe.
class BlockData {
 public:
  /// Checks the footer and the directory. Corruption names file and offset; InvalidArgument where
  /// the block is of another version of the format.
  static Result<std::shared_ptr<const BlockData>> Open(FileSystem& files, std::string path);

  const std::string& path() const { return path_; }
  const BlockDirectory& directory() const { return *directory_; }
  const BlockFooter& footer() const { return footer_; }
  size_t bytes() const { return contents_->bytes().size(); }

  /// An extent, inflated: in `inflated` where it is compressed, else where it lies in the map. Its
  /// checksum is computed by whoever comes first. Corruption names file and offset.
  Result<std::string_view> Load(size_t extent, Inflater& inflater, std::string& inflated) const;

  /// What was read of the file needs no memory any more, until it is read again.
  void Release() const { contents_->Release(); }

  /// Corruption of this extent.
  std::unexpected<Error> Damaged(size_t extent, std::string_view what) const;

 private:
  enum class State : uint8_t { kUnchecked, kGood, kBad };

  BlockData() = default;
  bool Check(size_t extent, std::string_view stored) const;

  std::string path_;
  std::unique_ptr<FileContents> contents_;
  BlockFooter footer_;
  std::optional<BlockDirectory> directory_;
  mutable std::vector<std::atomic<State>> states_;  // by extent
};

/// The few extents that a reader used last, inflated and taken apart. One thread at a time.
template <typename Parsed>
class RecentExtents {
 public:
  RecentExtents(const BlockData& data, size_t capacity) : data_(data), slots_(capacity) {}

  /// The extent, which stays where it is until `capacity` others were asked for.
  Result<const Parsed*> Get(size_t extent, Inflater& inflater) {
    Slot* oldest = slots_.data();
    for (Slot& slot : slots_) {
      if (slot.used > 0 && slot.extent == extent) {
        slot.used = ++clock_;
        return &slot.parsed;
      }
      if (slot.used < oldest->used) oldest = &slot;
    }
    oldest->used = 0;
    const std::string_view bytes = TRY(data_.Load(extent, inflater, oldest->inflated));
    if (!oldest->parsed.Parse(bytes, data_.directory().extents()[extent].count)) {
      return data_.Damaged(extent, "malformed");
    }
    oldest->extent = extent;
    oldest->used = ++clock_;
    return &oldest->parsed;
  }

 private:
  struct Slot {
    size_t extent = 0;
    uint64_t used = 0;  ///< 0 is empty
    std::string inflated;
    Parsed parsed;
  };

  const BlockData& data_;
  std::vector<Slot> slots_;
  uint64_t clock_ = 0;
};

}  // namespace barograph::tsdb
