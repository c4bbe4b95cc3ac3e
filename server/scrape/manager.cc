#include "server/scrape/manager.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <functional>
#include <future>
#include <map>
#include <tuple>
#include <utility>

#include "base/mutex.h"
#include "server/scrape/scrape_loop.h"
#include "server/scrape/scrape_metrics.h"
#include "server/scrape/scrape_pool.h"

namespace barograph::server {
namespace asio = boost::asio;
namespace {

std::string MachineName() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

ScrapeOptions WithHostName(ScrapeOptions options) {
  if (options.host_name.empty()) options.host_name = MachineName();
  return options;
}

uint64_t HashSeed(std::string_view host_name, const Labels& external_labels) {
  const std::hash<std::string_view> hash;
  return hash(host_name) ^ (external_labels.Hash() * 31);
}

// The loops of one I/O thread.
struct Worker {
  explicit Worker(asio::io_context& io) : context(io), loops(io) {}
  asio::io_context& context;
  net::TaskScope loops;
};

}  // namespace

struct ScrapeManager::Impl {
  Impl(net::Runtime& runtime, Appendable& storage, MetricsRegistry& registry, const Clock& clock,
       Logger log, ScrapeOptions given, ExemplarAppendable* exemplars)
      : options(WithHostName(std::move(given))),
        metrics(registry),
        environment{storage, metrics, clock, options, exemplars},
        logger(std::move(log)) {
    for (size_t i = 0; i < runtime.size(); ++i) {
      workers.push_back(std::make_shared<Worker>(runtime.context(i)));
    }
  }

  std::shared_ptr<ScrapeLoop> StartLoop(LoopParts parts) REQUIRES(mutex);
  void ApplyPool(ScrapeConfig config) REQUIRES(mutex);

  const ScrapeOptions options;
  ScrapeMetrics metrics;
  const ScrapeEnvironment environment;
  Logger logger;
  std::vector<std::shared_ptr<Worker>> workers;

  mutable Mutex mutex;
  bool stopped GUARDED_BY(mutex) = false;
  uint64_t seed GUARDED_BY(mutex) = 0;
  size_t next_worker GUARDED_BY(mutex) = 0;
  std::map<std::string, std::unique_ptr<ScrapePool>, std::less<>> pools GUARDED_BY(mutex);
};

std::shared_ptr<ScrapeLoop> ScrapeManager::Impl::StartLoop(LoopParts parts) {
  const std::shared_ptr<Worker>& worker = workers[next_worker++ % workers.size()];
  auto loop = std::make_shared<ScrapeLoop>(
      std::move(parts.target), std::move(parts.config), std::move(parts.metadata_pool),
      std::move(parts.pool_series), environment, worker->context, PhaseRule{seed, parts.phase_grid},
      parts.logger);
  asio::post(worker->context, [worker, loop] { worker->loops.Spawn(loop->Run()); });
  return loop;
}

void ScrapeManager::Impl::ApplyPool(ScrapeConfig config) {
  const auto known = pools.find(config.job_name);
  auto shared = std::make_shared<const ScrapeConfig>(std::move(config));
  if (known == pools.end()) {
    const auto start = [this](LoopParts parts)
                           REQUIRES(mutex) { return StartLoop(std::move(parts)); };
    pools.emplace(shared->job_name, std::make_unique<ScrapePool>(shared, metrics, start, logger));
  } else if (known->second->config() != *shared) {
    known->second->Reconfigure(shared);
  }
}

ScrapeManager::ScrapeManager(net::Runtime& runtime, Appendable& storage, MetricsRegistry& registry,
                             const Clock& clock, Logger logger, ScrapeOptions options,
                             ExemplarAppendable* exemplars)
    : impl_(std::make_unique<Impl>(runtime, storage, registry, clock, std::move(logger),
                                   std::move(options), exemplars)) {}

ScrapeManager::~ScrapeManager() = default;

Status ScrapeManager::ApplyConfig(std::vector<ScrapeConfig> configs,
                                  const Labels& external_labels) {
  const MutexLock lock(impl_->mutex);
  if (impl_->stopped) return Fail(ErrorCode::kCancelled, "scraping has ended");
  impl_->seed = HashSeed(impl_->options.host_name, external_labels);
  auto& pools = impl_->pools;
  for (auto pool = pools.begin(); pool != pools.end();) {
    const bool kept =
        std::ranges::find(configs, pool->first, &ScrapeConfig::job_name) != configs.end();
    if (!kept) pool->second->StopAll();
    pool = kept ? std::next(pool) : pools.erase(pool);
  }
  for (ScrapeConfig& config : configs) impl_->ApplyPool(std::move(config));
  return {};
}

void ScrapeManager::SyncTargets(std::string_view job, std::vector<discovery::TargetGroup> groups) {
  const MutexLock lock(impl_->mutex);
  if (impl_->stopped) return;
  const auto pool = impl_->pools.find(job);
  if (pool != impl_->pools.end()) pool->second->Sync(std::move(groups));
}

bool ScrapeManager::Stop(Duration grace) {
  {
    const MutexLock lock(impl_->mutex);
    if (std::exchange(impl_->stopped, true)) return true;
  }
  // Each stop holds its worker, so that one that comes too late finds it alive.
  std::vector<std::future<void>> stops;
  for (const std::shared_ptr<Worker>& worker : impl_->workers) {
    stops.push_back(asio::co_spawn(
        worker->context,
        [](std::shared_ptr<Worker> kept) -> asio::awaitable<void> {
          co_await kept->loops.Stop();
        }(worker),
        asio::use_future));
  }
  const auto deadline = std::chrono::steady_clock::now() + grace;
  return std::ranges::all_of(stops, [deadline](const std::future<void>& stop) {
    return stop.wait_until(deadline) == std::future_status::ready;
  });
}

web::TargetsSnapshot ScrapeManager::Targets() const {
  web::TargetsSnapshot snapshot;
  {
    const MutexLock lock(impl_->mutex);
    for (const auto& [job, pool] : impl_->pools) {
      pool->ListTargets(impl_->options.host_name, snapshot);
    }
  }
  std::ranges::sort(snapshot.active, {}, [](const web::ActiveTarget& target) {
    return std::tie(target.scrape_pool, target.scrape_url);
  });
  return snapshot;
}

std::vector<web::MetricMetadata> ScrapeManager::Metadata() const {
  std::vector<web::MetricMetadata> metadata;
  {
    const MutexLock lock(impl_->mutex);
    for (const auto& [job, pool] : impl_->pools) pool->ListMetadata(metadata);
  }
  std::ranges::sort(metadata, {}, [](const web::MetricMetadata& entry) {
    return std::tie(entry.metric, entry.target);
  });
  return metadata;
}

std::vector<web::SeriesLimits::Job> ScrapeManager::SeriesOfJobs() const {
  const MutexLock lock(impl_->mutex);
  std::vector<web::SeriesLimits::Job> jobs;
  for (const auto& [job, pool] : impl_->pools) jobs.push_back(pool->SeriesCounts());
  return jobs;
}

std::vector<std::string> ScrapeManager::Pools() const {
  const MutexLock lock(impl_->mutex);
  std::vector<std::string> jobs;
  for (const auto& [job, pool] : impl_->pools) jobs.push_back(job);
  return jobs;
}

}  // namespace barograph::server
