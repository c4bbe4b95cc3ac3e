#include "tests/fuzz/small_head.h"

#include <cstdlib>
#include <memory>
#include <optional>

#include "tests/support/manual_clock.h"
#include "tsdb/exemplars/exemplar_store.h"
#include "tsdb/head/lone_appender.h"
#include "tsdb/head/registry_file.h"
#include "tsdb/head/selection.h"
#include "tsdb/head/table_writer.h"
#include "tsdb/wal/log.h"
#include "tsdb/wal/reader.h"

namespace barograph::tsdb::fuzz {
namespace {

constexpr char kRawType = '\xf0';  // and above

Labels Named(const std::string& name) { return {{"__name__", name}, {"job", "a"}}; }

template <typename T>
T Need(Result<T> result) {
  Expect(result.has_value());
  return std::move(*result);
}

void Need(const Status& status) { Expect(status.has_value()); }

/// A head with a log, as a database has them.
class SmallHead {
 public:
  explicit SmallHead(FileSystem& files) : files_(files) {
    for (const char* folder : {"wal", "head", "exemplars"}) Need(files.CreateDirectories(folder));
    Need(head_.OpenFiles(files, "head", Logger(), 0));
    log_ = Need(wal::Log::Open(files, clock_, Logger(), metrics_.OfLog(), {.directory = "wal"},
                               {.segment = 1, .size = 0}));
    path_.emplace(head_, *log_, metrics_, clock_, WritePath::Options{},
                  [](SeriesId) { return std::nullopt; });
  }

  void Live() {
    AppendRows();
    AppendLone();
    AppendExemplars();
    std::string deletion;
    wal::AppendDeletion(deletion, {SeriesId{1}, {FromMs(2000), FromMs(3000)}});
    Need(path_->Log({{{wal::RecordType::kDeletions, deletion}}}));
    head_.tombstones.Add(SeriesId{1}, {FromMs(2000), FromMs(3000)});
    Need(head_.tombstones.Save());
    Need(head_.SyncFiles());
    SaveSeries();
  }

 private:
  void AppendRows() {
    TableWriter table(*path_, 1);
    for (const char* name : {"up", "temp", "total"}) Need(table.AddColumn(Named(name)));
    for (int64_t row = 0; row < 130; ++row) {
      const auto value = static_cast<double>(row);
      const double values[] = {1, 20.5 + value / 10, value * value};
      const uint64_t present[] = {row % 9 == 4 ? uint64_t{5} : uint64_t{7}};
      const Timestamp starts[] = {kUnknownStart, kUnknownStart, FromMs(500)};
      Need(table.AppendRow({FromMs(row * 1000), values, present, starts}));
    }
  }

  void AppendLone() {
    LoneAppender appender(*path_);
    const SeriesId id = Need(appender.Resolve(Named("alone")));
    for (const int64_t ms : {1000, 2000, 9000, 4000})
      appender.Append(id, {FromMs(ms), 0.25}, kUnknownStart);
    FloatHistogram histogram;
    histogram.count = 3;
    histogram.sum = 4.5;
    histogram.positive_spans = {{0, 2}};
    histogram.positive_buckets = {1, 2};
    appender.AppendHistogram(Need(appender.Resolve(Named("histogram"))), FromMs(1000), histogram,
                             kUnknownStart);
    Need(appender.Commit());
    Need(head_.lone.SealAll({1, 8}));
  }

  void AppendExemplars() {
    const auto store = Need(ExemplarStore::Open(
        files_, clock_, Logger(), metrics_, {.directory = "exemplars", .capacity = 10},
        [this](SeriesId id) { return head_.registry.LabelsOf(id); }));
    const SeriesExemplar one[] = {{SeriesId{1}, {{{"trace_id", "4bf92f"}}, 3, FromMs(1000)}}};
    Need(store->Append(one));
  }

  void SaveSeries() {
    RegistryFile file(files_, "head", Logger(), head_.registry);
    for (int i = 0; i < 20; ++i) Need(head_.registry.GetOrCreate(Named(std::to_string(i))));
    Need(file.Save());
    Need(head_.registry.GetOrCreate(Named("added")));
    Need(file.Cover());
  }

  FileSystem& files_;
  test::ManualClock clock_;
  MetricsRegistry registry_;
  Metrics metrics_{registry_};
  std::unique_ptr<wal::Log> log_;
  Head head_{
      {.lookup = {},
       .created = [this](SeriesId id, std::string_view packed) { log_->QueueSeries(id, packed); }},
      0,
      metrics_};
  std::optional<WritePath> path_;
};

}  // namespace

void Expect(bool kept) {
  if (!kept) std::abort();
}

test::MemoryFileSystem& SmallHeadFiles() {
  static test::MemoryFileSystem files;
  static const bool once = [] {
    SmallHead(files).Live();
    return true;
  }();
  Expect(once);
  return files;
}

std::string ToFrames(std::string_view input, std::string_view magic, uint64_t segment) {
  std::string out(magic);
  while (input.size() >= 3) {
    const char type = input[0];
    const size_t length =
        static_cast<uint8_t>(input[1]) | static_cast<size_t>(static_cast<uint8_t>(input[2])) << 8;
    const std::string_view payload = input.substr(3, length);
    input.remove_prefix(3 + payload.size());
    if (static_cast<uint8_t>(type) >= static_cast<uint8_t>(kRawType)) {
      out += payload;
    } else {
      wal::AppendFrame(out, {static_cast<wal::RecordType>(type), payload}, {segment, out.size()});
    }
  }
  return out;
}

std::string FromFrames(std::string_view file, std::string_view magic, uint64_t segment) {
  std::string input;
  wal::SegmentReader frames(segment, file, magic.size());
  wal::Record frame{};
  while (frames.Next(frame) == wal::SegmentReader::Event::kRecord) {
    input += static_cast<char>(frame.type);
    input += static_cast<char>(frame.payload.size());
    input += static_cast<char>(frame.payload.size() >> 8);
    input += frame.payload.substr(0, 0xffff);
  }
  return input;
}

void ReadEverything(const Head& head) {
  SelectHints hints;
  hints.start_timestamps = true;
  const auto selection = SelectFromHead(head, {}, TimeRange(), Matchers(), hints, {});
  if (!selection) return;
  const auto cursor = (*selection)->NewCursor();
  for (size_t i = 0; i < (*selection)->size(); ++i) {
    (void)(*selection)->labels(i);
    const auto samples = cursor->Read(i);
    if (!samples) continue;
    Expect(samples->values.size() == samples->timestamps.size());
    Expect(samples->histograms.empty() || samples->histograms.size() == samples->size());
    for (size_t s = 1; s < samples->size(); ++s) {
      // Equal times can come of a record that tells a row's time again after a seal.
      Expect(samples->timestamps[s - 1] <= samples->timestamps[s]);
    }
  }
}

}  // namespace barograph::tsdb::fuzz
