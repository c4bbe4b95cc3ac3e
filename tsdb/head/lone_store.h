#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/model/sample.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/time.h"
#include "tsdb/chunk/value_codec.h"

namespace barograph::tsdb {

/// Samples in two columns; what a series decodes to.
struct SampleColumns {
  std::vector<Timestamp> timestamps;
  std::vector<double> values;

  void clear() {
    timestamps.clear();
    values.clear();
  }
  size_t size() const { return timestamps.size(); }
};

/// Samples of series that come one at a time: from rules, remote write or with timestamps of their
/// own. Each series has its own timestamps, appended in order and sealed into chunks of
/// kRunSamples.
///
/// Thread-safe. Writers of one series must take turns between Check and Append.
class LoneStore {
 public:
  static constexpr size_t kRunSamples = 120;

  enum class Verdict : uint8_t {
    kAccepted,
    kRepeated,    ///< the newest sample once more: nothing to do
    kDuplicate,   ///< the newest sample's timestamp with another value
    kOutOfOrder,  ///< older than the newest sample
  };

  /// What Append may do with the sample.
  Verdict Check(SeriesId series, Sample sample) const;

  struct Appended {
    bool sample = false;  ///< false when Check would not accept it
    bool first = false;   ///< of its series
    bool sealed_chunk = false;
  };

  /// Makes the sample visible.
  Appended Append(SeriesId series, Sample sample);

  /// Whether the series may have samples in the range.
  bool Overlaps(SeriesId series, TimeRange range) const;

  /// Appends the samples in the range to `out`, in time order.
  Status Read(SeriesId series, TimeRange range, SampleColumns& out) const;

 private:
  struct Run {
    TimeRange range;
    size_t timestamp_bytes = 0;
    std::string bytes;  // kRunSamples timestamps, then as many values
  };
  struct Series {
    std::vector<std::shared_ptr<const Run>> runs;
    SampleColumns tail;  // never empty once there was a sample
  };
  struct Shard {
    mutable SharedMutex mutex;
    boost::unordered_flat_map<uint64_t, Series> series GUARDED_BY(mutex);
    ValueEncoder encoder GUARDED_BY(mutex);
  };

  static Verdict CheckAgainst(const Series& series, Sample sample);
  static void Seal(Series& series, ValueEncoder& encoder);
  static Status ReadRun(const Run& run, TimeRange range, SampleColumns& out);
  Shard& ShardOf(SeriesId series) { return shards_[static_cast<uint64_t>(series) % kShards]; }
  const Shard& ShardOf(SeriesId series) const {
    return shards_[static_cast<uint64_t>(series) % kShards];
  }

  static constexpr size_t kShards = 32;
  std::array<Shard, kShards> shards_;
};

}  // namespace barograph::tsdb
