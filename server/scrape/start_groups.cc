#include "server/scrape/start_groups.h"

#include <cmath>
#include <initializer_list>
#include <string_view>

namespace barograph::server {
namespace {

constexpr std::string_view kCreated = "_created";

bool HasStart(MetricType type) {
  return type == MetricType::kCounter || type == MetricType::kHistogram ||
         type == MetricType::kSummary;
}

std::string_view WithoutSuffix(std::string_view name,
                               std::initializer_list<std::string_view> suffixes) {
  for (const std::string_view suffix : suffixes) {
    if (name.ends_with(suffix)) return name.substr(0, name.size() - suffix.size());
  }
  return name;
}

std::string_view FamilyOf(std::string_view name, MetricType type) {
  switch (type) {
    case MetricType::kCounter: return WithoutSuffix(name, {kCreated, "_total"});
    case MetricType::kHistogram:
      return WithoutSuffix(name, {kCreated, "_bucket", "_count", "_sum"});
    default: return WithoutSuffix(name, {kCreated, "_count", "_sum"});
  }
}

// Beyond, milliseconds are not exact, and it is no time either.
constexpr double kMostSeconds = 9e12;

}  // namespace

std::optional<Labels> CommonLabels(const Labels& exposed, MetricType type) {
  if (!HasStart(type)) return std::nullopt;
  LabelsBuilder labels(exposed);
  labels.Set(kMetricName, FamilyOf(exposed.metric_name(), type));
  if (type == MetricType::kHistogram) labels.Delete("le");
  if (type == MetricType::kSummary) labels.Delete("quantile");
  return labels.Build();
}

bool IsCreatedSeries(const Labels& exposed, MetricType type) {
  return HasStart(type) && exposed.metric_name().ends_with(kCreated);
}

StartGroup StartGroups::Find(uint64_t key) {
  const auto [known, is_new] = groups_.try_emplace(key, kNoStartGroup);
  if (!is_new) return known->second;
  if (!free_.empty()) {
    known->second = free_.back();
    free_.pop_back();
    starts_[known->second] = kUnknownStart;
  } else {
    known->second = static_cast<StartGroup>(starts_.size());
    starts_.push_back(kUnknownStart);
  }
  return known->second;
}

void StartGroups::Tell(StartGroup group, double seconds) {
  const bool is_time = std::fabs(seconds) <= kMostSeconds;  // not for NaN
  const Timestamp start = is_time ? FromMs(static_cast<int64_t>(seconds * 1000)) : kUnknownStart;
  if (starts_[group] == start) return;
  starts_[group] = start;
  changed_ = true;
}

void StartGroups::KeepOnly(const std::vector<bool>& used) {
  boost::unordered::erase_if(groups_, [&](const auto& entry) {
    if (used[entry.second]) return false;
    free_.push_back(entry.second);
    return true;
  });
}

}  // namespace barograph::server
