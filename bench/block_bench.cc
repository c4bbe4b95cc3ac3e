#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/series_file.h"
#include "tests/support/memory_file_system.h"
#include "tsdb/block/block.h"
#include "tsdb/block/block_reader.h"
#include "tsdb/block/block_verify.h"
#include "tsdb/block/block_writer.h"

// Bytes a sample of whole blocks, all included, and samples a second written and read, over real
// series where a file of them is given (--data=FILE or BAROGRAPH_SERIES) and over made-up ones
// otherwise. `2h` are the first 480 scrapes, as the head is cut; `all` is every scrape, as a merge
// leaves them; `every5` takes each fifth value (recorded once a second, they then are nearer to a
// usual interval). A cold read opens the block: each extent's checksum is computed. Files are in
// memory, so that the codec is measured and not a disk.

namespace barograph::tsdb {
namespace {

bench::SeriesFile& File() {
  static bench::SeriesFile file;
  return file;
}

struct Shape {
  const char* name;
  uint32_t rows = 0;  ///< the first so many; 0 is all
  uint32_t every = 1;
};
constexpr Shape kShapes[] = {{"2h", 480}, {"all", 0}, {"every5", 0, 5}};

struct SeriesToWrite {
  Labels labels;
  std::vector<Timestamp> timestamps;
  std::vector<double> values;
  uint64_t column = 0;
};

/// What is exposed, with the labels that scraping adds.
Labels LabelsOf(const bench::RecordedSeries& series) {
  LabelsBuilder labels;
  const size_t brace = std::min(series.key.find('{'), series.key.size());
  labels.Set(kInstanceLabel, "10.0.0." + std::to_string(series.target) + ":9100");
  labels.Set(kJobLabel, "job-" + std::to_string(series.target));
  labels.Set(kMetricName, series.key.substr(0, brace));
  // name="value", ...: what is escaped in a value stays so, which is as long.
  for (size_t at = brace + 1; at < series.key.size();) {
    const size_t equals = series.key.find("=\"", at);
    if (equals == std::string::npos) break;
    size_t quote = equals + 2;
    while (quote < series.key.size() && series.key[quote] != '"') {
      quote += series.key[quote] == '\\' ? 2 : 1;
    }
    labels.Set(series.key.substr(at, equals - at),
               series.key.substr(equals + 2, quote - equals - 2));
    at = quote + 2;
  }
  return labels.Build();
}

/// The series of a shape, in the order of (metric name, labels). Those with every scrape of their
/// target share its column.
std::vector<SeriesToWrite> Cut(const Shape& shape) {
  std::vector<SeriesToWrite> cut;
  for (const bench::RecordedSeries& series : File().series) {
    const std::vector<Timestamp>& times = File().targets[series.target].times;
    const size_t limit =
        shape.rows == 0 ? times.size() : std::min<size_t>(shape.rows, times.size());
    SeriesToWrite some;
    some.labels = LabelsOf(series);
    for (size_t i = 0; i < series.rows.size(); ++i) {
      const uint32_t row = series.rows[i];
      if (row >= limit || row % shape.every != 0) continue;
      some.timestamps.push_back(times[row / shape.every]);
      some.values.push_back(series.values[i]);
    }
    const size_t whole = (limit + shape.every - 1) / shape.every;
    if (some.timestamps.size() == whole) some.column = series.target + 1;
    if (!some.timestamps.empty()) cut.push_back(std::move(some));
  }
  std::ranges::sort(cut, [](const SeriesToWrite& a, const SeriesToWrite& b) {
    const auto by_name = a.labels.metric_name() <=> b.labels.metric_name();
    return by_name != 0 ? by_name < 0 : a.labels < b.labels;
  });
  return cut;
}

BlockOrigin Origin() {
  BlockOrigin origin;
  origin.window = {FromMs(INT64_MAX), FromMs(INT64_MIN)};
  for (const bench::TargetTimes& target : File().targets) {
    if (target.times.empty()) continue;
    origin.window.min = std::min(origin.window.min, target.times.front());
    origin.window.max = std::max(origin.window.max, target.times.back());
  }
  return origin;
}

/// Ids in the order in which a target exposes its series, target by target, as scraping gives them.
uint64_t IdOf(size_t index, const SeriesToWrite& series) {
  return 1 + series.column * 1'000'000 + index;
}

Result<BlockMeta> Write(FileSystem& files, const std::vector<SeriesToWrite>& series, int level) {
  BlockWriterOptions options;
  options.compression_level = level;
  const auto writer = TRY(BlockWriter::Create(files, ".", Origin(), options));
  for (size_t i = 0; i < series.size(); ++i) {
    SeriesSamples samples;
    samples.timestamps = series[i].timestamps;
    samples.values = series[i].values;
    samples.timestamp_column = series[i].column;
    TRY(writer->Add(SeriesId{IdOf(i, series[i])}, series[i].labels, samples));
  }
  return writer->Finish();
}

void ReportSizes(benchmark::State& state, const Block& block) {
  const BlockAnatomy anatomy = DescribeBlock(block);
  const auto samples = static_cast<double>(block.meta().stats.samples);
  state.counters["bytes/sample"] = static_cast<double>(block.meta().stats.bytes) / samples;
  state.counters["columns"] = static_cast<double>(anatomy.column_bytes) / samples;
  state.counters["labels"] = static_cast<double>(anatomy.label_bytes) / samples;
  state.counters["labels/series"] =
      static_cast<double>(anatomy.label_bytes) / static_cast<double>(block.meta().stats.series);
  state.counters["directory"] = static_cast<double>(anatomy.directory_bytes) / samples;
  state.counters["directory/series"] =
      static_cast<double>(anatomy.directory_bytes) / static_cast<double>(block.meta().stats.series);
}

void WriteBlocks(benchmark::State& state, const Shape& shape, int level) {
  const std::vector<SeriesToWrite> series = Cut(shape);
  test::MemoryFileSystem files;
  uint64_t samples = 0;
  for (auto _ : state) {
    const auto meta = Write(files, series, level);
    if (!meta.has_value()) return state.SkipWithError(meta.error().message.c_str());
    samples += meta->stats.samples;
    state.PauseTiming();
    if (const auto block = Block::Open(files, "./" + meta->ulid().ToString())) {
      ReportSizes(state, **block);
    }
    (void)files.RemoveAll("./" + meta->ulid().ToString());
    state.ResumeTiming();
  }
  state.SetItemsProcessed(static_cast<int64_t>(samples));
}

enum class Order { kPosition, kId };
enum class Start { kCold, kWarm };

/// Reads every series in `range`; the number of samples.
uint64_t ReadAll(const std::shared_ptr<const Block>& block, const std::vector<SeriesId>& ids,
                 TimeRange range) {
  BlockReader reader(block);
  uint64_t samples = 0;
  for (const SeriesId id : ids) {
    const auto read = reader.Read(id, range);
    if (!read.has_value()) return 0;
    samples += read->size();
    benchmark::DoNotOptimize(read->values.data());
  }
  return samples;
}

void ReadBlocks(benchmark::State& state, const Shape& shape, int level, Order order, Start start,
                bool last_hour) {
  test::MemoryFileSystem files;
  const auto meta = Write(files, Cut(shape), level);
  if (!meta.has_value()) return state.SkipWithError(meta.error().message.c_str());
  const std::string path = "./" + meta->ulid().ToString();
  auto block = *Block::Open(files, path);
  const auto ids = order == Order::kId ? *block->Ids() : *block->IdsByPosition();
  TimeRange range = meta->range;
  if (last_hour) range.min = range.max - std::chrono::hours(1);
  uint64_t samples = ReadAll(block, ids, range);
  if (samples == 0) return state.SkipWithError("what was written cannot be read");
  samples = 0;
  for (auto _ : state) {
    if (start == Start::kCold) {
      state.PauseTiming();
      block = *Block::Open(files, path);
      state.ResumeTiming();
    }
    samples += ReadAll(block, ids, range);
  }
  state.SetItemsProcessed(static_cast<int64_t>(samples));
}

void RegisterAll() {
  for (const Shape& shape : kShapes) {
    for (const int level : {0, 3}) {
      const std::string name = std::string("/") + shape.name + (level == 0 ? "/plain" : "/zstd");
      benchmark::RegisterBenchmark(("Write" + name).c_str(), WriteBlocks, shape, level)
          ->Unit(benchmark::kMillisecond);
      const auto read = [&](const std::string& how, Order order, Start start, bool last_hour) {
        benchmark::RegisterBenchmark(("Read" + name + how).c_str(), ReadBlocks, shape, level, order,
                                     start, last_hour)
            ->Unit(benchmark::kMillisecond);
      };
      read("/cold", Order::kPosition, Start::kCold, false);
      read("/warm", Order::kPosition, Start::kWarm, false);
      read("/by_id", Order::kId, Start::kWarm, false);
      read("/last_hour", Order::kPosition, Start::kWarm, true);
    }
  }
}

}  // namespace
}  // namespace barograph::tsdb

int main(int argc, char** argv) {
  using namespace barograph;
  const std::string path = bench::TakeDataFlag(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  tsdb::File() = path.empty() ? bench::MakeSeriesFile() : bench::ReadSeriesFile(path);
  if (tsdb::File().series.empty()) {
    std::fprintf(stderr, "cannot read series from %s\n", path.c_str());
    return 1;
  }
  tsdb::RegisterAll();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
