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

/// Puts the parts of a series together. Keeps its buffers between calls, and the timestamps too
/// while series after series has the same. One thread at a time.
class SeriesMerge {
 public:
  /// `parts` are in rising precedence: of samples at one time the later part's is taken. The spans
  /// live until the next call, and as long as those of the parts do. The result's
  /// timestamp_column is 0: see `key`.
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

 private:
  SeriesSamples Concatenate(std::span<const SeriesPart> parts);
  SeriesSamples Interleave(std::span<const SeriesPart> parts);
  void AppendHistogram(const SeriesSamples& samples, size_t index);
  void HintAnew();
  SeriesSamples Result() const;

  std::vector<SeriesPart> order_;  // those that are not empty, by time
  Key key_;
  Key timestamps_key_;  // whose timestamps timestamps_ holds
  bool has_histograms_ = false;
  std::vector<Timestamp> timestamps_;
  std::vector<double> values_;
  std::vector<const FloatHistogram*> histograms_;
  std::vector<FloatHistogram> hinted_;
  std::vector<FloatHistogram*> hinted_pointers_;
  std::vector<size_t> next_;
};

}  // namespace barograph::tsdb
