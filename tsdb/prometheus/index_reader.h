#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/model/labels.h"
#include "base/time.h"

namespace barograph::tsdb::prometheus {

/// Where a chunk lies, and the times of its first and last sample.
struct ChunkMeta {
  Timestamp min_time;
  Timestamp max_time;
  uint64_t reference = 0;
};

struct IndexedSeries {
  uint64_t reference = 0;  ///< what tombstones call it
  Labels labels;
  std::vector<ChunkMeta> chunks;
};

/// The index of a block, mapped: format versions 1 and 2 (prometheus/tsdb/docs/format/index.md).
/// Opening checks and reads symbols and the tables of contents; of the symbols every 32nd is
/// remembered, everything else is read where it lies. Thread-safe.
class IndexReader {
 public:
  static Result<IndexReader> Open(FileSystem& files, const std::string& path);

  size_t series_count() const { return references_.size() / sizeof(uint32_t); }

  /// Series in label order, from 0. Corruption when it is broken; others may be read all the same.
  /// Precondition: index < series_count().
  Result<IndexedSeries> Series(size_t index) const;

 private:
  IndexReader() = default;
  Status ReadContents();
  Status ReadSymbols(uint64_t offset);
  Status ReadAllPostings(uint64_t table_offset);

  // The checked content of a section that stands behind its length at `offset`.
  Result<std::string_view> Section(uint64_t offset, std::string_view what) const;
  Result<std::string_view> SeriesEntry(uint64_t offset) const;
  bool Symbol(uint64_t reference, std::string_view& symbol) const;
  uint64_t OffsetOf(std::string_view part) const {
    return static_cast<uint64_t>(part.data() - bytes_.data());
  }

  std::string path_;
  std::unique_ptr<FileContents> contents_;
  std::string_view bytes_;
  int version_ = 0;
  std::string_view symbols_;  // the section's content
  uint32_t symbol_count_ = 0;
  std::vector<uint32_t> symbol_offsets_;  // of every 32nd, in symbols_; version 2
  std::string_view references_;           // of all series, ascending, four bytes each
};

}  // namespace barograph::tsdb::prometheus
