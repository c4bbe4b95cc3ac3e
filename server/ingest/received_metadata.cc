#include "server/ingest/received_metadata.h"

#include <algorithm>
#include <initializer_list>

#include "server/scrape/exposition.h"

namespace barograph::server {
namespace {

constexpr Duration kForgetAfter = std::chrono::hours(1);
constexpr size_t kMaxTextBytes = 4096;  // of a name, a help or a unit

std::string_view WithoutSuffix(std::string_view name,
                               std::initializer_list<std::string_view> suffixes) {
  for (const std::string_view suffix : suffixes) {
    if (name.size() > suffix.size() && name.ends_with(suffix)) {
      return name.substr(0, name.size() - suffix.size());
    }
  }
  return name;
}

// The two enumerations have the same values, which both protocols took from OpenMetrics.
std::string_view NameOf(WireMetricType type) {
  static_assert(static_cast<int>(WireMetricType::kStateset) ==
                static_cast<int>(MetricType::kStateset));
  return ToString(static_cast<MetricType>(type));
}

}  // namespace

std::string_view FamilyOf(std::string_view metric, WireMetricType type) {
  switch (type) {
    case WireMetricType::kHistogram: return WithoutSuffix(metric, {"_bucket", "_count", "_sum"});
    case WireMetricType::kGaugeHistogram:
      return WithoutSuffix(metric, {"_bucket", "_gcount", "_gsum"});
    case WireMetricType::kSummary: return WithoutSuffix(metric, {"_count", "_sum"});
    default: return metric;
  }
}

ReceivedMetadata::ReceivedMetadata(MetricsRegistry& metrics, const Clock& clock,
                                   uint64_t max_families)
    : clock_(clock),
      max_families_(max_families),
      count_(metrics.AddGauge("barograph_remote_write_metadata_families",
                              "Metric families that remote write senders told the metadata of.")),
      dropped_(metrics.AddCounter(
          "barograph_remote_write_metadata_dropped_total",
          "Metadata of remote write that was dropped: too long, or of too many families.")) {}

void ReceivedMetadata::Set(const WireMetadata& metadata) {
  const auto& [type, name, help, unit] = metadata;
  if (name.empty()) return;
  if (std::max({name.size(), help.size(), unit.size()}) > kMaxTextBytes) {
    dropped_.Increment();
    return;
  }
  const Timestamp now = clock_.Now();
  const MutexLock lock(mutex_);
  auto found = families_.find(name);
  if (found == families_.end()) {
    if (families_.size() >= max_families_) ForgetOld();
    if (families_.size() >= max_families_) {
      dropped_.Increment();
      return;
    }
    found = families_.emplace(name, Family()).first;
    count_.Set(static_cast<double>(families_.size()));
  }
  Family& family = found->second;
  family.type = type;
  if (family.help != help) family.help = help;
  if (family.unit != unit) family.unit = unit;
  family.told = now;
}

void ReceivedMetadata::ForgetOld() {
  const Timestamp oldest = clock_.Now() - kForgetAfter;
  std::erase_if(families_, [&](const auto& entry) { return entry.second.told < oldest; });
}

void ReceivedMetadata::List(std::vector<web::MetricMetadata>& out) const {
  const MutexLock lock(mutex_);
  for (const auto& [name, family] : families_) {
    out.push_back({name, std::string(NameOf(family.type)), family.help, family.unit, Labels()});
  }
}

}  // namespace barograph::server
