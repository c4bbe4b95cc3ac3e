#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "base/storage/queryable.h"
#include "base/time.h"
#include "promql/exec/annotator.h"
#include "promql/exec/series.h"

/// What the operators of one query share: storage, limits, and what they report.
namespace barograph::promql {

/// What a selector reads: the matchers and all times that the query needs of it. Selectors with
/// the same matchers share one.
struct SelectionSpec {
  Matchers matchers;
  TimeRange range;
  SelectHints hints;
};

/// When a query must end. `deadline` is in the clock's monotonic time.
struct QueryLimits {
  std::chrono::nanoseconds deadline;
  std::stop_token stop;
  uint64_t max_samples;
};

/// Not thread-safe: one query, one thread.
class QueryContext {
 public:
  QueryContext(const Queryable& storage, const Clock& clock, QueryLimits limits, Naming naming,
               std::vector<SelectionSpec> selections);

  Naming naming() const { return naming_; }
  Annotator& annotations() { return annotations_; }

  /// The series of selection `index`; storage is asked once.
  struct Selected {
    std::unique_ptr<Selection> selection;
    std::vector<const Labels*> labels;
  };
  Result<const Selected*> Select(size_t index);

  /// Labels that live as long as the query.
  const Labels* Keep(Labels labels) { return &kept_labels_.emplace_back(std::move(labels)); }

  /// To be called for every series with the samples touched: Timeout or Cancelled, looked up
  /// whenever enough work was done since the last time, a fraction of a millisecond.
  Status Work(size_t samples) {
    work_ += samples + kWorkPerCall;
    return work_ < kWorkPerCheck ? Status() : Check();
  }
  Status Check();

  /// Counts samples that are now held in memory: LimitExceeded over max_samples.
  Status Hold(size_t samples);
  void Release(size_t samples) { held_ -= samples; }

  /// Counts samples looked at, for the statistics.
  void CountSamples(uint64_t samples) { total_samples_ += samples; }
  uint64_t total_samples() const { return total_samples_; }
  uint64_t peak_samples() const { return peak_; }
  uint64_t max_samples() const { return limits_.max_samples; }

 private:
  static constexpr size_t kWorkPerCall = 64;
  static constexpr size_t kWorkPerCheck = 1 << 17;

  const Queryable& storage_;
  const Clock& clock_;
  QueryLimits limits_;
  Naming naming_;
  std::vector<SelectionSpec> specs_;
  std::vector<Selected> selections_;  // a null selection was not asked for yet
  std::deque<Labels> kept_labels_;
  Annotator annotations_;
  size_t work_ = 0;
  uint64_t held_ = 0;
  uint64_t peak_ = 0;
  uint64_t total_samples_ = 0;
};

/// Samples that an operator holds: counted while this lives.
class HeldSamples {
 public:
  explicit HeldSamples(QueryContext& context) : context_(context) {}
  ~HeldSamples() { context_.Release(held_); }
  HeldSamples(const HeldSamples&) = delete;
  HeldSamples& operator=(const HeldSamples&) = delete;

  Status Add(size_t samples) {
    held_ += samples;
    return context_.Hold(samples);
  }
  void Clear() {
    context_.Release(held_);
    held_ = 0;
  }

 private:
  QueryContext& context_;
  size_t held_ = 0;
};

/// The error of a query that would hold more than `--query.max-samples`.
Error TooManySamples();

}  // namespace barograph::promql
