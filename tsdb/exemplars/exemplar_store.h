#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/storage/exemplars.h"
#include "base/time.h"
#include "tsdb/exemplars/exemplar_ring.h"
#include "tsdb/metrics.h"
#include "tsdb/wal/log.h"

namespace barograph::tsdb {

/// The ring of exemplars, and the log that it comes back from.
///
/// The log is apart from that of the samples (docs/formats/wal.md, "Exemplars"), so that neither
/// holds the other back: a segment goes once the ring has none of its exemplars any more, and what
/// is in the ring is never written twice. Thread-safe; readers do not wait for the disk.
class ExemplarStore {
 public:
  struct Options {
    std::string directory;
    size_t capacity = 0;
    bool wait_for_fsync = false;
    uint64_t segment_bytes = uint64_t{1} << 20;
  };
  /// The labels of a series, nullopt where nobody knows them.
  using FindLabels = std::function<std::optional<Labels>(SeriesId)>;

  /// Reads the log, unless the capacity is 0: then what is on the disk is left alone. Damage is
  /// logged, counted and passed over. All references must outlive the store.
  static Result<std::unique_ptr<ExemplarStore>> Open(FileSystem& files, const Clock& clock,
                                                     const Logger& logger, Metrics& metrics,
                                                     Options options, FindLabels find_labels);

  /// As ExemplarAppendable and ExemplarQueryable say.
  Result<std::vector<ExemplarVerdict>> Append(std::span<const SeriesExemplar> exemplars);
  Result<std::vector<ExemplarSeries>> Select(TimeRange range, std::span<const Matchers> selectors,
                                             std::stop_token stop) const;

  /// Keeps the newest `capacity` from now on; 0 forgets all, on the disk as well.
  Status Resize(size_t capacity);

  /// An exemplar that is older than its series' newest by less is taken.
  void SetOutOfOrderWindow(Duration window);

  Status Sync();
  Status Close();

 private:
  struct Segment {
    uint64_t number;
    uint64_t end;  ///< ExemplarRing::appended() after its last exemplar
  };

  ExemplarStore(FileSystem& files, const Clock& clock, const Logger& logger, Metrics& metrics,
                Options options, FindLabels find_labels);

  Status Load() REQUIRES(append_mutex_);
  Status LoadSegment(uint64_t number) REQUIRES(append_mutex_);
  Status CutTornEnd(const std::string& path, uint64_t size);
  Status OpenLog() REQUIRES(append_mutex_);
  Result<std::vector<uint64_t>> ListSegments() const;

  struct Accepted {
    std::vector<SeriesExemplar> exemplars;
    boost::unordered_flat_map<uint64_t, Labels> labels;  ///< of their series
  };
  Result<std::vector<ExemplarVerdict>> Judge(std::span<const SeriesExemplar> exemplars,
                                             Accepted& accepted) REQUIRES(append_mutex_);
  Status Write(const Accepted& accepted) REQUIRES(append_mutex_);
  Status BeginSegment() REQUIRES(append_mutex_);
  Status DropOldSegments() REQUIRES(append_mutex_);
  void ShowCounts() REQUIRES_SHARED(ring_mutex_);

  FileSystem& files_;
  const Clock& clock_;
  const Logger logger_;
  Metrics& metrics_;
  const Options options_;
  const FindLabels find_labels_;

  mutable Mutex append_mutex_;  // who changes the ring; before ring_mutex_
  std::unique_ptr<wal::Log> log_ GUARDED_BY(append_mutex_);  // once there is something to write
  uint64_t segment_bytes_ GUARDED_BY(append_mutex_) = 0;     // in the current segment, about
  std::deque<Segment> segments_ GUARDED_BY(append_mutex_);   // ascending; the last one grows
  boost::unordered_flat_set<uint64_t> defined_ GUARDED_BY(append_mutex_);  // in the current one
  Duration window_ GUARDED_BY(append_mutex_){0};
  bool closed_ GUARDED_BY(append_mutex_) = false;

  mutable SharedMutex ring_mutex_;
  ExemplarRing ring_ GUARDED_BY(ring_mutex_);
};

}  // namespace barograph::tsdb
