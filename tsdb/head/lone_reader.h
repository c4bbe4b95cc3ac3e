#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/storage/queryable.h"
#include "tsdb/chunk/value_codec.h"
#include "tsdb/head/lone_store.h"

namespace barograph::tsdb {

/// Reads the floats of lone series, one series after the other. Series of one sender have the same
/// timestamps, encoded to the same bytes: those are then compared, and not decoded. One thread at a
/// time.
class LoneReader {
 public:
  /// `last_column` numbers columns of timestamps, for all readers of a selection. `presence_only`
  /// as in SelectHints.
  LoneReader(const LoneStore& store, TimeRange range, uint64_t min_generation,
             std::atomic<uint64_t>& last_column, bool presence_only)
      : store_(store),
        range_(range),
        min_generation_(min_generation),
        last_column_(last_column),
        decode_(presence_only ? DecodeMarkers : DecodeValues) {}

  /// The spans live until the next call. nullopt where the series has late samples or native
  /// histograms, which LoneStore::Read puts in order.
  Result<std::optional<SeriesSamples>> Read(SeriesId series);

 private:
  /// Which samples of a piece are in the range, and how many it has.
  struct Slice {
    size_t begin;
    size_t end;
    size_t size;
  };

  /// Timestamps of series, decoded.
  struct Times {
    std::string key;  ///< as they are stored
    std::vector<Timestamp> timestamps;
    std::vector<Slice> slices;  ///< by piece
    bool ascend = false;
    uint64_t column = 0;
  };

  /// A query takes the series of some senders in turn, as the groups of an aggregation do.
  static constexpr size_t kKnownTimes = 64;

  bool MakeKey();
  Result<const Times*> FindTimes();
  Status DecodeTimes(Times& times) const;
  void TakeTimes(std::span<const Timestamp> timestamps, Times& times) const;
  Status DecodeValuesOf(const Times& times);

  const LoneStore& store_;
  const TimeRange range_;
  const uint64_t min_generation_;
  std::atomic<uint64_t>& last_column_;
  const DecodeRun decode_;

  LonePieces pieces_;
  std::vector<LoneRunStreams> streams_;
  std::string key_;  // the timestamps as they are stored

  std::vector<Times> known_;   // those that came last
  size_t last_known_ = 0;      // of the series before
  size_t next_forgotten_ = 0;  // once there are kKnownTimes

  std::vector<double> values_;
  std::vector<double> piece_;
};

}  // namespace barograph::tsdb
