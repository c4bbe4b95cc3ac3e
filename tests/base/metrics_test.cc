#include <catch2/catch.hpp>
#include <cmath>
#include <thread>

#include "base/metrics/registry.h"
#include "base/model/sample.h"
#include "tests/support/manual_clock.h"

namespace barograph {
namespace {

TEST_CASE("Families are exposed in name order, in the text format") {
  MetricsRegistry registry;
  registry.AddGauge("z_gauge", "Last.").Set(-0.5);
  registry.AddCounter("a_total", "With a \\ and a\nnew line.", {{"job", "a\"b\\\n"}}).Increment();
  registry.AddCounter("a_total", "Ignored.", {{"job", "b"}, {"code", "200"}}).Increment(1e6);
  registry.AddGaugeFunction("m_function", "Asked.", [] { return kInf; });
  CHECK(registry.Expose() ==
        "# HELP a_total With a \\\\ and a\\nnew line.\n"
        "# TYPE a_total counter\n"
        "a_total{code=\"200\",job=\"b\"} 1e+06\n"
        "a_total{job=\"a\\\"b\\\\\\n\"} 1\n"
        "# HELP m_function Asked.\n"
        "# TYPE m_function gauge\n"
        "m_function +Inf\n"
        "# HELP z_gauge Last.\n"
        "# TYPE z_gauge gauge\n"
        "z_gauge -0.5\n");
}

TEST_CASE("Histograms are exposed with cumulative buckets") {
  MetricsRegistry registry;
  HistogramMetric& histogram = registry.AddHistogram("h", "Sizes.", {0.5, 1, 1e6}, {{"kind", "x"}});
  for (const double value : {0.1, 0.5, 0.6, 2.0, 1e7, std::nan("")}) histogram.Observe(value);
  const std::string text = registry.Expose();
  CHECK(
      text.contains("h_bucket{kind=\"x\",le=\"0.5\"} 2\n"
                    "h_bucket{kind=\"x\",le=\"1\"} 3\n"
                    "h_bucket{kind=\"x\",le=\"1e+06\"} 4\n"
                    "h_bucket{kind=\"x\",le=\"+Inf\"} 6\n"
                    "h_sum{kind=\"x\"} NaN\n"
                    "h_count{kind=\"x\"} 6\n"));
}

TEST_CASE("Summaries are exposed with their quantiles") {
  MetricsRegistry registry;
  SummaryMetric& summary = registry.AddSummary("s", "Times.", {}, std::vector<double>{0.5, 0.99});
  CHECK(
      registry.Expose().contains("s{quantile=\"0.5\"} NaN\ns{quantile=\"0.99\"} NaN\n"
                                 "s_sum 0\ns_count 0\n"));
  for (int i = 1; i <= 100; ++i) summary.Observe(i);
  CHECK(
      registry.Expose().contains("s{quantile=\"0.5\"} 50\ns{quantile=\"0.99\"} 99\n"
                                 "s_sum 5050\ns_count 100\n"));
}

TEST_CASE("A summary forgets what is older than its window, but not count and sum") {
  test::ManualClock clock;
  SummaryMetric summary(kDefaultQuantiles, clock);
  summary.Observe(1000);
  clock.Advance(std::chrono::minutes(8));
  for (int i = 0; i < 100000; ++i) summary.Observe(i % 100);
  CHECK(summary.Take().quantiles[2].second == Approx(50).margin(10));
  clock.Advance(std::chrono::minutes(11));
  summary.Observe(7);
  const auto snapshot = summary.Take();
  for (const auto& [quantile, value] : snapshot.quantiles) CHECK(value == 7);
  CHECK(snapshot.count == 100002);
}

TEST_CASE("A removed child is gone, and its family when it was the last") {
  MetricsRegistry registry;
  registry.AddCounter("c", "Help.", {{"pool", "a"}}).Increment();
  registry.Remove("c", {{"pool", "a"}});
  registry.Remove("none", {});
  CHECK(registry.Expose().empty());
  CHECK(registry.AddCounter("c", "Help.", {{"pool", "a"}}).value() == 0);
}

TEST_CASE("Many threads may count and look up while others read") {
  MetricsRegistry registry;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        registry.AddCounter("c", "Help.").Increment();
        registry.AddSummary("s", "Help.").Observe(i);
        if (i % 100 == 0) static_cast<void>(registry.Expose());
      }
    });
  }
  threads.clear();
  CHECK(registry.AddCounter("c", "Help.").value() == 4000);
  CHECK(registry.AddSummary("s", "Help.").Take().count == 4000);
}

TEST_CASE("The process tells of itself") {
  MetricsRegistry registry;
  AddProcessMetrics(registry);
  const std::string text = "\n" + registry.Expose();
  const auto value = [&](const std::string& name) {
    const size_t at = text.find("\n" + name + " ");
    REQUIRE(at != std::string::npos);
    return std::stod(text.substr(at + name.size() + 2));
  };
  CHECK(value("process_cpu_seconds_total") >= 0);
  CHECK(value("process_open_fds") >= 3);
  CHECK(value("process_max_fds") >= value("process_open_fds"));
  CHECK(value("process_resident_memory_bytes") > 1e5);
  CHECK(value("process_virtual_memory_bytes") >= value("process_resident_memory_bytes"));
  const double now = ToSeconds(SystemClock().Now());
  CHECK(value("process_start_time_seconds") <= now + 2);
  CHECK(value("process_start_time_seconds") > now - 3600);
}

}  // namespace
}  // namespace barograph
