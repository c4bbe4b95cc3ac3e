#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/time.h"

namespace barograph::tsdb {

/// The columns of timestamps that a block writer has written, to find those that come again: as
/// they were, or some of their rows (a series that began later than its target, or missed a
/// scrape). Remembers the latest, in bounded memory; what it forgot is written once more.
/// One thread at a time.
class ColumnCatalog {
 public:
  struct Options {
    size_t piece_rows = 480;
    size_t memory_bytes = size_t{32} << 20;

    /// Columns are looked for by the first of their timestamps in each stretch of this length.
    Duration anchor_step = std::chrono::minutes(4);
  };

  explicit ColumnCatalog(Options options);

  /// The number of the column with these timestamps (which ascend strictly; there are some). Where
  /// it is a new one, numbered `next`, its bytes are appended to `out`. The same `identity`, unless
  /// it is 0, always comes with the same timestamps.
  uint64_t Find(std::span<const Timestamp> timestamps, uint64_t identity, uint64_t next,
                std::string& out);

 private:
  using Hash = std::array<uint64_t, 2>;
  struct HashOfHash {
    size_t operator()(const Hash& hash) const { return hash[0]; }
  };

  /// What was seen in one stretch of the block; two are kept.
  struct Generation {
    boost::unordered_flat_map<uint64_t, uint64_t> by_identity;
    boost::unordered_flat_map<Hash, uint64_t, HashOfHash> by_content;
    boost::unordered_flat_map<Timestamp::rep, uint64_t> by_anchor;
    boost::unordered_flat_map<uint64_t, std::string> columns;  ///< own columns, encoded
    size_t bytes = 0;
  };

  /// Some rows of a column: which, and where among its rows they lie.
  struct Rows {
    uint64_t column = 0;
    uint64_t first = 0;
    std::string bits;  ///< from `first` on; empty where the rows are successive
  };

  Hash HashOf(std::span<const Timestamp> timestamps) const;
  std::optional<uint64_t> FindContent(const Hash& hash);
  std::optional<Rows> FindRows(std::span<const Timestamp> timestamps);
  std::optional<Rows> RowsIn(uint64_t column, std::span<const Timestamp> timestamps);
  std::span<const Timestamp> Decode(uint64_t column);
  void Append(std::span<const Timestamp> timestamps, uint64_t number, std::string& out);
  void Remember(std::span<const Timestamp> timestamps, uint64_t number, std::string_view bytes);
  void Count(size_t bytes);

  template <typename Visit>
  void ForEachAnchor(std::span<const Timestamp> timestamps, Visit visit) const;

  const Options options_;
  const uint64_t seed_;
  std::array<Generation, 2> generations_;  // the present one first

  // The column that was decoded last.
  std::optional<uint64_t> decoded_column_;
  std::vector<Timestamp> decoded_;
};

}  // namespace barograph::tsdb
