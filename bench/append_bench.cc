// What a stable page costs from values to the log and the head: AppendRow of a table whose series
// do not change. The arguments are the number of columns and how many of a hundred change at each
// row.

#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "base/metrics/registry.h"
#include "tests/support/temp_dir.h"
#include "tsdb/bitmap.h"
#include "tsdb/database.h"

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

}  // namespace
}  // namespace barograph

BENCHMARK_MAIN();
