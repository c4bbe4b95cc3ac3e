// The series index at size: days on each of which many series are new, as deployments of a cluster
// make them. Prints what defining them costs, bytes on disk, and how long questions take.
// Usage: index_bench FOLDER DAYS NEW_SERIES_A_DAY LASTING_SERIES
//        index_bench --lost FOLDER BLOCKS SERIES
//
// With --lost: how long it takes to make the index anew from BLOCKS blocks, each with the same
// SERIES series, and what their labels take there.

#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "base/file_system.h"
#include "base/metrics/registry.h"
#include "base/time.h"
#include "tsdb/block/block_files.h"
#include "tsdb/block/block_verify.h"
#include "tsdb/block/block_writer.h"
#include "tsdb/index/series_index.h"
#include "tsdb/index_opening.h"

namespace barograph {
namespace {

namespace fs = std::filesystem;
using tsdb::PartitionId;
using tsdb::SeriesIndex;

constexpr int32_t kFirstDay = 20'000;
constexpr uint64_t kSeriesPerPod = 250, kBucketsPerHistogram = 12;

template <typename F>
double Seconds(F&& run) {
  const auto begin = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

template <typename T>
T Must(Result<T> result) {
  if (!result) {
    fmt::print(stderr, "{}\n", result.error().message);
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

uint64_t Mix(uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

// Series of pods of 40 deployments, 250 series a pod: half of them buckets of histograms.
Labels LabelsFor(uint64_t id) {
  const uint64_t pod = id / kSeriesPerPod, place = id % kSeriesPerPod, app = pod % 40;
  LabelsBuilder labels;
  labels.Set("namespace", fmt::format("team-{}", app % 8));
  labels.Set("job", fmt::format("team-{}/app-{}", app % 8, app));
  labels.Set("pod",
             fmt::format("app-{}-{:08x}-{:05x}", app, Mix(app + pod / 400) >> 32, Mix(pod) >> 44));
  labels.Set("instance",
             fmt::format("10.{}.{}.{}:8080", pod / 65536 % 256, pod / 256 % 256, pod % 256));
  labels.Set("node", fmt::format("node-{}.cluster.example.org", Mix(pod) % 300));
  if (place < kSeriesPerPod / 2) {
    labels.Set("__name__", fmt::format("app_gauge_or_counter_{}_total", place));
  } else {
    labels.Set("__name__",
               fmt::format("app_request_{}_seconds_bucket", place / kBucketsPerHistogram));
    labels.Set("le", fmt::format("{}", 1 << place % kBucketsPerHistogram));
  }
  return labels.Build();
}

std::vector<SeriesIndex::Entry> Define(uint64_t first, uint64_t count) {
  std::vector<SeriesIndex::Entry> entries;
  for (uint64_t id = first; id < first + count; ++id) {
    entries.push_back({SeriesId{id}, std::string(LabelsFor(id).packed())});
  }
  return entries;
}

uint64_t BytesIn(const std::string& folder) {
  uint64_t bytes = 0;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator(folder)) bytes += entry.file_size(gone);
  return bytes;
}

// Waits until compaction in the background has come to rest.
uint64_t SettledBytes(const std::string& folder) {
  uint64_t before = 0, now = BytesIn(folder);
  for (int i = 0; i < 60 && before != now; ++i) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    before = std::exchange(now, BytesIn(folder));
  }
  return now;
}

double PeakMiB() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

struct Question {
  const char* name;
  Matchers matchers;
};

std::vector<Question> Questions() {
  const auto regex = [](const char* name, const char* value) {
    return *Matcher::Make(MatchType::kRegex, name, value);
  };
  return {
      {"one metric", {Matcher::Equal("__name__", "app_gauge_or_counter_7_total")}},
      {"one metric of one job",
       {Matcher::Equal("__name__", "app_gauge_or_counter_7_total"),
        Matcher::Equal("job", "team-3/app-3")}},
      {"job, two namespaces",
       {Matcher::Equal("__name__", "app_request_12_seconds_bucket"),
        regex("namespace", "team-1|team-2")}},
      {"pods by prefix",
       {Matcher::Equal("__name__", "app_gauge_or_counter_7_total"), regex("pod", "app-1-.+")}},
      {"pods by suffix",
       {Matcher::Equal("__name__", "app_gauge_or_counter_7_total"), regex("pod", ".+7f")}},
      {"all but one job",
       {Matcher::Equal("__name__", "app_gauge_or_counter_7_total"),
        *Matcher::Make(MatchType::kNotEqual, "job", "team-3/app-3")}},
      {"all series", {regex("__name__", ".+")}},
  };
}

void Ask(const SeriesIndex& index, PartitionId first, PartitionId last, const char* range) {
  for (const Question& question : Questions()) {
    size_t found = 0;
    const auto ask = [&] { found = Must(index.Match(first, last, question.matchers, {})).size(); };
    const double cold = Seconds(ask), warm = Seconds(ask);
    fmt::print("match {:<22} {:<8} {:>9} series  {:>9.3f} ms, again {:>9.3f} ms\n", question.name,
               range, found, cold * 1e3, warm * 1e3);
  }
  size_t names = 0, values = 0, narrowed = 0;
  const double names_s =
      Seconds([&] { names = Must(index.LabelNames(first, last, {}, {})).size(); });
  const double values_s =
      Seconds([&] { values = Must(index.LabelValues("pod", first, last, {}, {})).size(); });
  const double narrowed_s = Seconds([&] {
    narrowed =
        Must(index.LabelValues("pod", first, last, {Matcher::Equal("job", "team-3/app-3")}, {}))
            .size();
  });
  fmt::print("label names            {:<8} {:>9} names   {:>9.3f} ms\n", range, names,
             names_s * 1e3);
  fmt::print("values of pod          {:<8} {:>9} values  {:>9.3f} ms\n", range, values,
             values_s * 1e3);
  fmt::print("values of pod of a job {:<8} {:>9} values  {:>9.3f} ms\n", range, narrowed,
             narrowed_s * 1e3);
}

void ReadLabels(const SeriesIndex& index, PartitionId day) {
  const std::vector<SeriesId> all = Must(index.Match(day, day, {}, {}));
  for (const size_t every : {1, 4, 16, 64, 250}) {
    std::vector<SeriesId> some;
    for (size_t i = 0; i < all.size(); i += every) some.push_back(all[i]);
    size_t bytes = 0;
    const auto read = [&] {
      Must(index.ReadLabels(some, [&](size_t, std::string_view p) { bytes += p.size(); }, {}));
    };
    read();
    fmt::print("labels of every {:>3}th series: {:.2f} us each\n", every,
               Seconds(read) * 1e6 / static_cast<double>(some.size()));
  }
  const size_t count = std::min<size_t>(all.size(), 50'000);
  const auto find = [&](const std::function<uint64_t(size_t)>& id) {
    std::vector<Labels> labels;
    for (size_t i = 0; i < count; ++i) labels.push_back(LabelsFor(id(i)));
    return Seconds([&] {
      for (const Labels& wanted : labels) (void)Must(index.Find(wanted));
    });
  };
  const double known =
      find([&](size_t i) { return static_cast<uint64_t>(all[i * 7919 % all.size()]); });
  const double unknown = find([](size_t i) { return (uint64_t{1} << 40) + i; });
  fmt::print("find: {:.2f} us a known series, {:.2f} us an unknown one\n",
             known * 1e6 / static_cast<double>(count), unknown * 1e6 / static_cast<double>(count));
}

int Run(const std::string& folder, int32_t days, uint64_t daily, uint64_t lasting) {
  fs::remove_all(folder);
  auto index = Must(SeriesIndex::Open(folder));
  std::vector<SeriesId> lasting_ids;
  for (uint64_t id = 1; id <= lasting; ++id) lasting_ids.push_back(SeriesId{id});
  if (lasting > 0) Must(index->Put(Define(1, lasting)));

  double put_s = 0, add_s = 0, slowest_put_s = 0;
  uint64_t next = lasting + 1;
  for (int32_t d = 0; d < days; ++d) {
    std::vector<SeriesId> ids = lasting_ids;
    for (uint64_t done = 0; done < daily; done += 100'000) {
      const auto entries = Define(next, std::min<uint64_t>(100'000, daily - done));
      const double took = Seconds([&] { Must(index->Put(entries)); });
      put_s += took;
      slowest_put_s = std::max(slowest_put_s, took);
      for (const auto& entry : entries) ids.push_back(entry.id);
      next += entries.size();
    }
    add_s += Seconds([&] { Must(index->AddToPartition(PartitionId{kFirstDay + d}, ids)); });
  }
  Must(index->Flush());
  const auto series = static_cast<double>(next - 1);
  const double memberships = static_cast<double>(daily + lasting) * days;
  fmt::print("{} series, {} days of {} new and {} lasting ones\n", next - 1, days, daily, lasting);
  fmt::print(
      "put: {:.2f} M/s (slowest 100,000: {:.3f} s); add to a day: {:.2f} M/s; peak {:.0f} MiB\n",
      static_cast<double>(daily) * days / put_s / 1e6, slowest_put_s, memberships / add_s / 1e6,
      PeakMiB());
  const auto bytes = static_cast<double>(SettledBytes(folder));
  fmt::print("disk: {:.1f} MiB, {:.1f} bytes a series\n", bytes / (1 << 20), bytes / series);

  index.reset();
  const double open_s = Seconds([&] { index = Must(SeriesIndex::Open(folder)); });
  const double verify_s = Seconds([&] { Must(index->VerifyChecksums()); });
  fmt::print("open: {:.1f} ms; every checksum: {:.1f} ms\n", open_s * 1e3, verify_s * 1e3);
  const PartitionId first{kFirstDay}, last{kFirstDay + days - 1};
  Ask(*index, last, last, "1 day");
  if (days > 1) Ask(*index, first, last, fmt::format("{} days", days).c_str());
  ReadLabels(*index, last);

  const auto is_lasting = [&](SeriesId id) { return static_cast<uint64_t>(id) <= lasting; };
  const double drop_s =
      Seconds([&] { Must(index->DropPartitionsBefore(PartitionId{kFirstDay + 1}, is_lasting)); });
  fmt::print("drop a day: {:.2f} s, disk {:.1f} MiB; peak {:.0f} MiB\n", drop_s,
             static_cast<double>(SettledBytes(folder)) / (1 << 20), PeakMiB());
  return 0;
}

/// A block of an hour with two samples of each series, in the order of (metric name, labels).
std::shared_ptr<const tsdb::Block> WriteBlock(const std::string& folder, int number,
                                              const std::vector<SeriesIndex::Entry>& series) {
  FileSystem& files = PosixFileSystem();
  const Timestamp begin = FromMs((kFirstDay * 24LL + number) * 3'600'000);
  const std::vector<Timestamp> times = {begin, begin + std::chrono::minutes(1)};
  const std::vector<double> values = {1, 2};
  tsdb::BlockOrigin origin;
  origin.ulid = tsdb::Ulid::Make(begin);
  origin.window = {begin, begin + std::chrono::minutes(59)};
  const auto writer = Must(tsdb::BlockWriter::Create(files, folder, origin));
  SeriesSamples samples;
  samples.timestamps = times;
  samples.values = values;
  samples.timestamp_column = 1;
  for (const auto& entry : series) {
    Must(writer->Add(entry.id, Labels::FromPacked(entry.packed_labels), samples));
  }
  Must(writer->Finish());
  return Must(tsdb::Block::Open(files, tsdb::BlockPath(folder, origin.ulid)));
}

int RunLost(const std::string& folder, int count, uint64_t series) {
  fs::remove_all(folder);
  fs::create_directories(folder);
  auto entries = Define(1, series);
  std::ranges::sort(entries, [](const auto& a, const auto& b) {
    const Labels left = Labels::FromPacked(a.packed_labels);
    const Labels right = Labels::FromPacked(b.packed_labels);
    const auto by_name = left.metric_name() <=> right.metric_name();
    return by_name != 0 ? by_name < 0 : left < right;
  });
  std::vector<std::shared_ptr<const tsdb::Block>> blocks;
  for (int i = 0; i < count; ++i) blocks.push_back(WriteBlock(folder, i, entries));
  entries = {};
  const double label_bytes = static_cast<double>(tsdb::DescribeBlock(*blocks[0]).label_bytes);
  fmt::print("{} blocks of {} series: labels take {:.2f} bytes a series\n", count, series,
             label_bytes / static_cast<double>(series));
  MetricsRegistry registry;
  tsdb::Metrics metrics(registry);
  const std::string path = folder + "/index";
  const auto open = [&] {
    return Must(tsdb::OpenIndex(path, {}, blocks, SystemClock(), Logger(), metrics)).index;
  };
  std::unique_ptr<SeriesIndex> index;
  const double lost_s = Seconds([&] { index = open(); });
  fmt::print("made anew: {:.2f} s, {:.1f} MiB; peak {:.0f} MiB\n", lost_s,
             static_cast<double>(SettledBytes(path)) / (1 << 20), PeakMiB());
  index.reset();
  fmt::print("opened when it is there: {:.3f} s\n", Seconds([&] { index = open(); }));
  return 0;
}

}  // namespace
}  // namespace barograph

int main(int argc, char** argv) {
  if (argc == 5 && std::string_view(argv[1]) == "--lost") {
    return barograph::RunLost(argv[2], std::atoi(argv[3]), std::strtoull(argv[4], nullptr, 10));
  }
  if (argc != 5) {
    fmt::print(stderr,
               "usage: index_bench FOLDER DAYS NEW_SERIES_A_DAY LASTING_SERIES\n"
               "       index_bench --lost FOLDER BLOCKS SERIES\n");
    return 2;
  }
  return barograph::Run(argv[1], std::atoi(argv[2]), std::strtoull(argv[3], nullptr, 10),
                        std::strtoull(argv[4], nullptr, 10));
}
