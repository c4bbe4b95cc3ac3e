#include <bit>
#include <catch2/catch.hpp>
#include <deque>

#include "base/bytes/big_endian.h"
#include "base/bytes/crc32c.h"
#include "server/cli/tsdb/export_prometheus.h"
#include "server/cli/tsdb/import_openmetrics.h"
#include "server/cli/tsdb/import_prometheus.h"
#include "server/cli/tsdb/series_walk.h"
#include "tests/promql/memory_storage.h"
#include "tests/server/scrape_fake_storage.h"
#include "tests/support/manual_clock.h"
#include "tests/support/memory_file_system.h"
#include "tsdb/prometheus/block.h"

namespace barograph::server::cli {
namespace {

using promql::testing::MemoryStorage;
using test::ManualClock;
using test::MemoryFileSystem;

constexpr int64_t kHour = 3'600'000;

void Ignore(std::string_view) {}

// Everything, one line a sample.
std::vector<std::string> Lines(const Queryable& storage) {
  std::vector<std::string> lines;
  const auto selectors = ParseSelectors({});
  const Status walked =
      WalkSeries(storage, {}, *selectors, [&](const Labels& labels, const SeriesSamples& samples) {
        for (size_t i = 0; i < samples.size(); ++i) {
          const bool is_histogram = !samples.histograms.empty() && samples.histograms[i] != nullptr;
          lines.push_back(labels.ToString() + " " + std::to_string(ToMs(samples.timestamps[i])) +
                          " " +
                          (is_histogram ? samples.histograms[i]->ToString()
                                        : std::to_string(samples.values[i])));
        }
        return Status();
      });
  REQUIRE(walked.has_value());
  return lines;
}

FloatHistogram Counts(double first, double second) {
  FloatHistogram histogram;
  histogram.count = first + second;
  histogram.sum = 7;
  histogram.positive_spans = {{0, 2}};
  histogram.positive_buckets = {first, second};
  return histogram;
}

PrometheusExportOptions ExportAll() {
  PrometheusExportOptions options;
  options.directory = "out";
  options.selectors = *ParseSelectors({});
  return options;
}

TEST_CASE("what is exported as Prometheus's blocks and imported again is the same") {
  MemoryStorage from;
  for (int64_t i = 0; i < 100; ++i) from.Append({{"__name__", "b"}}, i * kHour / 7, 0.5 * i);
  from.Append({{"__name__", "a"}, {"x", "1"}}, -1, 2);
  from.Append({{"__name__", "a"}, {"x", "1"}}, 50 * kHour, 3);
  std::deque<FloatHistogram> histograms;
  for (int i = 0; i < 30; ++i) {
    const bool whole = i < 15;
    histograms.push_back(Counts(i, whole ? 2.0 * i : 2.5 * i));
    from.Append({{"__name__", "h"}}, i * kHour / 7, &histograms.back());
  }
  MemoryFileSystem files;
  const ManualClock clock;
  const auto exported = ExportPrometheus(from, files, clock, ExportAll(), Ignore);
  REQUIRE(exported.has_value());
  CHECK(exported->samples == 132);
  CHECK(exported->blocks == 10);  // 100 samples in 8 of them, and the two lone ones of `a`

  MemoryStorage to;
  test::FakeStorage none;
  const auto imported = ImportPrometheus(files, "out", to, none, Ignore);
  REQUIRE(imported.has_value());
  CHECK(imported->blocks == 10);
  CHECK(imported->problems == 0);
  CHECK(imported->samples.appended == 132);
  CHECK(Lines(to) == Lines(from));
}

TEST_CASE("an exported block holds the series that were asked for, in its aligned range") {
  MemoryStorage from;
  for (int64_t hour = 0; hour < 10; ++hour) {
    from.Append({{"__name__", "a"}}, hour * kHour, 1);
    from.Append({{"__name__", "b"}}, hour * kHour, 1);
    from.Append({{"__name__", "c"}}, hour * kHour, 1);
  }
  MemoryFileSystem files;
  const ManualClock clock;
  PrometheusExportOptions options = ExportAll();
  options.selectors = *ParseSelectors({"a", "{__name__=~\"a|c\"}"});
  options.range = {FromMs(3 * kHour), FromMs(4 * kHour)};
  options.block_duration = Duration(3 * kHour);
  REQUIRE(ExportPrometheus(from, files, clock, options, Ignore).has_value());
  const auto list = tsdb::prometheus::ListBlocks(files, "out");
  REQUIRE(list->blocks.size() == 1);
  const tsdb::prometheus::BlockMeta& meta = list->blocks[0].meta;
  CHECK(meta.min_time == FromMs(3 * kHour));
  CHECK(meta.max_time == FromMs(6 * kHour));
  CHECK(meta.stats.series == 2);
  CHECK(meta.stats.samples == 4);
  options.block_duration = Duration(0);
  CHECK(ExportPrometheus(from, files, clock, options, Ignore).error().message ==
        "the block duration must be above 0");
}

TEST_CASE("what is broken in a data directory is told, and the rest is imported") {
  MemoryStorage from;
  from.Append({{"__name__", "a"}}, 0, 1);
  from.Append({{"__name__", "b"}}, 0, 1);
  from.Append({{"__name__", "b"}}, 2 * kHour, 1);
  MemoryFileSystem files;
  const ManualClock clock;
  REQUIRE(ExportPrometheus(from, files, clock, ExportAll(), Ignore).has_value());
  const std::string folder = tsdb::prometheus::ListBlocks(files, "out")->blocks[0].folder;
  std::string chunks = *files.ReadFile(folder + "/chunks/000001");
  chunks[12] ^= 1;
  REQUIRE(files.WriteFile(folder + "/chunks/000001", chunks).has_value());
  std::vector<std::string> told;
  MemoryStorage to;
  test::FakeStorage none;
  const auto imported = ImportPrometheus(files, "out", to, none,
                                         [&](std::string_view line) { told.emplace_back(line); });
  REQUIRE(imported.has_value());
  CHECK(imported->problems == 1);
  CHECK(std::ranges::count(told, "cannot read: " + folder +
                                     "/chunks/000001: at byte 8: the chunk's checksum does not "
                                     "match") == 1);
  CHECK(Lines(to).size() == 2);
}

TEST_CASE("a data directory that Prometheus runs on is not imported") {
  MemoryFileSystem files;
  REQUIRE(files.CreateDirectories("data").has_value());
  REQUIRE(files.WriteFile("data/lock", "").has_value());
  MemoryStorage to;
  test::FakeStorage none;
  {
    const auto held = files.Lock("data/lock");
    REQUIRE(held.has_value());
    CHECK(ImportPrometheus(files, "data", to, none, Ignore).error().message ==
          "data is in use: stop the Prometheus that runs on it first");
  }
  CHECK(ImportPrometheus(files, "data", to, none, Ignore).has_value());
}

TEST_CASE("exemplars of an imported log are given to storage, and those it refuses are counted") {
  std::string series = "\1", exemplars = "\4";
  AppendBigEndian(series, uint64_t{7});
  series += std::string("\1\x08__name__\1a", 12);
  AppendBigEndian(exemplars, uint64_t{7});
  AppendBigEndian(exemplars, uint64_t{1000});
  exemplars += std::string(2, '\0');  // this series, at this time
  AppendBigEndian(exemplars, std::bit_cast<uint64_t>(2.5));
  exemplars += std::string("\1\2id\1x", 6);
  std::string wal;
  for (const std::string& record : {series, exemplars}) {
    wal.push_back('\1');  // whole, not compressed
    AppendBigEndian(wal, static_cast<uint16_t>(record.size()));
    AppendBigEndian(wal, Crc32c(record));
    wal += record;
  }
  MemoryFileSystem files;
  REQUIRE(files.CreateDirectories("out/wal").has_value());
  REQUIRE(files.WriteFile("out/wal/00000000", wal).has_value());
  test::FakeStorage to;
  for (const bool refuses : {false, true}) {
    if (refuses) to.JudgeExemplars(ExemplarVerdict::kInvalid);
    const auto imported = ImportPrometheus(files, "out", to, to, Ignore);
    REQUIRE(imported.has_value());
    CHECK(imported->problems == 0);
    CHECK(imported->exemplars == (refuses ? 0 : 1));
    CHECK(imported->refused_exemplars == (refuses ? 1 : 0));
    CHECK(to.TakeExemplars() == std::vector<std::string>{"a # {id=\"x\"} 2.5 @1000"});
  }
}

TEST_CASE("start timestamps are counted when they are left out of an export") {
  MemoryStorage from;
  const auto appender = from.NewAppender();
  const SeriesId id = *appender->Resolve({{"__name__", "a"}});
  appender->Append(id, {FromMs(1000), 1}, FromMs(500));
  appender->Append(id, {FromMs(2000), 2}, FromMs(500));
  appender->Append(id, {FromMs(3000), 3});
  REQUIRE(appender->Commit().has_value());
  MemoryFileSystem files;
  const ManualClock clock;
  const auto exported = ExportPrometheus(from, files, clock, ExportAll(), Ignore);
  REQUIRE(exported.has_value());
  CHECK(exported->samples == 3);
  CHECK(exported->starts == 2);
}

TEST_CASE("OpenMetrics text is imported with its timestamps") {
  MemoryStorage to;
  const auto report = ImportOpenMetrics(
      "# TYPE a counter\na_total{x=\"1\"} 2 1.5\na_total{x=\"1\"} 3 2\n# EOF\n", to);
  REQUIRE(report.has_value());
  CHECK(report->appended == 2);
  CHECK(Lines(to) == std::vector<std::string>{"a_total{x=\"1\"} 1500 2.000000",
                                              "a_total{x=\"1\"} 2000 3.000000"});
}

TEST_CASE("what is wrong with an OpenMetrics text is told with its line") {
  MemoryStorage to;
  CHECK(ImportOpenMetrics("a 1 2\nb 1\n# EOF\n", to).error().message ==
        "line 2: expected timestamp for series b, got none");
  CHECK(ImportOpenMetrics("a 1 2\n\nb 1 2\n# EOF\n", to).error().message.starts_with("line 2: "));
  CHECK_FALSE(ImportOpenMetrics("a 1 2\n", to).has_value());
}

TEST_CASE("selectors that match everything or do not parse are refused") {
  CHECK(ParseSelectors({"{a=\"\"}"}).error().message.starts_with("{a=\"\"}: a selector must have"));
  CHECK(ParseSelectors({"{"}).error().message.contains("parse error"));
  CHECK(ParseSelectors({})->size() == 1);
}

}  // namespace
}  // namespace barograph::server::cli
