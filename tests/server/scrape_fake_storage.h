#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/storage/appendable.h"
#include "base/storage/exemplars.h"

namespace barograph::test {

/// Storage that keeps what it is given as text, checks that columns are used as the contract says,
/// and refuses what it is told to. Thread-safe.
class FakeStorage final : public Appendable, public ExemplarAppendable {
 public:
  Result<std::unique_ptr<ScrapeTable>> OpenTable() override;
  std::unique_ptr<Appender> NewAppender() override;
  Result<std::vector<ExemplarVerdict>> AppendExemplars(
      std::span<const SeriesExemplar> exemplars) override;

  /// The series' samples as "1000=1 2000=stale"; empty for an unknown one.
  std::string Samples(const Labels& labels) const;
  /// The start timestamps of samples and histograms that have one, as "1000=500".
  std::string Starts(const Labels& labels) const;
  /// Its histograms as "1000={{...}}", in the notation of test scripts.
  std::string Histograms(const Labels& labels) const;
  /// The exemplars since the last call, as `up{job="a"} # {trace_id="x"} 1 @1000`, with a question
  /// mark where the time is the sample's.
  std::vector<std::string> TakeExemplars();
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
  /// What becomes of exemplars.
  void JudgeExemplars(ExemplarVerdict verdict);

 private:
  class Table;
  class Alone;
  struct OneSeries {
    Labels labels;
    std::vector<Sample> samples;
    std::vector<std::pair<Timestamp, FloatHistogram>> histograms;
    std::map<Timestamp, Timestamp> starts;  // of those that are known
  };

  Result<size_t> Resolve(const Labels& labels) REQUIRES(mutex_);
  void Append(size_t series, Sample sample, Timestamp start, AppendReport& report) REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::vector<OneSeries> series_ GUARDED_BY(mutex_);
  std::map<Labels, size_t> by_labels_ GUARDED_BY(mutex_);
  std::optional<size_t> limit_ GUARDED_BY(mutex_);
  std::optional<Error> row_error_ GUARDED_BY(mutex_);
  std::optional<Error> commit_error_ GUARDED_BY(mutex_);
  std::vector<std::string> exemplars_ GUARDED_BY(mutex_);
  ExemplarVerdict exemplar_verdict_ GUARDED_BY(mutex_) = ExemplarVerdict::kAppended;
  size_t rows_ GUARDED_BY(mutex_) = 0;
  int columns_ GUARDED_BY(mutex_) = 0;
};

}  // namespace barograph::test
