#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/storage/appendable.h"

namespace barograph::test {

/// Storage that keeps what it is given as text, checks that columns are used as the contract says,
/// and refuses what it is told to. Thread-safe.
class FakeStorage final : public Appendable {
 public:
  Result<std::unique_ptr<ScrapeTable>> OpenTable() override;
  std::unique_ptr<Appender> NewAppender() override;

  /// The series' samples as "1000=1 2000=stale"; empty for an unknown one.
  std::string Samples(const Labels& labels) const;
  /// Its histograms as "1000={{...}}", in the notation of test scripts.
  std::string Histograms(const Labels& labels) const;
  std::vector<std::string> Series() const;
  size_t rows() const;

  /// How many columns are in use, over all tables.
  int columns() const;

  /// No series beyond that many.
  void LimitSeries(size_t limit);
  /// Rows fail with this.
  void FailRows(std::optional<Error> error);
  /// Commits of appenders fail with this.
  void FailCommits(std::optional<Error> error);

 private:
  class Table;
  class Alone;
  struct OneSeries {
    Labels labels;
    std::vector<Sample> samples;
    std::vector<std::pair<Timestamp, FloatHistogram>> histograms;
  };

  Result<size_t> Resolve(const Labels& labels) REQUIRES(mutex_);
  void Append(size_t series, Sample sample, AppendReport& report) REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::vector<OneSeries> series_ GUARDED_BY(mutex_);
  std::map<Labels, size_t> by_labels_ GUARDED_BY(mutex_);
  std::optional<size_t> limit_ GUARDED_BY(mutex_);
  std::optional<Error> row_error_ GUARDED_BY(mutex_);
  std::optional<Error> commit_error_ GUARDED_BY(mutex_);
  size_t rows_ GUARDED_BY(mutex_) = 0;
  int columns_ GUARDED_BY(mutex_) = 0;
};

}  // namespace barograph::test
