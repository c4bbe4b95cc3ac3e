#include "discovery/manager.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>
#include <deque>

#include "discovery/static/static_provider.h"
#include "net/runtime.h"

namespace barograph::discovery {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

TargetGroup Group(const std::string& source, std::vector<std::string> addresses) {
  TargetGroup group{source, {}, {}};
  for (const std::string& address : addresses) {
    group.targets.push_back(Labels({{"__address__", address}}));
  }
  return group;
}

/// A provider that the test feeds, and that counts how often it was started and stopped.
struct Feed {
  int starts = 0;
  int stops = 0;
  GroupSink sink;

  ProviderSpec Spec(const std::string& fingerprint) {
    return {fingerprint, [this] { return std::make_unique<Fed>(*this); }};
  }

  class Fed final : public Provider {
   public:
    explicit Fed(Feed& feed) : feed_(feed) {}
    std::string_view mechanism() const override { return "fed"; }
    asio::awaitable<void> Run(GroupSink groups) override {
      ++feed_.starts;
      feed_.sink = std::move(groups);
      while (!co_await net::Cancelled()) co_await net::Sleep(1h);
      ++feed_.stops;
    }

   private:
    Feed& feed_;
  };
};

ProviderSpec Static(std::vector<std::string> addresses) {
  std::string fingerprint = "static";
  for (const std::string& address : addresses) fingerprint += " " + address;
  return {fingerprint, [addresses] {
            return std::make_unique<StaticProvider>(std::vector{Group("", addresses)});
          }};
}

/// Runs the manager on a context that the test turns by hand.
struct Fixture {
  std::deque<Feed> feeds;  // outlive the manager, which stops their providers
  asio::io_context context;
  MetricsRegistry metrics;
  std::map<std::string, std::vector<std::string>> deliveries;  // job: addresses of each
  Manager manager{context,
                  {.throttle = 30ms},
                  [this](const std::string& job, std::vector<TargetGroup> groups) {
                    std::string addresses;
                    for (const TargetGroup& group : groups) {
                      for (const Labels& target : group.targets) {
                        addresses += std::string(target.Get("__address__")) + " ";
                      }
                    }
                    deliveries[job].push_back(addresses);
                  },
                  {},
                  metrics};

  Feed& NewFeed() { return feeds.emplace_back(); }

  ~Fixture() {
    asio::co_spawn(context, manager.Stop(), asio::detached);
    context.restart();
    context.run();
  }

  void Apply(JobProviders jobs) {
    asio::post(context,
               [this, jobs = std::move(jobs)]() mutable { manager.Apply(std::move(jobs)); });
    Turn();
  }
  /// What is ready to run, runs.
  void Turn() {
    context.restart();
    context.poll();
  }
  void TurnFor(std::chrono::milliseconds time) {
    context.restart();
    context.run_for(time);
  }
};

TEST_CASE_METHOD(Fixture, "every job gets the groups of all its providers") {
  Apply({{"a", {Static({"x:1"}), Static({"y:1", "y:2"})}}, {"b", {Static({"z:1"})}}});
  CHECK(deliveries["a"] == std::vector<std::string>{"x:1 y:1 y:2 "});
  CHECK(deliveries["b"] == std::vector<std::string>{"z:1 "});
  CHECK(metrics.Expose().find(R"(prometheus_sd_discovered_targets{config="a",name="scrape"} 3)") !=
        std::string::npos);
}

TEST_CASE_METHOD(Fixture, "changes replace groups by source, and are throttled") {
  Feed& feed = NewFeed();
  Apply({{"a", {feed.Spec("f")}}});
  CHECK(deliveries["a"].empty());
  feed.sink({Group("1", {"x:1"}), Group("2", {"y:1"})});
  Turn();
  CHECK(deliveries["a"] == std::vector<std::string>{"x:1 y:1 "});
  feed.sink({Group("1", {"x:2"})});
  feed.sink({Group("2", {})});
  Turn();
  CHECK(deliveries["a"].size() == 1);
  TurnFor(200ms);
  CHECK(deliveries["a"] == std::vector<std::string>{"x:1 y:1 ", "x:2 "});
}

TEST_CASE_METHOD(Fixture, "a provider that is configured as before is not restarted") {
  Feed& kept = NewFeed();
  Feed& gone = NewFeed();
  Apply({{"a", {kept.Spec("kept"), gone.Spec("gone")}}});
  kept.sink({Group("1", {"x:1"})});
  gone.sink({Group("1", {"y:1"})});
  TurnFor(100ms);
  Apply({{"a", {kept.Spec("kept"), Static({"z:1"})}}});
  TurnFor(100ms);
  CHECK(kept.starts == 1);
  CHECK(kept.stops == 0);
  CHECK(gone.stops == 1);
  CHECK(deliveries["a"].back() == "x:1 z:1 ");
}

TEST_CASE_METHOD(Fixture, "a job that is gone is ended and heard of no more") {
  Feed& feed = NewFeed();
  Apply({{"a", {feed.Spec("f")}}});
  feed.sink({Group("1", {"x:1"})});
  Turn();
  Apply({});
  TurnFor(50ms);
  CHECK(feed.stops == 1);
  CHECK(deliveries["a"].size() == 1);
  CHECK(metrics.Expose().find("config=\"a\"") == std::string::npos);
}

TEST_CASE_METHOD(Fixture, "a slow provider holds the others back no longer than the throttle") {
  Feed& slow = NewFeed();
  Apply({{"a", {slow.Spec("slow"), Static({"z:1"})}}});
  CHECK(deliveries["a"].empty());
  TurnFor(200ms);
  CHECK(deliveries["a"] == std::vector<std::string>{"z:1 "});
}

}  // namespace
}  // namespace barograph::discovery
