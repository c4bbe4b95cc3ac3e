#pragma once

#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/storage/appendable.h"
#include "tsdb/head/write_path.h"
#include "tsdb/wal/record.h"

namespace barograph::tsdb {

/// Appends samples of any series. A commit is one write to the log. The appender must end before
/// the path does.
class LoneAppender : public Appender {
 public:
  explicit LoneAppender(WritePath& path) : path_(path) {}

  Result<SeriesId> Resolve(const Labels& labels) override;
  void Append(SeriesId series, Sample sample) override { samples_.push_back({series, sample}); }
  void AppendHistogram(SeriesId, Timestamp, const FloatHistogram&) override {
    has_histograms_ = true;
  }

  /// InvalidArgument, and nothing is appended, when a series is not one that Resolve gave, or when
  /// there are native histograms, which the head does not keep.
  Result<AppendReport> Commit() override;

 private:
  using Newest = boost::unordered_flat_map<uint64_t, Sample>;

  Status CheckSeries() const;
  std::vector<wal::LoneSample> TakeAcceptable(AppendReport& report) const;
  LoneStore::Verdict Judge(const wal::LoneSample& sample, Newest& newest) const;
  Status Write(const std::vector<wal::LoneSample>& samples);
  void Store(const wal::LoneSample& sample);

  WritePath& path_;
  std::vector<wal::LoneSample> samples_;
  bool has_histograms_ = false;
};

}  // namespace barograph::tsdb
