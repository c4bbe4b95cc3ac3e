#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/metrics/registry.h"
#include "base/storage/exemplars.h"
#include "base/storage/queryable.h"
#include "base/storage/statistics.h"
#include "base/thread_pool.h"
#include "net/http_server.h"
#include "promql/engine.h"
#include "tests/support/manual_clock.h"
#include "web/server_state.h"
#include "web/web.h"

namespace barograph::web::test {

/// Series in memory. `failure`, where set, is what every call gives.
class FakeStorage final : public Queryable, public ExemplarQueryable, public StatisticsSource {
 public:
  struct Stored {
    Labels labels;
    std::vector<Timestamp> timestamps;
    std::vector<double> values;
  };

  void Add(Labels labels, std::vector<std::pair<int64_t, double>> samples);

  Result<std::unique_ptr<Selection>> Select(TimeRange range, const Matchers& matchers,
                                            const SelectHints& hints,
                                            std::stop_token stop) const override;
  Result<std::vector<std::string>> LabelNames(const LabelQuery& query,
                                              std::stop_token stop) const override;
  Result<std::vector<std::string>> LabelValues(const std::string& name, const LabelQuery& query,
                                               std::stop_token stop) const override;
  Result<std::vector<Labels>> Series(const LabelQuery& query, std::stop_token stop) const override;

  Result<std::vector<ExemplarSeries>> SelectExemplars(TimeRange range,
                                                      std::span<const Matchers> selectors,
                                                      std::stop_token stop) const override;

  /// What every call of SelectExemplars gives, and what it was asked, in words.
  std::vector<ExemplarSeries> exemplars;
  mutable std::string exemplars_asked;

  HeadStatistics CountHead(size_t limit) const override {
    statistics_limit = limit;
    return statistics;
  }

  std::vector<BlockStatistics> CountBlocks() const override { return blocks; }

  HeadStatistics statistics;
  std::vector<BlockStatistics> blocks;
  mutable size_t statistics_limit = 0;

  std::optional<Error> failure;

 private:
  std::vector<Stored> Matching(TimeRange range, const Matchers& matchers) const;
  std::vector<Stored> series_;
};

/// What the test says.
class FakeState final : public ServerState {
 public:
  TargetsSnapshot Targets() const override { return targets; }
  std::vector<MetricMetadata> Metadata() const override { return metadata; }
  std::string ConfigYaml() const override { return "global:\n  scrape_interval: <1m>\n"; }
  std::map<std::string, std::string> Flags() const override { return {{"log.level", "info"}}; }
  RuntimeInfo Runtime() const override { return runtime; }
  SeriesLimits Limits() const override { return limits; }
  bool ready() const override { return is_ready; }
  std::string OwnMetrics() const override { return "own_metric 1\n"; }
  Status Reload() override {
    ++reloads;
    return reload_outcome;
  }
  void Quit() override { ++quits; }

  TargetsSnapshot targets;
  std::vector<MetricMetadata> metadata;
  RuntimeInfo runtime;
  SeriesLimits limits;
  bool is_ready = true;
  Status reload_outcome;
  int reloads = 0;
  int quits = 0;
};

/// Writes down what it is asked to do.
class FakeAdmin final : public StorageAdmin {
 public:
  Status DeleteSeries(TimeRange range, const Matchers& matchers) override;
  Status CleanTombstones() override {
    calls.emplace_back("clean");
    return {};
  }
  Result<std::string> Snapshot(bool skip_head) override {
    calls.emplace_back(skip_head ? "snapshot blocks" : "snapshot all");
    return "copy";
  }

  std::vector<std::string> calls;
};

/// The handler on fakes; requests go in without a socket.
class Web {
 public:
  explicit Web(WebOptions options = {}, bool with_admin = false);

  net::HttpResponse Send(net::HttpRequest request);
  net::HttpResponse Get(const std::string& target);
  net::HttpResponse Post(const std::string& path, const std::string& form);
  /// The body of a GET with its status in front, where that is not 200.
  std::string Ask(const std::string& target);
  /// The part of a successful answer that is its data.
  std::string Data(const std::string& target);

  FakeStorage storage;
  FakeAdmin admin;
  FakeState state;
  MetricsRegistry metrics;
  barograph::test::ManualClock clock;
  promql::Engine engine{promql::EngineOptions(), clock};
  QueryTracker queries{engine, clock, nullptr, nullptr};

 private:
  boost::asio::io_context context_;  // before the pools, whose jobs come back to it
  ThreadPool query_threads_{2};
  net::HttpHandler handler_;
};

/// A request for `target`, as the server would give it to the handler.
net::HttpRequest MakeRequest(const std::string& method, const std::string& target);

}  // namespace barograph::web::test
