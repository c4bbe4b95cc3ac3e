#include "server/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <optional>
#include <thread>
#include <tuple>
#include <utility>

#include "base/freed_memory.h"
#include "base/memory_limit.h"
#include "base/metrics/registry.h"
#include "base/model/number.h"
#include "base/mutex.h"
#include "base/thread_pool.h"
#include "base/worker_pool.h"
#include "discovery/manager.h"
#include "net/http_server.h"
#include "net/runtime.h"
#include "promql/engine.h"
#include "promql/result_cache.h"
#include "server/config_source.h"
#include "server/config_state.h"
#include "server/features.h"
#include "server/front_door.h"
#include "server/ingest/write_receiver.h"
#include "server/listen_url.h"
#include "server/process_info.h"
#include "server/providers.h"
#include "server/scrape/manager.h"
#include "server/storage_options.h"
#include "server/version.h"
#include "tsdb/database.h"
#include "web/web.h"

namespace barograph::server {
namespace {

using namespace std::chrono_literals;

// Together under the 2 seconds in which a stop must be over.
constexpr auto kStopScrapes = 800ms;  // their tables are sealed then
constexpr auto kStopDiscovery = 200ms;
constexpr auto kStopRequests = 500ms;
constexpr auto kStopThreads = 300ms;

size_t IoThreads() { return std::clamp<size_t>(std::thread::hardware_concurrency(), 1, 16); }

LoadOptions LoadOptionsOf(const Features& features) {
  LoadOptions load;
  load.extra_scrape_metrics = features.extra_scrape_metrics;
  load.exemplar_storage = features.exemplar_storage;
  return load;
}

// The thread that asks works, too.
size_t QueryHelpers(const ServerOptions& options) {
  const uint64_t cores = std::max(std::thread::hardware_concurrency(), 1u);
  const uint64_t most = options.query_threads == 0 ? cores : options.query_threads;
  return std::min(most, cores) - 1;
}

promql::EngineOptions EngineOptionsOf(const ServerOptions& options, const Features& features,
                                      WorkerPool& workers, promql::ResultCache& results) {
  promql::EngineOptions engine;
  engine.lookback = options.lookback_delta;
  engine.timeout = options.query_timeout;
  engine.max_samples = options.query_max_samples;
  engine.max_memory = options.query_max_memory;
  if (workers.threads() > 0) engine.workers = &workers;
  if (options.query_result_cache_size > 0) engine.results = &results;
  engine.delayed_name_removal = features.delayed_name_removal;
  engine.use_start_timestamps = features.use_start_timestamps;
  return engine;
}

ScrapeOptions ScrapeOptionsOf(const ServerOptions& options, const Features& features) {
  ScrapeOptions scrape;
  scrape.user_agent = fmt::format("Barograph/{}", Version());
  scrape.align_timestamps = options.adjust_timestamps;
  scrape.timestamp_tolerance = options.timestamp_tolerance;
  scrape.starts = features.st_storage || features.zeros_at_starts;
  return scrape;
}

net::HttpServerOptions HttpOptionsOf(const ServerOptions& options) {
  net::HttpServerOptions http;
  http.listen_addresses = options.listen_addresses;
  http.max_connections = options.max_connections;
  http.read_timeout = options.read_timeout;
  http.max_buffered_body_bytes = options.max_buffered_body_bytes;
  if (options.enable_remote_write_receiver) {
    http.max_body_bytes = std::max(http.max_body_bytes, options.remote_write.max_body_bytes);
  }
  return http;
}

web::WebOptions WebOptionsOf(const ServerOptions& options) {
  web::WebOptions web;
  web.external_url = options.external_url;
  web.route_prefix = options.route_prefix;
  web.page_title = options.page_title;
  web.cors_origin = options.cors_origin;
  web.enable_lifecycle = options.enable_lifecycle;
  web.query_concurrency = options.query_concurrency;
  web.build = {.version = std::string(Version()),
               .revision = std::string(Revision()),
               .branch = std::string(Branch()),
               .build_user = "",
               .build_date = std::string(CommitDate()),
               .compiler = std::string(Compiler())};
  return web;
}

}  // namespace

class Server::Impl final : public web::ServerState {
 public:
  Impl(ServerOptions options, Features features, ServerEnvironment environment)
      : options_(std::move(options)),
        features_(features),
        environment_(std::move(environment)),
        logger_(environment_.logger),
        started_(environment_.clock.Now()),
        source_(options_, environment_.files, LoadOptionsOf(features)),
        config_(environment_.clock, metrics_),
        ready_gauge_(
            metrics_.AddGauge("prometheus_ready",
                              "Whether Prometheus startup was fully completed and the server is "
                              "ready for normal operation.")),
        runtime_(IoThreads()),
        query_helpers_(QueryHelpers(options_)),
        results_(options_.query_result_cache_size, metrics_),
        engine_(EngineOptionsOf(options_, features, query_helpers_, results_), environment_.clock),
        query_log_(environment_.files, environment_.clock, metrics_, logger_) {
    AddProcessMetrics(metrics_);
    metrics_
        .AddGauge("prometheus_build_info",
                  "A metric with a constant '1' value labeled by version, revision and branch from "
                  "which the server was built.",
                  Labels({{"branch", Branch()},
                          {"compiler", Compiler()},
                          {"revision", Revision()},
                          {"version", Version()}}))
        .Set(1);
  }

  ~Impl() override { Stop(); }

  Status CheckConfig() {
    if (source_.built_in()) return {};  // it needs the port that is bound later
    TRY(source_.Load({}));
    return {};
  }

  Status Start() {
    runtime_.Start();
    runtime_started_ = true;
    TRY(Listen());
    TRY(OpenStorage());
    StartServices();
    TRY(OpenWeb());
    TRY(Reload());
    SetReady(true);
    logger_.Info("Server is ready to receive web requests.");
    ReturnFreedMemory();  // what opening the storage took: this thread only waits from now on
    return {};
  }

  Status Reload() override {
    const MutexLock lock(reload_mutex_);
    fingerprint_ = source_.Fingerprint(included_);
    auto config = source_.Load(SelfTargetOf(options_, http_->addresses().front()));
    if (!config) return Refuse(std::move(config.error()));
    if (Status applied = Apply(*config); !applied) return Refuse(std::move(applied.error()));
    config_.Applied(*config);
    included_ = std::move(config->scrape_config_files);
    fingerprint_ = source_.Fingerprint(included_);
    logger_.Info("Completed loading of configuration file", {{"filename", source_.name()}});
    return {};
  }

  void ReloadIfChanged() {
    {
      const MutexLock lock(reload_mutex_);
      if (source_.Fingerprint(included_) == fingerprint_) return;
    }
    logger_.Info("Configuration file change detected, reloading the configuration.");
    (void)Reload();  // which has logged what is wrong
  }

  void Stop() {
    if (!runtime_started_) return;
    runtime_started_ = false;
    SetReady(false);
    if (scraping_ && !scraping_->Stop(kStopScrapes)) logger_.Warn("Scrapes did not end in time");
    StopDiscovery();
    if (http_) http_->Stop(kStopRequests);
    query_threads_.reset();
    remote_write_.reset();
    runtime_.Stop(kStopThreads);
    if (database_) {
      if (const Status closed = database_->Close(); !closed) {
        logger_.Error("Error closing the storage", {{"err", closed.error()}});
      }
    }
  }

  std::string url() const { return BrowserUrl(options_, http_->addresses().front()); }

  // web::ServerState:
  web::TargetsSnapshot Targets() const override { return scraping_->Targets(); }
  std::vector<web::MetricMetadata> Metadata() const override {
    std::vector<web::MetricMetadata> all = scraping_->Metadata();
    if (!remote_write_) return all;
    remote_write_->ListMetadata(all);
    std::ranges::sort(all, {}, [](const web::MetricMetadata& metadata) {
      return std::tie(metadata.metric, metadata.target);
    });
    return all;
  }
  std::string ConfigYaml() const override { return config_.yaml(); }
  std::map<std::string, std::string> Flags() const override { return options_.flags; }
  web::SeriesLimits Limits() const override {
    return {.memory_limit_bytes = memory_->limit_bytes(),
            .memory_used_bytes = memory_->used_bytes(),
            .jobs = scraping_->SeriesOfJobs()};
  }
  bool ready() const override { return ready_.load(); }
  std::string OwnMetrics() const override { return metrics_.Expose(); }
  void Quit() override { environment_.on_quit(); }

  web::RuntimeInfo Runtime() const override {
    return {.start_time = started_,
            .working_directory = WorkingDirectory(),
            .hostname = HostName(),
            .reload_config_success = config_.last_load_succeeded(),
            .last_config_time = config_.last_success(),
            .corruption_count = 0,
            .threads = ThreadCount(),
            .storage_retention = ready() ? Describe(database_->retention()) : ""};
  }

 private:
  Status Listen() {
    http_.emplace(runtime_, HttpOptionsOf(options_), door_.Handler(),
                  logger_.With({{"component", "web"}}));
    TRY(http_->Start());
    metrics_.AddGaugeFunction("barograph_http_buffered_body_bytes",
                              "Bytes of the larger request bodies that are in memory.",
                              [this] { return static_cast<double>(http_->buffered_body_bytes()); });
    metrics_.AddCounterFunction(
        "barograph_http_refused_bodies_total",
        "Requests put off because the bodies of others took --web.max-buffered-body-bytes.",
        [this] { return static_cast<double>(http_->refused_bodies()); });
    for (const std::string& address : http_->addresses()) {
      logger_.Info("Listening on", {{"component", "web"}, {"address", address}});
    }
    return {};
  }

  Status OpenStorage() {
    const auto before = environment_.clock.Monotonic();
    tsdb::Options storage = TRY(StorageOptionsOf(options_));
    storage.store_start_timestamps = features_.st_storage;
    storage.zeros_at_start_timestamps = features_.zeros_at_starts;
    memory_.emplace(TRY(MemoryLimitOf(options_)), environment_.clock);
    metrics_
        .AddGauge("barograph_memory_limit_bytes",
                  "The memory near which no new series are taken; 0 is no limit.")
        .Set(static_cast<double>(memory_->limit_bytes()));
    storage.memory = &*memory_;
    retention_ = storage.retention;
    storage.max_exemplars = TRY(MaxExemplars());
    database_ = TRY(
        tsdb::Database::Open(environment_.files, environment_.clock, logger_, metrics_, storage));
    const std::chrono::duration<double> took = environment_.clock.Monotonic() - before;
    logger_.Info("TSDB started", {{"path", options_.storage_path}, {"seconds", took.count()}});
    return {};
  }

  // Before the configuration is applied: it says how many of those on the disk are read.
  Result<size_t> MaxExemplars() const {
    if (!features_.exemplar_storage) return 0;
    const Config config = TRY(source_.Load(SelfTargetOf(options_, http_->addresses().front())));
    return MaxExemplarsOf(config.storage);
  }

  // Null where none are kept.
  ExemplarAppendable* exemplars() const {
    return features_.exemplar_storage ? database_.get() : nullptr;
  }

  void StartServices() {
    active_queries_.emplace(environment_.files, options_.storage_path, logger_);
    queries_.emplace(engine_, environment_.clock, &query_log_, &*active_queries_);
    query_threads_.emplace(std::max<uint64_t>(options_.query_concurrency, 1));
    if (options_.enable_remote_write_receiver) {
      remote_write_.emplace(options_.remote_write, *database_, metrics_, environment_.clock,
                            logger_.With({{"component", "web"}}), exemplars());
    }
    scraping_.emplace(runtime_, *database_, metrics_, environment_.clock,
                      logger_.With({{"component", "scrape manager"}}),
                      ScrapeOptionsOf(options_, features_), exemplars());
    discovery_context_ = &runtime_.NextContext();
    discovery_.emplace(
        *discovery_context_,
        discovery::ManagerOptions{.name = "scrape", .throttle = options_.discovery_reload_interval},
        [this](const std::string& job, std::vector<discovery::TargetGroup> groups) {
          scraping_->SyncTargets(job, std::move(groups));
        },
        logger_.With({{"component", "discovery manager scrape"}}), metrics_);
  }

  Status OpenWeb() {
    door_.Open(TRY(
        web::MakeHandler(WebOptionsOf(options_),
                         {.storage = *database_,
                          .exemplars = *database_,
                          .statistics = *database_,
                          .engine = engine_,
                          .queries = *queries_,
                          .state = *this,
                          .metrics = metrics_,
                          .query_threads = *query_threads_,
                          .clock = environment_.clock,
                          .admin = options_.enable_admin_api ? database_.get() : nullptr,
                          .remote_write = remote_write_ ? remote_write_->Handler() : nullptr})));
    return {};
  }

  Status Apply(const Config& config) {
    TRY(query_log_.Open(config.global.query_log_file));
    TRY(scraping_->ApplyConfig(config.scrape_configs, config.global.external_labels));
    engine_.set_default_subquery_step(config.global.evaluation_interval);
    database_->SetRetention(RetentionOf(config.storage, retention_));
    database_->SetOutOfOrderWindow(config.storage.out_of_order_window);
    if (features_.exemplar_storage) {
      TRY(database_->SetMaxExemplars(MaxExemplarsOf(config.storage)));
    }
    boost::asio::post(
        *discovery_context_,
        [this, providers = ProvidersOf(config.scrape_configs, logger_, metrics_)]() mutable {
          discovery_->Apply(std::move(providers));
        });
    return {};
  }

  std::unexpected<Error> Refuse(Error error) {
    config_.Refused();
    logger_.Error("Error reloading config", {{"err", error}});
    return std::unexpected(Annotate(
        std::move(error),
        fmt::format("couldn't load configuration (--config.file={})", Quote(source_.name()))));
  }

  void StopDiscovery() {
    if (!discovery_) return;
    auto stopped =
        boost::asio::co_spawn(*discovery_context_, discovery_->Stop(), boost::asio::use_future);
    if (stopped.wait_for(kStopDiscovery) != std::future_status::ready) {
      logger_.Warn("Discovery did not end in time");
    }
  }

  void SetReady(bool ready) {
    ready_.store(ready);
    ready_gauge_.Set(ready ? 1 : 0);
  }

  const ServerOptions options_;
  const Features features_;
  const ServerEnvironment environment_;
  const Logger logger_;
  const Timestamp started_;

  // In the order in which they are built, and against which they are taken down.
  MetricsRegistry metrics_;
  const ConfigSource source_;
  ConfigState config_;
  Gauge& ready_gauge_;
  std::atomic<bool> ready_ = false;
  net::Runtime runtime_;
  bool runtime_started_ = false;
  tsdb::Retention retention_;  // as the flags say
  std::optional<MemoryLimit> memory_;
  std::unique_ptr<tsdb::Database> database_;
  WorkerPool query_helpers_;  // for all queries together
  promql::ResultCache results_;
  promql::Engine engine_;
  web::QueryLog query_log_;
  std::optional<web::ActiveQueries> active_queries_;
  std::optional<web::QueryTracker> queries_;
  std::optional<ThreadPool> query_threads_;
  std::optional<WriteReceiver> remote_write_;
  FrontDoor door_;  // after the runtime: it holds the handler, and its threads
  std::optional<net::HttpServer> http_;
  std::optional<ScrapeManager> scraping_;
  boost::asio::io_context* discovery_context_ = nullptr;
  std::optional<discovery::Manager> discovery_;

  Mutex reload_mutex_;
  std::string fingerprint_ GUARDED_BY(reload_mutex_);
  std::vector<std::string> included_ GUARDED_BY(reload_mutex_);
};

Server::Server(ServerOptions options, Features features, ServerEnvironment environment)
    : impl_(std::make_unique<Impl>(std::move(options), features, std::move(environment))) {}
Server::~Server() = default;

Status Server::CheckConfig() { return impl_->CheckConfig(); }
Status Server::Start() { return impl_->Start(); }
Status Server::Reload() { return impl_->Reload(); }
void Server::ReloadIfChanged() { impl_->ReloadIfChanged(); }
void Server::Stop() { impl_->Stop(); }
std::string Server::url() const { return impl_->url(); }

}  // namespace barograph::server
