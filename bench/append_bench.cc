// AppendRow: what a stable page costs from values to the log and the head, in a table whose series
// do not change. The arguments are the number of columns and how many of a hundred change at each
// row.
//
// AppendLone: what samples cost that come one at a time, one of each series every 15 s, in the lone
// store (Check and Append, as a commit does; no log). The arguments are the series, the samples of
// each, and the order: 0 as time goes, 1 every tenth an hour late, 2 at random.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "base/metrics/registry.h"
#include "tests/support/temp_dir.h"
#include "tsdb/bitmap.h"
#include "tsdb/database.h"
#include "tsdb/head/lone_store.h"

namespace barograph {
namespace {

/// Values like a node exporter's: counters, gauges of one or two decimals, a few full doubles.
class Page {
 public:
  Page(size_t columns, size_t changing_percent)
      : values(columns), presence(tsdb::WordsFor(columns)), changing_(changing_percent) {
    for (size_t c = 0; c < columns; ++c) {
      values[c] = static_cast<double>(c * 1000);
      tsdb::SetBit(presence, c);
    }
  }

  void Change() {
    for (size_t c = 0; c < values.size(); ++c) {
      if (c % 100 >= changing_) continue;
      const uint64_t draw = random_();
      switch (c % 16) {
        case 0: values[c] = static_cast<double>(draw % 100'000) / 100; break;
        case 1: values[c] = static_cast<double>(draw % 1'000'000) * 4096; break;
        case 2: values[c] = static_cast<double>(draw) / 3.0; break;
        default: values[c] += static_cast<double>(draw % 100); break;
      }
    }
  }

  std::vector<double> values;
  std::vector<uint64_t> presence;

 private:
  const size_t changing_;
  std::mt19937_64 random_{1};
};

void AppendRow(benchmark::State& state) {
  const auto columns = static_cast<size_t>(state.range(0));
  const test::TempDir dir;
  MetricsRegistry metrics;
  auto database = tsdb::Database::Open(PosixFileSystem(), SystemClock(), Logger(), metrics,
                                       {.path = dir.path(), .index_path = {}});
  if (!database) return state.SkipWithError(database.error().message.c_str());
  const auto table = *(*database)->OpenTable();
  for (size_t c = 0; c < columns; ++c) {
    const std::string number = std::to_string(c);
    if (!table->AddColumn({{"__name__", "metric_" + number}, {"instance", "a"}, {"job", "b"}})) {
      return state.SkipWithError("AddColumn");
    }
  }
  // Rows are made before they are timed, in as many as are sealed at once.
  std::vector<std::vector<double>> rows;
  Page page(columns, static_cast<size_t>(state.range(1)));
  for (int r = 0; r < 120; ++r) {
    page.Change();
    rows.push_back(page.values);
  }
  int64_t ms = 0;
  size_t row = 0;
  for (auto _ : state) {
    const auto report = table->AppendRow({FromMs(ms), rows[row], page.presence});
    if (!report || report->appended != columns) return state.SkipWithError("AppendRow");
    ms += 15'000;
    row = (row + 1) % rows.size();
  }
  const auto samples = static_cast<double>(state.iterations()) * static_cast<double>(columns);
  state.counters["time/sample"] =
      benchmark::Counter(samples, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["samples/s"] = benchmark::Counter(samples, benchmark::Counter::kIsRate);
  const std::string exposed = metrics.Expose();
  const std::string name = "\nprometheus_tsdb_wal_storage_size_bytes ";
  const double log_bytes = std::stod(exposed.substr(exposed.find(name) + name.size()));
  state.counters["log bytes/sample"] = log_bytes / samples;
}

BENCHMARK(AppendRow)
    ->Args({1000, 0})
    ->Args({1000, 30})
    ->Args({1000, 50})
    ->Args({1000, 100})
    ->Args({10'000, 50})
    ->Args({20, 50});

std::vector<int64_t> TimesInOrder(int64_t samples, int64_t order) {
  std::vector<int64_t> times(static_cast<size_t>(samples));
  std::iota(times.begin(), times.end(), 1000);
  for (size_t i = 0; i < times.size(); ++i) {
    times[i] *= 15'000;
    if (order == 1 && i % 10 == 9) times[i] -= 3'600'007;
  }
  if (order == 2) std::ranges::shuffle(times, std::mt19937_64(1));
  return times;
}

void AppendLone(benchmark::State& state) {
  const auto series = static_cast<uint64_t>(state.range(0));
  const std::vector<int64_t> times = TimesInOrder(state.range(1), state.range(2));
  double memory_bytes = 0, file_bytes = 0;
  for (auto _ : state) {
    const test::TempDir dir;
    tsdb::LoneStore store;
    if (!store.Open(PosixFileSystem(), Logger(), {.directory = dir.path()})) {
      return state.SkipWithError("Open");
    }
    for (const int64_t ms : times) {
      for (uint64_t id = 1; id <= series; ++id) {
        const auto value = static_cast<double>(ms / 15'000 * static_cast<int64_t>(id % 7));
        const tsdb::LonePoint point{FromMs(ms), value};
        benchmark::DoNotOptimize(store.Check(SeriesId{id}, point));
        store.Append(SeriesId{id}, point);
      }
    }
    memory_bytes = static_cast<double>(store.memory_bytes());
    file_bytes = static_cast<double>(store.file_bytes());
  }
  const auto appended = static_cast<double>(times.size() * series);
  state.counters["time/sample"] = benchmark::Counter(
      appended, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["memory/series"] = memory_bytes / static_cast<double>(series);
  state.counters["file/sample"] = file_bytes / appended;
}

BENCHMARK(AppendLone)
    ->Args({100'000, 20, 0})
    ->Args({100'000, 60, 0})
    ->Args({100'000, 480, 0})
    ->Args({100'000, 480, 1})
    ->Args({20'000, 480, 2})
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

}  // namespace
}  // namespace barograph

BENCHMARK_MAIN();
