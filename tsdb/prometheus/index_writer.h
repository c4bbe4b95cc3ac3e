#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/model/labels.h"
#include "tsdb/prometheus/index_reader.h"
#include "tsdb/prometheus/output_file.h"

namespace barograph::tsdb::prometheus {

/// Writes a block's index in format version 2 (prometheus/tsdb/docs/format/index.md). The symbols
/// come first in the file and are only known at the end, so that series wait in a temporary file
/// beside it. Memory: each label name and value once, an entry for each pair of both, and four
/// bytes for each label of each series. Not thread-safe.
class IndexWriter {
 public:
  static Result<IndexWriter> Create(FileSystem& files, const std::string& path);

  /// Series in strictly ascending label order; each has a chunk at least.
  Status Add(const Labels& labels, const std::vector<ChunkMeta>& chunks);

  /// Writes the index and makes its content durable; removes the temporary file.
  Status Finish();

 private:
  // A label name and value that occur together, by their symbols.
  struct Pair {
    uint32_t name;
    uint32_t value;
    uint32_t series = 0;  // how many have it
  };

  IndexWriter(FileSystem& files, std::string path, OutputFile waiting)
      : files_(files), path_(std::move(path)), waiting_(std::move(waiting)) {}

  std::string WaitingPath() const { return path_ + ".series"; }
  uint32_t SymbolOf(std::string_view text);
  uint32_t PairOf(const Label& label);

  void SortSymbols();
  void SortPairs();
  Status WriteSymbols(OutputFile& out) const;
  Status WriteSeries(OutputFile& out);
  Result<std::vector<uint64_t>> WriteLabelIndexes(OutputFile& out) const;
  Status WritePostings(OutputFile& out) const;
  Status WriteLabelOffsets(OutputFile& out, const std::vector<uint64_t>& offsets) const;
  Status WritePostingsOffsets(OutputFile& out, uint64_t postings) const;

  // Calls visit(begin, end) for the pairs of each name, as positions in order_.
  template <typename Visit>
  Status ForEachName(Visit&& visit) const;

  // Calls visit(name, value, postings offset) for each entry of the postings table.
  template <typename Visit>
  Status ForEachPostings(uint64_t first_offset, Visit&& visit) const;

  const Pair& pair(size_t position) const { return pairs_[order_[position]]; }

  FileSystem& files_;
  std::string path_;
  OutputFile waiting_;
  std::deque<std::string> symbols_;
  boost::unordered_flat_map<std::string_view, uint32_t> symbol_ids_;
  std::vector<Pair> pairs_;
  boost::unordered_flat_map<uint64_t, uint32_t> pair_ids_;  // name in the upper half

  // From Finish on.
  std::vector<uint32_t> sorted_symbols_;
  std::vector<uint32_t> rank_;         // of each symbol: its number in the file
  std::vector<uint32_t> order_;        // pairs by name and value
  std::vector<uint64_t> postings_at_;  // of each pair: where in postings_ its next series goes
  std::vector<uint32_t> postings_;     // series by pair
  std::vector<uint32_t> all_series_;
};

}  // namespace barograph::tsdb::prometheus
