#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/storage/appendable.h"
#include "tsdb/head/write_path.h"
#include "tsdb/wal/record.h"

namespace barograph::tsdb {

/// Appends samples of any series, in any order. A commit is one write to the log. The appender must
/// end before the path does.
///
/// A sample that is newer than all of its series is always in order; older ones are taken unless
/// the path's out-of-order window is set, and they are older than it says.
class LoneAppender : public Appender {
 public:
  explicit LoneAppender(WritePath& path) : path_(path) {}

  Result<SeriesId> Resolve(const Labels& labels) override;
  using Appender::Append;
  void Append(SeriesId series, Sample sample, Timestamp start) override;
  void AppendHistogram(SeriesId series, Timestamp timestamp, const FloatHistogram& histogram,
                       Timestamp start) override;

  /// A zero where a sample at `before`, which comes next, began, under the conditions of
  /// Options::zeros_at_start_timestamps (tsdb/database.h). Nothing is counted. Of `own_table` the
  /// caller knows that it has nothing newer.
  void AppendZero(SeriesId series, Timestamp start, Timestamp before,
                  std::optional<uint32_t> own_table);

  /// InvalidArgument, and nothing is appended, when a series is not one that Resolve gave, or a
  /// histogram's buckets do not go with its spans or are more than kMaxHistogramBuckets.
  Result<AppendReport> Commit() override;

 private:
  struct Collected {
    SeriesId series;
    LonePoint point;  ///< its histogram is in histograms_
    Timestamp start = kUnknownStart;
  };

  struct Zero {
    SeriesId series;
    LonePoint point;  ///< its histogram is in histograms_
    Timestamp before;
    std::optional<uint32_t> own_table;
  };

  /// What of this commit is accepted.
  class Accepted {
   public:
    /// What the samples before say to this one; null when they have nothing at its time.
    const LonePoint* At(SeriesId series, Timestamp timestamp);
    /// Whether one of the samples before is newer.
    bool HasNewer(SeriesId series, Timestamp timestamp) const;
    void Add(const Collected& sample);

    std::vector<Collected> samples;

   private:
    using Key = std::pair<uint64_t, int64_t>;
    boost::unordered_flat_map<uint64_t, Timestamp> newest_;  // by series
    boost::unordered_flat_map<Key, size_t> by_time_;         // of the first `indexed_` samples
    size_t indexed_ = 0;
  };

  Status CheckCollected() const;
  Accepted TakeAcceptable(AppendReport& report);
  void TakeZeroOf(const Collected& sample, Accepted& accepted);
  bool TakesZero(const Zero& zero, const Accepted& accepted) const;
  LoneVerdict Judge(const Collected& sample, Accepted& accepted) const;
  Status Write(const Accepted& accepted);
  static std::vector<std::string> StartPayloads(const Accepted& accepted);
  void Store(const Collected& sample);

  WritePath& path_;
  std::vector<Collected> samples_;
  std::vector<Zero> zeros_;
  std::deque<FloatHistogram> histograms_;
  bool well_formed_ = true;
};

}  // namespace barograph::tsdb
