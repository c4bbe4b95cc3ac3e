#include "server/scrape/scrape_pool.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace barograph::server {

ScrapePool::ScrapePool(std::shared_ptr<const ScrapeConfig> config, ScrapeMetrics& metrics,
                       LoopStarter start_loop, Logger logger)
    : config_(std::move(config)),
      metrics_(metrics),
      metadata_pool_(std::make_shared<MetadataPool>()),
      series_(std::make_shared<PoolSeries>()),
      own_metrics_(metrics.registry, config_->job_name, metadata_pool_, series_),
      start_loop_(std::move(start_loop)),
      logger_(logger.With({{"scrape_pool", config_->job_name}})) {
  own_metrics_.target_limit.Set(static_cast<double>(config_->limits.targets));
  own_metrics_.series_limit.Set(static_cast<double>(config_->limits.series));
  metrics_.pools.Increment();
}

void ScrapePool::Sync(std::vector<discovery::TargetGroup> groups) {
  const auto start = std::chrono::steady_clock::now();
  groups_ = std::move(groups);
  discovered_ = 0;
  for (const discovery::TargetGroup& group : groups_) discovered_ += group.targets.size();
  dropped_.clear();
  dropped_count_ = 0;
  ActiveTargets wanted;
  for (const discovery::TargetGroup& group : groups_) SyncGroup(group, wanted);
  for (auto& [hash, old] : active_) {
    if (!wanted.contains(hash)) old.loop->Stop();
  }
  active_ = std::move(wanted);
  own_metrics_.targets.Set(static_cast<double>(active_.size()));
  CheckTargetLimit();
  own_metrics_.syncs.Increment();
  own_metrics_.sync_length.Observe(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

void ScrapePool::SyncGroup(const discovery::TargetGroup& group, ActiveTargets& wanted) {
  for (size_t i = 0; i < group.targets.size(); ++i) {
    Labels discovered = DiscoveredLabels(group.targets[i], group.labels, *config_);
    auto target = MakeTarget(discovered, *config_);
    if (!target) {
      own_metrics_.sync_failed.Increment();
      logger_.Error("Creating target failed",
                    {{"err", fmt::format("instance {} in group {}: {}", i, group.source,
                                         target.error().message)}});
    } else if (!*target || (*target)->public_labels.empty()) {
      Drop(std::move(discovered));
    } else {
      SyncTarget(discovered, std::move(**target), wanted);
    }
  }
}

void ScrapePool::SyncTarget(const Labels& discovered, Target target, ActiveTargets& wanted) {
  const uint64_t hash = target.Hash();
  if (const auto twin = wanted.find(hash); twin != wanted.end()) return;
  const auto old = active_.find(hash);
  const auto phase_grid = PhaseGrid(target.interval, discovered_);
  auto loop =
      old != active_.end()
          ? old->second.loop
          : start_loop_({std::move(target), config_, metadata_pool_, series_, phase_grid, logger_});
  wanted.emplace(hash, Active{std::move(loop), discovered});
}

void ScrapePool::Drop(Labels discovered) {
  ++dropped_count_;
  const uint64_t limit = config_->limits.keep_dropped_targets;
  if (limit == 0 || dropped_.size() < limit) dropped_.push_back(std::move(discovered));
}

void ScrapePool::CheckTargetLimit() {
  const uint64_t limit = config_->limits.targets;
  std::string error;
  if (limit > 0 && active_.size() > limit) {
    metrics_.pool_exceeded_target_limit.Increment();
    error = fmt::format("target_limit exceeded (number of targets: {}, limit: {})", active_.size(),
                        limit);
  }
  for (const auto& [hash, target] : active_) target.loop->SetForcedError(error);
}

void ScrapePool::Reconfigure(std::shared_ptr<const ScrapeConfig> config) {
  metrics_.pool_reloads.Increment();
  config_ = std::move(config);
  own_metrics_.target_limit.Set(static_cast<double>(config_->limits.targets));
  own_metrics_.series_limit.Set(static_cast<double>(config_->limits.series));
  for (const auto& [hash, target] : active_) target.loop->Reconfigure(config_);
  Sync(std::exchange(groups_, {}));
}

void ScrapePool::StopAll() {
  for (const auto& [hash, target] : active_) target.loop->Stop();
  active_.clear();
}

void ScrapePool::ListTargets(std::string_view host_name, web::TargetsSnapshot& out) const {
  for (const auto& [hash, active] : active_) {
    const Target& target = active.loop->target();
    ScrapeStatus status = active.loop->status();
    out.active.push_back({.discovered_labels = active.discovered,
                          .labels = target.public_labels,
                          .scrape_pool = config_->job_name,
                          .scrape_url = target.url,
                          .global_url = GlobalUrl(target.url, host_name),
                          .last_error = std::move(status.last_error),
                          .last_scrape = status.last_scrape,
                          .last_scrape_seconds = status.last_scrape_seconds,
                          .health = status.health,
                          .scrape_interval = target.interval,
                          .scrape_timeout = target.timeout});
  }
  for (const Labels& dropped : dropped_) out.dropped.push_back({dropped, config_->job_name});
  out.dropped_counts[config_->job_name] = dropped_count_;
}

void ScrapePool::ListMetadata(std::vector<web::MetricMetadata>& out) const {
  for (const auto& [hash, active] : active_) {
    active.loop->metadata().List(active.loop->target().public_labels, out);
  }
}

web::SeriesLimits::Job ScrapePool::SeriesCounts() const {
  return {.job = config_->job_name,
          .series = static_cast<uint64_t>(std::max<int64_t>(series_->count, 0)),
          .limit = config_->limits.series,
          .refused = series_->refused};
}

}  // namespace barograph::server
