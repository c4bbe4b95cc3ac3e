#include "discovery/manager.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "net/runtime.h"

namespace barograph::discovery {

namespace asio = boost::asio;
using SteadyTime = std::chrono::steady_clock::time_point;

namespace {

/// One provider at work, and what it has found so far.
struct Running {
  Running(asio::io_context& context, ProviderSpec spec)
      : fingerprint(std::move(spec.fingerprint)), provider(spec.make()), scope(context) {}

  const std::string fingerprint;
  std::unique_ptr<Provider> provider;
  net::TaskScope scope;
  bool reported = false;
  std::vector<TargetGroup> groups;  // in the order the sources came up
};

struct Job {
  std::vector<std::unique_ptr<Running>> providers;
  bool waiting = false;  // a delivery is under way
  SteadyTime applied{};  // when its providers were last set
  SteadyTime last_delivery{};
};

void Update(std::vector<TargetGroup>& groups, TargetGroup changed) {
  const auto known = std::ranges::find(groups, changed.source, &TargetGroup::source);
  if (known == groups.end()) {
    if (!changed.targets.empty()) groups.push_back(std::move(changed));
  } else if (changed.targets.empty()) {
    groups.erase(known);
  } else {
    *known = std::move(changed);
  }
}

}  // namespace

struct Manager::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::io_context& io, ManagerOptions manager_options, JobSink job_sink, Logger log,
       MetricsRegistry& registry)
      : context(io),
        options(std::move(manager_options)),
        sink(std::move(job_sink)),
        logger(std::move(log)),
        metrics(registry),
        own_labels({{"name", options.name}}),
        received(metrics.AddCounter("prometheus_sd_received_updates_total",
                                    "Total number of update events received from the SD providers.",
                                    own_labels)),
        sent(metrics.AddCounter("prometheus_sd_updates_total",
                                "Total number of update events sent to the SD consumers.",
                                own_labels)),
        delayed(metrics.AddCounter(
            "prometheus_sd_updates_delayed_total",
            "Total number of update events that couldn't be sent immediately.", own_labels)),
        scope(io) {}

  Labels JobLabels(const std::string& job) const {
    return LabelsBuilder(own_labels).Set("config", job).Build();
  }

  void Apply(JobProviders wanted) {
    for (auto job = jobs.begin(); job != jobs.end();) {
      if (wanted.contains(job->first)) {
        ++job;
        continue;
      }
      for (auto& provider : job->second.providers) Retire(std::move(provider));
      metrics.Remove(kTargetsMetric, JobLabels(job->first));
      job = jobs.erase(job);
    }
    for (auto& [name, specs] : wanted) ApplyJob(name, std::move(specs));
  }

  void ApplyJob(const std::string& name, std::vector<ProviderSpec> specs) {
    Job& job = jobs[name];
    std::vector<std::unique_ptr<Running>> before = std::move(job.providers);
    job.providers.clear();
    std::vector<Running*> fresh;
    for (ProviderSpec& spec : specs) {
      const auto kept = std::ranges::find_if(
          before, [&](const auto& p) { return p && p->fingerprint == spec.fingerprint; });
      if (kept != before.end()) {
        job.providers.push_back(std::move(*kept));
      } else {
        job.providers.push_back(std::make_unique<Running>(context, std::move(spec)));
        fresh.push_back(job.providers.back().get());
      }
    }
    for (auto& gone : before) {
      if (gone) Retire(std::move(gone));
    }
    for (Running* provider : fresh) Start(name, *provider);
    job.applied = std::chrono::steady_clock::now();
    // At once: the consumer may have dropped the job's targets with its old configuration.
    job.last_delivery = SteadyTime{};
    Schedule(name);
  }

  void Start(const std::string& name, Running& running) {
    logger.Debug("Starting provider",
                 {{"provider", running.provider->mechanism()}, {"config", name}});
    running.scope.Spawn(
        running.provider->Run([this, name, &running](std::vector<TargetGroup> groups) {
          received.Increment();
          running.reported = true;
          for (TargetGroup& group : groups) Update(running.groups, std::move(group));
          Schedule(name);
        }));
  }

  /// Stops the provider in the background and lets go of it.
  void Retire(std::unique_ptr<Running> running) {
    scope.Spawn([](std::unique_ptr<Running> gone) -> asio::awaitable<void> {
      co_await gone->scope.Stop();
    }(std::move(running)));
  }

  /// Sees to it that the job's groups are delivered soon.
  void Schedule(const std::string& name) {
    const auto found = jobs.find(name);
    if (found == jobs.end() || scope.stopping()) return;
    if (found->second.waiting) {
      delayed.Increment();
      return;
    }
    found->second.waiting = scope.Spawn(DeliverSoon(shared_from_this(), name));
  }

  static asio::awaitable<void> DeliverSoon(std::shared_ptr<Impl> self, std::string name) {
    const auto job = self->jobs.find(name);
    if (job == self->jobs.end()) co_return;
    const auto now = std::chrono::steady_clock::now();
    const auto due = job->second.last_delivery + self->options.throttle;
    if (due > now && job->second.last_delivery != SteadyTime{}) {
      co_await net::Sleep(due - now);
    } else {
      // Providers that answer at once are delivered together.
      co_await asio::post(self->context, asio::use_awaitable);
    }
    if (!self->scope.stopping()) self->Deliver(name);
  }

  /// Delivers then, unless it was done before.
  static asio::awaitable<void> DeliverAt(std::shared_ptr<Impl> self, std::string name,
                                         SteadyTime due) {
    co_await net::Sleep(due - std::chrono::steady_clock::now());
    const auto job = self->jobs.find(name);
    const bool waits = job != self->jobs.end() && job->second.last_delivery == SteadyTime{};
    if (waits && !self->scope.stopping()) self->Deliver(name);
  }

  void Deliver(const std::string& name) {
    const auto found = jobs.find(name);
    if (found == jobs.end()) return;
    Job& job = found->second;
    job.waiting = false;
    const auto now = std::chrono::steady_clock::now();
    // Without a provider that has yet to report, targets would vanish and come back; but one that
    // takes long must not hold back the others.
    if (!std::ranges::all_of(job.providers, &Running::reported) &&
        now < job.applied + options.throttle) {
      scope.Spawn(DeliverAt(shared_from_this(), name, job.applied + options.throttle));
      return;
    }
    job.last_delivery = now;
    std::vector<TargetGroup> all;
    size_t targets = 0;
    for (size_t i = 0; i < job.providers.size(); ++i) {
      for (TargetGroup group : job.providers[i]->groups) {
        targets += group.targets.size();
        group.source = std::to_string(i) + "/" + group.source;
        all.push_back(std::move(group));
      }
    }
    metrics.AddGauge(kTargetsMetric, "Current number of discovered targets.", JobLabels(name))
        .Set(static_cast<double>(targets));
    sent.Increment();
    sink(name, std::move(all));
  }

  asio::awaitable<void> Stop() {
    for (auto& [name, job] : jobs) {
      for (auto& provider : job.providers) co_await provider->scope.Stop();
    }
    co_await scope.Stop();
    jobs.clear();
  }

  static constexpr std::string_view kTargetsMetric = "prometheus_sd_discovered_targets";

  asio::io_context& context;
  const ManagerOptions options;
  const JobSink sink;
  const Logger logger;
  MetricsRegistry& metrics;
  const Labels own_labels;
  Counter& received;
  Counter& sent;
  Counter& delayed;
  std::map<std::string, Job> jobs;
  net::TaskScope scope;  // deliveries, and providers that are being stopped
};

Manager::Manager(asio::io_context& context, ManagerOptions options, JobSink sink, Logger logger,
                 MetricsRegistry& metrics)
    : impl_(std::make_shared<Impl>(context, std::move(options), std::move(sink), std::move(logger),
                                   metrics)) {}
Manager::~Manager() = default;

void Manager::Apply(JobProviders jobs) { impl_->Apply(std::move(jobs)); }
asio::awaitable<void> Manager::Stop() { return impl_->Stop(); }

}  // namespace barograph::discovery
