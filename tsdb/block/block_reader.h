#pragma once

#include <cstddef>
#include <memory>

#include "base/model/sample.h"
#include "base/result.h"
#include "base/storage/queryable.h"
#include "base/time.h"
#include "tsdb/block/block.h"
#include "tsdb/value_buffer.h"

namespace barograph::tsdb {

class Inflater;

struct BlockReaderOptions {
  /// Extents kept inflated and parsed, and timestamps kept decoded.
  size_t cached_extents = 8;
  size_t cached_timestamps = 128 * 1024;
  bool presence_only = false;  ///< as in SelectHints

  /// Working memory that some readers share, of one thread and for longer than they live; null is
  /// one of its own.
  Inflater* inflater = nullptr;
};

/// Decodes the series of a block. One thread at a time; make one a thread. Keeps the block alive.
class BlockReader {
 public:
  explicit BlockReader(std::shared_ptr<const Block> block, BlockReaderOptions options = {});
  ~BlockReader();
  BlockReader(BlockReader&&) noexcept;
  BlockReader& operator=(BlockReader&&) noexcept;

  /// The samples of `range` that are not deleted; none for a series that the block does not have.
  /// Only the runs that overlap are decoded. Histograms have the hints that HintCounterResets finds
  /// for their neighbours in a run; the first of a run is not known to go on from any.
  /// `timestamp_column` is comparable among reads of this block with one range. The spans live
  /// until the next call or the reader's end. Corruption names file and offset, and concerns only
  /// what lies in that extent: the reader stays usable.
  Result<SeriesSamples> Read(SeriesId id, TimeRange range);

  /// The same, with the values behind those that `values` has: that buffer grows by them, and they
  /// live there. After an error what is behind is unspecified.
  Result<SeriesSamples> Read(SeriesId id, TimeRange range, ValueBuffer& values);

  const Block& block() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace barograph::tsdb
