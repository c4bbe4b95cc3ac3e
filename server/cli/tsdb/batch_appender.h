#pragma once

#include <memory>
#include <string>

#include "base/storage/appendable.h"

namespace barograph::server::cli {

/// Appends without end through an Appender, which it commits whenever a batch is full, so that
/// memory stays bounded. Not thread-safe.
class BatchAppender {
 public:
  static constexpr size_t kBatchSamples = 65'536;

  explicit BatchAppender(Appendable& storage) : appender_(storage.NewAppender()) {}

  Result<SeriesId> Resolve(const Labels& labels) { return appender_->Resolve(labels); }
  Status Append(SeriesId series, Sample sample);
  Status AppendHistogram(SeriesId series, Timestamp timestamp, const FloatHistogram& histogram);

  /// Commits the rest.
  Status Finish();

  /// What became of all that was committed.
  const AppendReport& total() const { return total_; }

 private:
  Status Count();

  std::unique_ptr<Appender> appender_;
  size_t pending_ = 0;
  AppendReport total_;
};

/// "1000 samples appended; refused: 2 out of order, 1 with another value".
std::string Describe(const AppendReport& report);

}  // namespace barograph::server::cli
