#include "server/cli/tsdb/export_prometheus.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "server/cli/tsdb/series_walk.h"
#include "tsdb/prometheus/block_writer.h"
#include "tsdb/prometheus/histogram_chunk.h"

namespace barograph::server::cli {
namespace {

namespace prometheus = tsdb::prometheus;

// Of time's windows of that length, the one that `time` is in; rounded down, also before 1970.
int64_t WindowOf(Timestamp time, Duration length) {
  const int64_t ms = ToMs(time);
  const int64_t size = length.count();
  return ms / size - (ms % size < 0 ? 1 : 0);
}

// The windows that have any samples.
Result<std::set<int64_t>> FindWindows(const Queryable& storage,
                                      const PrometheusExportOptions& options) {
  std::set<int64_t> windows;
  TRY(WalkSeries(storage, options.range, options.selectors,
                 [&](const Labels&, const SeriesSamples& samples) -> Status {
                   for (const Timestamp time : samples.timestamps) {
                     const int64_t window = WindowOf(time, options.block_duration);
                     if (windows.empty() || *windows.rbegin() != window) windows.insert(window);
                   }
                   return {};
                 }));
  return windows;
}

// Whether all counts of the series' histograms are whole numbers.
bool AreWhole(const SeriesSamples& samples) {
  return std::ranges::all_of(samples.histograms, [](const FloatHistogram* histogram) {
    return histogram == nullptr || prometheus::StoresAsInteger({*histogram, true});
  });
}

prometheus::SampleColumns ToColumns(const SeriesSamples& samples) {
  const bool integer = AreWhole(samples);
  prometheus::SampleColumns columns;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (!samples.histograms.empty() && samples.histograms[i] != nullptr) {
      columns.AddHistogram(samples.timestamps[i], {*samples.histograms[i], integer});
    } else {
      columns.AddFloat(samples.timestamps[i], samples.values[i]);
    }
  }
  return columns;
}

uint64_t CountStarts(const SeriesSamples& samples) {
  const auto is_known = [](Timestamp start) { return start != kUnknownStart; };
  return static_cast<uint64_t>(std::ranges::count_if(samples.start_timestamps, is_known));
}

Result<std::optional<prometheus::BlockMeta>> WriteBlock(const Queryable& storage, FileSystem& files,
                                                        const Clock& clock,
                                                        const PrometheusExportOptions& options,
                                                        int64_t window, uint64_t& starts) {
  prometheus::BlockWriterOptions block;
  block.directory = options.directory;
  block.ulid = tsdb::Ulid::Make(clock.Now());
  block.min_time = FromMs(window * options.block_duration.count());
  block.max_time = block.min_time + options.block_duration;
  const TimeRange range{std::max(options.range.min, block.min_time),
                        std::min(options.range.max, block.max_time - Duration(1))};
  auto writer = TRY(prometheus::BlockWriter::Create(files, std::move(block)));
  TRY(WalkSeries(storage, range, options.selectors,
                 [&](const Labels& labels, const SeriesSamples& samples) {
                   starts += CountStarts(samples);
                   return writer->Add(labels, ToColumns(samples));
                 }));
  return writer->Finish();
}

}  // namespace

Result<PrometheusExport> ExportPrometheus(const Queryable& storage, FileSystem& files,
                                          const Clock& clock,
                                          const PrometheusExportOptions& options,
                                          const std::function<void(std::string_view)>& tell) {
  if (options.block_duration <= Duration(0)) {
    return Fail(ErrorCode::kInvalidArgument, "the block duration must be above 0");
  }
  TRY(files.CreateDirectories(options.directory));
  PrometheusExport done;
  for (const int64_t window : TRY(FindWindows(storage, options))) {
    const auto meta = TRY(WriteBlock(storage, files, clock, options, window, done.starts));
    if (!meta) continue;
    ++done.blocks;
    done.samples += meta->stats.samples;
    tell(fmt::format("block {}: {} series, {} samples", meta->ulid.ToString(), meta->stats.series,
                     meta->stats.samples));
  }
  return done;
}

}  // namespace barograph::server::cli
