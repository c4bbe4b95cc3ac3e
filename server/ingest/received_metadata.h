#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics/registry.h"
#include "base/mutex.h"
#include "base/time.h"
#include "server/ingest/write_request.h"
#include "web/server_state.h"

/// TYPE, HELP and UNIT of the metric families that remote write senders tell of, for the API: of a
/// family, what was told last. (Prometheus has them in its log at most, and shows none.)
namespace barograph::server {

/// Bounded. In memory only: senders of protocol 1.0 repeat it every minute, those of 2.0 with every
/// sample. Thread-safe.
class ReceivedMetadata {
 public:
  /// The registry and the clock must outlive it.
  ReceivedMetadata(MetricsRegistry& metrics, const Clock& clock, uint64_t max_families);

  /// `metadata.family` names the family. Where there is no room, those go that nobody told of for
  /// an hour; where there is still none, it is dropped and counted.
  void Set(const WireMetadata& metadata);

  /// Adds all families to `out`, in order of their names, without a target.
  void List(std::vector<web::MetricMetadata>& out) const;

 private:
  struct Family {
    WireMetricType type = WireMetricType::kUnknown;
    std::string help;
    std::string unit;
    Timestamp told;
  };

  void ForgetOld() REQUIRES(mutex_);

  const Clock& clock_;
  const uint64_t max_families_;
  Gauge& count_;
  Counter& dropped_;
  mutable Mutex mutex_;
  std::map<std::string, Family, std::less<>> families_ GUARDED_BY(mutex_);
};

/// The family that a series of that name and type belongs to: x of the histogram's x_bucket.
std::string_view FamilyOf(std::string_view metric, WireMetricType type);

}  // namespace barograph::server
