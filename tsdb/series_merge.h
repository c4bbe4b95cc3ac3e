#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/storage/queryable.h"

namespace barograph::tsdb {

/// A series' samples from one place. `source` numbers the places of a selection: two parts of one
/// source with the same non-zero timestamp_column have the same timestamps.
struct SeriesPart {
  uint32_t source = 0;
  SeriesSamples samples;
};

/// Puts the parts of a series together. Keeps its buffers between calls, and the timestamps of some
/// keys too: the series of some targets come in turn. One thread at a time.
class SeriesMerge {
 public:
  /// `parts` are in rising precedence: of samples at one time the later part's is taken. The spans
  /// live until the next call, and as long as those of the parts do. Values that lie one part
  /// behind the other, in the order of time, are not copied. The result's timestamp_column is 0:
  /// see `key`.
  SeriesSamples Merge(std::span<const SeriesPart> parts);

  /// Which timestamps the last result has: the parts' sources and columns, in time order; empty
  /// where they are nobody else's. Series with the same key have the same timestamps.
  struct KeyPart {
    uint32_t source;
    uint64_t column;
    auto operator<=>(const KeyPart&) const = default;
  };
  using Key = std::vector<KeyPart>;
  const Key& key() const { return key_; }

  /// Where the caller may keep a number for this key: 0 where nothing was kept or that is
  /// forgotten. Good until the next call. Precondition: key() is not empty.
  uint64_t& number() { return known_[last_known_].number; }

 private:
  /// What is remembered of a key.
  struct Known {
    Key key;
    std::vector<Timestamp> timestamps;  // where it has several parts
    uint64_t number = 0;
  };
  static constexpr size_t kKnownKeys = 256;
  static constexpr size_t kKnownTimestamps = size_t{512} * 1024;

  SeriesSamples Only(const SeriesPart& part);
  SeriesSamples Concatenate(std::span<const SeriesPart> parts);
  SeriesSamples Interleave(std::span<const SeriesPart> parts);
  std::span<const Timestamp> TimestampsOf(std::span<const SeriesPart> parts);
  std::span<const double> ValuesOf(std::span<const SeriesPart> parts);
  bool FindKey();
  void AppendHistogram(const SeriesSamples& samples, size_t index);
  void HintAnew();

  std::vector<SeriesPart> order_;    // those that are not empty
  std::vector<SeriesPart> by_time_;  // the same in the order of time
  Key key_;
  std::vector<Known> known_;
  size_t last_known_ = 0;        // that of key_
  size_t known_timestamps_ = 0;  // in known_
  bool has_histograms_ = false;
  std::vector<Timestamp> timestamps_;
  std::vector<double> values_;
  std::vector<const FloatHistogram*> histograms_;
  std::vector<FloatHistogram> hinted_;
  std::vector<FloatHistogram*> hinted_pointers_;
  std::vector<size_t> next_;
};

}  // namespace barograph::tsdb
