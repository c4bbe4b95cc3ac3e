#include <fmt/format.h>

#include <cstdio>
#include <limits>
#include <optional>

#include "base/file_system.h"
#include "base/model/number.h"
#include "server/cli/cli.h"
#include "server/cli/flag_set.h"
#include "server/cli/tsdb/batch_appender.h"
#include "server/cli/tsdb/export_prometheus.h"
#include "server/cli/tsdb/import_openmetrics.h"
#include "server/cli/tsdb/import_prometheus.h"
#include "server/cli/tsdb/inspect.h"
#include "server/cli/tsdb/offline.h"
#include "server/cli/tsdb/series_walk.h"
#include "server/config/config.h"
#include "tsdb/database.h"

namespace barograph::server::cli {
namespace {

void Tell(std::string_view line) { fmt::print(stderr, "{}\n", line); }

/// What the verbs share.
struct Common {
  std::string storage_path = "data/";
  std::vector<std::string> match;
  double min_time = -std::numeric_limits<double>::infinity();
  double max_time = std::numeric_limits<double>::infinity();
};

// A time in milliseconds, as promtool takes them; infinities are the ends of time.
Timestamp ToTimestamp(double ms) {
  const auto limit = [](Timestamp time) { return static_cast<double>(ToMs(time)); };
  if (!(ms > limit(kMinTimestamp))) return kMinTimestamp;
  if (ms >= limit(kMaxTimestamp)) return kMaxTimestamp;
  return FromMs(static_cast<int64_t>(ms));
}

void AddSelectionFlags(FlagSet& flags, Common& common) {
  flags.Add("match", common.match, "Selector of series. Can be repeated. All that have a name");
  flags.Add("min-time", common.min_time, "First time, in milliseconds since the epoch");
  flags.Add("max-time", common.max_time, "Last time, in milliseconds since the epoch");
}

int ImportDirectory(const std::string& directory, tsdb::Database& database) {
  const auto done = ImportPrometheus(PosixFileSystem(), directory, database, database, Tell);
  if (!done.has_value()) return Failed(done.error());
  if (const Status closed = database.Close(); !closed) return Failed(closed.error());
  fmt::print("{} blocks and the head: {}\n", done->blocks, Describe(done->samples));
  if (done->exemplars > 0) fmt::print("{} exemplars of the head\n", done->exemplars);
  if (done->refused_exemplars > 0) {
    fmt::print("not imported: {} exemplars, too long or out of order\n", done->refused_exemplars);
  }
  if (done->head.ignored_records > 0) {
    fmt::print("not imported: {} records of metadata\n", done->head.ignored_records);
  }
  if (done->head.orphans > 0) {
    fmt::print("not imported: {} samples, exemplars and chunks of unknown series\n",
               done->head.orphans);
  }
  if (done->problems > 0) fmt::print("{} parts could not be read\n", done->problems);
  return done->problems == 0 && done->samples.refused() == 0 ? kSuccess : kFailure;
}

int ImportFile(const std::string& path, tsdb::Database& database) {
  const auto page = PosixFileSystem().Map(path);
  if (!page.has_value()) return Failed(page.error());
  const auto done = ImportOpenMetrics((*page)->bytes(), database);
  if (!done.has_value()) return Failed(Annotate(done.error(), path));
  if (const Status closed = database.Close(); !closed) return Failed(closed.error());
  fmt::print("{}: {}\n", path, Describe(*done));
  return done->refused() == 0 ? kSuccess : kFailure;
}

int Import(const Arguments& arguments) {
  Common common;
  std::string directory;
  std::string file;
  uint64_t max_exemplars = kDefaultMaxExemplars;
  FlagSet flags("barograph tsdb import",
                "Import a Prometheus data directory (blocks, log and head), or OpenMetrics text "
                "with timestamps.");
  AddStorageFlag(flags, common.storage_path);
  flags.Add("prometheus", directory, "The data directory of a Prometheus that does not run");
  flags.Add("max-exemplars", max_exemplars,
            "With --prometheus: how many exemplars are kept, the newest of all; give what "
            "storage.exemplars.max_exemplars says. 0 imports none");
  flags.OptionalArgument("FILE", file, "A file of OpenMetrics text");
  if (const auto code = ParseFlags(flags, arguments)) return *code;
  if (directory.empty() == file.empty()) {
    return UsageError("expected tsdb import FILE or tsdb import --prometheus DIR");
  }
  OfflineDatabase database;
  const Status opened = database.Open(common.storage_path, file.empty() ? max_exemplars : 0);
  if (!opened) return Failed(opened.error());
  return file.empty() ? ImportDirectory(directory, *database) : ImportFile(file, *database);
}

int Export(const Arguments& arguments) {
  Common common;
  PrometheusExportOptions options;
  FlagSet flags("barograph tsdb export", "Write blocks that Prometheus and promtool read.");
  AddStorageFlag(flags, common.storage_path);
  flags.Add("prometheus", options.directory, "The directory that gets the blocks");
  flags.Add("block-duration", options.block_duration, "How much time a block spans");
  AddSelectionFlags(flags, common);
  if (const auto code = ParseFlags(flags, arguments)) return *code;
  if (options.directory.empty()) return UsageError("expected tsdb export --prometheus DIR");
  auto selectors = ParseSelectors(common.match);
  if (!selectors.has_value()) return UsageError(selectors.error().message);
  options.selectors = std::move(*selectors);
  options.range = {ToTimestamp(common.min_time), ToTimestamp(common.max_time)};
  OfflineDatabase database;
  if (const Status opened = database.Open(common.storage_path); !opened) {
    return Failed(opened.error());
  }
  const auto done = ExportPrometheus(*database, PosixFileSystem(), SystemClock(), options, Tell);
  if (!done.has_value()) return Failed(done.error());
  fmt::print("{} blocks, {} samples\n", done->blocks, done->samples);
  if (done->starts > 0) {
    fmt::print(
        "not exported: the start timestamps of {} samples, for which these blocks have no place\n",
        done->starts);
  }
  return kSuccess;
}

Status DumpSeries(const Labels& labels, const SeriesSamples& samples, bool with_starts) {
  std::string name;
  for (const Label& label : labels) {
    name += fmt::format("{}{}={}", name.empty() ? "" : ", ", label.name, Quote(label.value));
  }
  for (size_t i = 0; i < samples.size(); ++i) {
    const bool is_histogram = !samples.histograms.empty() && samples.histograms[i] != nullptr;
    const bool has_start = with_starts && !samples.start_timestamps.empty() &&
                           samples.start_timestamps[i] != kUnknownStart;
    fmt::print("{{{}}} {} {}{}\n", name,
               is_histogram ? samples.histograms[i]->ToString() : FormatShortest(samples.values[i]),
               ToMs(samples.timestamps[i]),
               has_start ? fmt::format(" {}", ToMs(samples.start_timestamps[i])) : "");
  }
  return {};
}

int Dump(const Arguments& arguments) {
  Common common;
  FlagSet flags("barograph tsdb dump",
                "Print samples as promtool does: {labels} value milliseconds.");
  bool with_starts = false;
  AddStorageFlag(flags, common.storage_path);
  AddSelectionFlags(flags, common);
  flags.Add("start-timestamps", with_starts,
            "Print a sample's start timestamp last, where one is known");
  if (const auto code = ParseFlags(flags, arguments)) return *code;
  const auto selectors = ParseSelectors(common.match);
  if (!selectors.has_value()) return UsageError(selectors.error().message);
  OfflineDatabase database;
  if (const Status opened = database.Open(common.storage_path); !opened) {
    return Failed(opened.error());
  }
  const TimeRange range{ToTimestamp(common.min_time), ToTimestamp(common.max_time)};
  const Status dumped = WalkSeries(*database, range, *selectors,
                                   [&](const Labels& labels, const SeriesSamples& samples) {
                                     return DumpSeries(labels, samples, with_starts);
                                   });
  return dumped.has_value() ? kSuccess : Failed(dumped.error());
}

}  // namespace

int Tsdb(const Arguments& arguments) {
  const std::string what = arguments.empty() ? "" : arguments[0];
  const Arguments rest(arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end());
  if (what == "import") return Import(rest);
  if (what == "export") return Export(rest);
  if (what == "dump") return Dump(rest);
  if (what == "list") return TsdbList(rest);
  if (what == "analyze") return TsdbAnalyze(rest);
  if (what == "verify") return TsdbVerify(rest);
  const bool help = what == "--help" || what == "-h";
  fmt::print(help ? stdout : stderr,
             "Usage: barograph tsdb import FILE | import --prometheus=DIR | "
             "export --prometheus=DIR | dump | list | analyze | verify\n");
  return help ? kSuccess : kUsage;
}

}  // namespace barograph::server::cli
