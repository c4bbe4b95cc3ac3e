#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics/registry.h"
#include "base/result.h"
#include "base/storage/appendable.h"
#include "base/storage/exemplars.h"
#include "base/time.h"
#include "server/ingest/received_metadata.h"
#include "server/ingest/series_cache.h"
#include "server/ingest/write_request.h"

/// From a remote write request to storage.
namespace barograph::server {

/// What remote write tells of itself, under Prometheus's names where it has any. References into a
/// registry that must outlive this.
struct WriteMetrics {
  explicit WriteMetrics(MetricsRegistry& registry);

  Counter& invalid_labels;
  Counter& without_metadata;
  Counter& busy;  ///< barograph_: requests that were put off
};

/// What became of a request. What is wrong with one sample does not stop the others.
struct WriteOutcome {
  uint64_t samples = 0;  ///< float samples that are stored now
  uint64_t histograms = 0;
  uint64_t exemplars = 0;
  uint64_t late_exemplars = 0;  ///< out of order, and not stored

  uint64_t refused = 0;       ///< samples that will never be accepted
  bool series_limit = false;  ///< some of them because storage takes no new series for now

  static constexpr size_t kMaxReasons = 5;
  static constexpr size_t kMaxReasonBytes = 1024;
  std::vector<std::string> reasons;  ///< of the first
  uint64_t explained = 0;            ///< how many of the refused samples they speak of

  void Refuse(uint64_t count, std::string reason);
  /// The reasons line by line, and how many samples are refused beyond them.
  std::string Explanation() const;
};

/// What writers of requests share. All of it must outlive them. `exemplars` and `metadata` are null
/// where none are kept.
struct WriteContext {
  Appendable& storage;
  SeriesCache& series;
  const WriteMetrics& metrics;
  const Clock& clock;
  ExemplarAppendable* exemplars = nullptr;
  ReceivedMetadata* metadata = nullptr;
};

/// Writes one request. Not thread-safe; make one a request.
class RequestWriter {
 public:
  explicit RequestWriter(WriteContext context);

  /// Commits as it goes, so that memory does not grow with the request: after an error some of it
  /// may be stored, which the sender's next attempt finds. An error is worth another attempt.
  Status Write(const WriteRequest& request);

  const WriteOutcome& outcome() const { return outcome_; }

 private:
  /// Samples of one kind that wait for their commit.
  struct Batch {
    std::unique_ptr<Appender> appender;
    size_t pending = 0;
    uint64_t pending_bare = 0;  ///< samples, of series without metadata
    uint64_t written = 0;
  };
  static constexpr size_t kMaxPending = size_t{1} << 16;
  static constexpr size_t kMaxExemplars = size_t{1} << 12;

  /// Of what storage refused, the first: what is told of it, but for the series' name.
  struct Unnamed {
    SeriesId series;
    std::string reason;
    std::string time;
  };

  Status WriteSeries(const WireSeries& series);
  /// kNoSeries when the series is refused, which is noted then.
  Result<SeriesId> Resolve(const WireSeries& series);
  Status AppendFloat(SeriesId id, const WireSeries& series, const WireSample& sample);
  Status AppendHistogram(SeriesId id, const WireSeries& series, std::string_view message);
  /// Counts what was added to `batch`, in floats' worth of memory; commits it when it is full.
  Status Added(Batch& batch, size_t cost);
  Status Commit(Batch& batch);
  Status AppendExemplar(SeriesId id, const WireSeries& series, std::string_view message);
  void NoteMetadata(const WireSeries& series, const WireSeries::MetadataRefs& refs);
  Status CommitExemplars();
  void Note(Unnamed refusal);
  Status ExplainRefusals(const WriteRequest& request);
  bool IsTooFarAhead(Timestamp t) const { return t > max_time_; }
  void RefuseTooFarAhead(const WireSeries& series);
  std::string NameOf(const WireSeries& series) const;

  const WriteContext context_;
  const Timestamp max_time_;
  Batch floats_;
  Batch histograms_;
  std::vector<SeriesExemplar> exemplars_;
  std::optional<WireSeries::MetadataRefs> last_metadata_;
  std::vector<Unnamed> refusals_;
  bool bare_ = false;     // the series that is written comes without metadata
  bool partial_ = false;  // the protocol has an answer for a request of which a part is refused
  uint64_t refused_by_storage_ = 0;
  WriteOutcome outcome_;
};

}  // namespace barograph::server
