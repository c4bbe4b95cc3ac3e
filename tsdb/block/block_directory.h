#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/model/sample.h"
#include "tsdb/block/block_format.h"

/// What stands where in a block's data file. docs/formats/block.md explains the bytes.
namespace barograph::tsdb {

struct ExtentEntry {
  ExtentKind kind = ExtentKind::kSamples;
  bool compressed = false;
  uint64_t count = 0;         ///< series, columns or sets
  uint64_t stored_bytes = 0;  ///< as they are in the file
  uint64_t bytes = 0;         ///< inflated
  uint64_t checksum = 0;      ///< of the stored bytes

  // Not stored, but added up.
  uint64_t offset = 0;  ///< in the file
  uint64_t first = 0;   ///< the position of its first series, or the number of what comes first
};

/// Appends the directory of a block. `ids` are the series' by position. False where one id is
/// there twice.
bool AppendDirectory(size_t run_rows, std::span<const ExtentEntry> extents,
                     std::span<const SeriesId> ids, std::string& out);

/// Reads the bytes in place. Thread-safe.
class BlockDirectory {
 public:
  /// The directory in `bytes`, which stand at `offset` of the file and must outlive it. nullopt
  /// where they are malformed, or extents do not cover the file up to the directory.
  static std::optional<BlockDirectory> Parse(std::string_view bytes, uint64_t offset);

  size_t run_rows() const { return run_rows_; }
  uint64_t series() const { return series_; }
  uint64_t columns() const { return Total(ExtentKind::kColumns); }
  std::span<const ExtentEntry> extents() const { return extents_; }
  size_t bytes() const { return bytes_; }

  /// To look for many, see PositionFinder.
  std::optional<uint64_t> PositionOf(SeriesId id) const;

  /// The lowest id above `id`.
  std::optional<SeriesId> FirstIdAbove(SeriesId id) const;

  /// The extent (by index) of this kind with the series at a position, or the column or set of a
  /// number; nullopt where there is none.
  std::optional<size_t> ExtentOf(ExtentKind kind, uint64_t number) const;

  /// All ids, ascending, and their positions in parallel. False where the bytes are malformed.
  bool ReadAll(std::vector<SeriesId>& ids, std::vector<uint64_t>& positions) const;

 private:
  /// Up to kDirectoryPiece series, ascending.
  struct Piece {
    size_t count = 0;
    uint64_t ids[kDirectoryPiece];
    uint64_t positions[kDirectoryPiece];
  };

  friend class PositionFinder;

  BlockDirectory() = default;
  const char* ParseExtents(const char* in, const char* end);
  bool AddUp(uint64_t directory_offset);
  uint64_t Total(ExtentKind kind) const { return totals_[static_cast<size_t>(kind)]; }
  size_t pieces() const { return (series_ + kDirectoryPiece - 1) / kDirectoryPiece; }
  uint64_t FirstId(size_t piece) const;
  size_t PiecesUpTo(uint64_t id) const;
  bool ReadPiece(size_t index, Piece& piece) const;

  size_t run_rows_ = 0;
  uint64_t series_ = 0;
  size_t bytes_ = 0;
  std::vector<ExtentEntry> extents_;
  std::array<uint64_t, kExtentKinds> totals_{};              // of what each kind counts
  std::array<std::vector<uint32_t>, kExtentKinds> by_kind_;  // indices, ascending
  const char* index_ = nullptr;                              // a fixed-size entry a piece
  std::string_view pieces_bytes_;
};

/// Finds positions one after the other: those of ids that are near each other are decoded once. One
/// thread at a time.
class PositionFinder {
 public:
  /// `directory` outlives it.
  explicit PositionFinder(const BlockDirectory& directory) : directory_(directory) {}

  /// As BlockDirectory::PositionOf.
  std::optional<uint64_t> PositionOf(SeriesId id);

 private:
  const BlockDirectory& directory_;
  size_t index_ = ~size_t{0};  // of the piece that is decoded
  BlockDirectory::Piece piece_;
};

}  // namespace barograph::tsdb
