#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/model/labels.h"
#include "tsdb/block/text_list.h"
#include "tsdb/chunk/run_encoder.h"

namespace barograph::tsdb {

/// What the labels of a block's series become: two kinds of extents. The series of a target differ
/// mostly in their metric, so what is beside the metric's name is a *set*, stored once and numbered
/// through the file; a series is its metric and the number of its set. In the order of (metric
/// name, labels) the numbers of successive series are mostly one apart, and take next to nothing.
///
/// Remembers the latest sets, in bounded memory; one that it forgot is written once more. One
/// thread at a time. docs/formats/block.md explains the bytes.
class LabelBuilder {
 public:
  struct Options {
    size_t max_set_bytes = size_t{256} << 10;  ///< of texts, an extent
    size_t max_series = 8192;                  ///< an extent
    size_t remembered_sets = size_t{1} << 20;  ///< some 30 bytes each
  };

  explicit LabelBuilder(Options options);

  /// Takes the labels of the next series.
  void Add(const Labels& labels);

  /// Sets, or series, that are in no extent yet.
  size_t sets() const { return sets_.count(); }
  size_t series() const { return set_numbers_.size(); }

  /// Whether it is time for an extent.
  bool sets_full() const { return sets_.text_bytes() >= options_.max_set_bytes; }
  bool series_full() const {
    return series() >= options_.max_series || metrics_.text_bytes() >= options_.max_set_bytes;
  }

  /// Appends the extent to `out`, and starts another.
  void TakeSets(RunEncoder& encoder, std::string& out);
  void TakeSeries(RunEncoder& encoder, std::string& out);

 private:
  using Hash = std::array<uint64_t, 2>;
  struct HashOfHash {
    size_t operator()(const Hash& hash) const { return hash[0]; }
  };
  using Numbers = boost::unordered_flat_map<Hash, uint64_t, HashOfHash>;

  uint64_t NumberOf(std::string_view set);
  void Remember(const Hash& hash, uint64_t number);

  const Options options_;
  const uint64_t seed_;
  std::array<Numbers, 2> numbers_;  // by set; the present ones, and those before
  uint64_t next_number_ = 0;
  TextListBuilder sets_;

  TextListBuilder metrics_;              // each once a stretch of its series
  std::vector<uint64_t> metric_series_;  // parallel: how many those are
  std::string metric_;                   // the last one
  std::vector<uint64_t> set_numbers_;    // by series
  std::string set_;                      // working memory
};

}  // namespace barograph::tsdb
