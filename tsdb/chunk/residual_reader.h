#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tsdb/chunk/dictionary.h"
#include "tsdb/chunk/expand.h"
#include "tsdb/chunk/pfor.h"
#include "tsdb/chunk/run_format.h"

/// Gives the residuals of a run block by block, whatever the kind that they are written in.
namespace barograph::tsdb {

inline constexpr size_t kResidualRoom = kBlockSize + kExpandSlack;

class ResidualReader {
 public:
  /// `stream` is what follows the run's header and outlives the reader; `count` is the number of
  /// residuals.
  ResidualReader(RunKind kind, std::string_view stream, size_t count);

  /// Reads the next `count` residuals, kBlockSize in each call but the last. False where the
  /// stream is malformed. `out` has room for kResidualRoom.
  bool Read(uint64_t* out, size_t count);

  /// Whether all bytes of the stream are used. To be asked after the last Read.
  bool AtEnd() const;

 private:
  bool ReadSparse(uint64_t* out, size_t count);
  bool ReadBitmap(uint64_t* out, size_t count);
  bool ReadDictionary(uint64_t* out, size_t count);
  bool ReadEntries();
  bool ReadChange();
  bool BufferNonzero(size_t wanted);

  RunKind kind_;
  const char* in_;
  const char* end_;
  bool valid_ = true;
  size_t position_ = 0;  // of the next residual

  // Sparse: the next change, if there is one.
  bool has_change_ = false;
  size_t change_position_ = 0;
  uint64_t change_ = 0;

  // Bitmap: the bits, and the non-zero residuals that are read but not yet placed.
  const char* bitmap_ = nullptr;
  size_t nonzero_left_ = 0;  // in blocks that are not read
  size_t buffer_begin_ = 0;
  size_t buffer_end_ = 0;
  std::array<uint64_t, 2 * kBlockSize + kExpandSlack> buffer_;

  // Dictionary.
  size_t entry_count_ = 0;
  std::array<uint64_t, kMaxDictionaryEntries> entries_;
};

}  // namespace barograph::tsdb
