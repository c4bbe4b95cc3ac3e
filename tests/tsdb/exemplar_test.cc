#include <algorithm>
#include <deque>
#include <random>
#include <tuple>

#include "tests/support/fault_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/tsdb/storage_harness.h"
#include "tsdb/exemplars/exemplar_store.h"
#include "tsdb/folder_verify.h"
#include "tsdb/wal/format.h"
#include "tsdb/wal/record.h"

namespace barograph::test {
namespace {

using Verdict = ExemplarVerdict;

Exemplar Trace(const std::string& id, double value, int64_t ms, bool timed = true) {
  return {{{"trace_id", id}}, value, FromMs(ms), timed};
}

tsdb::Options Keeping(size_t count) {
  tsdb::Options options;
  options.max_exemplars = count;
  return options;
}

SeriesId Series(TestDatabase& database, const std::string& name) {
  const auto appender = database->NewAppender();
  const SeriesId id = *appender->Resolve(Named(name));
  appender->Append(id, {FromMs(1), 1});
  REQUIRE(appender->Commit());
  return id;
}

Verdict Append(TestDatabase& database, SeriesId series, const Exemplar& exemplar) {
  const SeriesExemplar one[] = {{series, exemplar}};
  const auto verdicts = database->AppendExemplars(one);
  REQUIRE(verdicts);
  REQUIRE(verdicts->size() == 1);
  return verdicts->front();
}

/// A line for each: "name trace value ms".
std::vector<std::string> All(const ExemplarQueryable& storage, TimeRange range = {}) {
  const Matchers selectors[] = {AllSeries()};
  const auto found = storage.SelectExemplars(range, selectors, {});
  REQUIRE(found);
  std::vector<std::string> lines;
  for (const auto& [labels, exemplars] : *found) {
    for (const Exemplar& exemplar : exemplars) {
      lines.push_back(std::string(labels.metric_name()) + " " +
                      std::string(exemplar.labels.Get("trace_id")) + " " +
                      std::to_string(static_cast<int>(exemplar.value)) + " " +
                      std::to_string(ToMs(exemplar.timestamp)));
    }
  }
  return lines;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("The newest exemplars are kept, of whatever series they are") {
  TestDatabase database(PosixFileSystem(), Keeping(3));
  const SeriesId a = Series(database, "a");
  const SeriesId b = Series(database, "b");
  CHECK(Append(database, b, Trace("t1", 1, 100)) == Verdict::kAppended);
  CHECK(Append(database, a, Trace("t2", 2, 200)) == Verdict::kAppended);
  CHECK(Append(database, b, Trace("t3", 3, 300)) == Verdict::kAppended);
  CHECK(All(*database) == Lines{"a t2 2 200", "b t1 1 100", "b t3 3 300"});
  CHECK(database.Metric("prometheus_tsdb_exemplar_last_exemplars_timestamp_seconds") == 0.1);
  CHECK(Append(database, a, Trace("t4", 4, 400)) == Verdict::kAppended);
  CHECK(Append(database, a, Trace("t5", 5, 500)) == Verdict::kAppended);
  CHECK(All(*database) == Lines{"a t4 4 400", "a t5 5 500", "b t3 3 300"});
  CHECK(All(*database, {FromMs(300), FromMs(400)}) == Lines{"a t4 4 400", "b t3 3 300"});
  CHECK(database.Metric("prometheus_tsdb_exemplar_exemplars_appended_total") == 5);
  CHECK(database.Metric("prometheus_tsdb_exemplar_exemplars_in_storage") == 3);
  CHECK(database.Metric("prometheus_tsdb_exemplar_series_with_exemplars_in_storage") == 2);
  CHECK(database.Metric("prometheus_tsdb_exemplar_max_exemplars") == 3);
  CHECK(database.Metric("prometheus_tsdb_exemplar_last_exemplars_timestamp_seconds") == 0.3);
}

TEST_CASE("An exemplar told again is no other, and an older one is refused") {
  TestDatabase database(PosixFileSystem(), Keeping(10));
  const SeriesId a = Series(database, "a");
  CHECK(Append(database, a, Trace("t1", 1, 100)) == Verdict::kAppended);
  CHECK(Append(database, a, Trace("t1", 1, 100)) == Verdict::kRepeated);
  CHECK(Append(database, a, Trace("t0", 1, 99)) == Verdict::kOutOfOrder);
  CHECK(Append(database, a, Trace("t0", 0, 100)) == Verdict::kOutOfOrder);
  CHECK(Append(database, a, Trace("t0", 1, 100)) == Verdict::kOutOfOrder);
  CHECK(Append(database, a, Trace("t2", 1, 100)) == Verdict::kAppended);
  CHECK(Append(database, a, Trace("t1", 1, 101)) == Verdict::kAppended);
  CHECK(database.Metric("prometheus_tsdb_exemplar_out_of_order_exemplars_total") == 3);

  // One without a time of its own comes with each sample's.
  const SeriesId b = Series(database, "b");
  CHECK(Append(database, b, Trace("t1", 1, 100, false)) == Verdict::kAppended);
  CHECK(Append(database, b, Trace("t1", 1, 200, false)) == Verdict::kRepeated);
  CHECK(Append(database, b, Trace("t1", 1, 300, true)) == Verdict::kAppended);
  CHECK(All(*database) ==
        Lines{"a t1 1 100", "a t2 1 100", "a t1 1 101", "b t1 1 100", "b t1 1 300"});
}

TEST_CASE("Within one call exemplars are judged by those before them") {
  TestDatabase database(PosixFileSystem(), Keeping(10));
  const SeriesId a = Series(database, "a");
  const SeriesExemplar batch[] = {{a, Trace("t1", 1, 100)},
                                  {a, Trace("t1", 1, 100)},
                                  {a, Trace("t0", 0, 50)},
                                  {a, Trace("t2", 2, 200)}};
  CHECK(*database->AppendExemplars(batch) == std::vector{Verdict::kAppended, Verdict::kRepeated,
                                                         Verdict::kOutOfOrder, Verdict::kAppended});
  CHECK(All(*database) == Lines{"a t1 1 100", "a t2 2 200"});
}

TEST_CASE("An out-of-order window lets late exemplars in, at their place") {
  TestDatabase database(PosixFileSystem(), Keeping(4));
  database->SetOutOfOrderWindow(Duration(100));
  const SeriesId a = Series(database, "a");
  CHECK(Append(database, a, Trace("t1", 1, 1000)) == Verdict::kAppended);
  CHECK(Append(database, a, Trace("t2", 2, 950)) == Verdict::kAppended);
  CHECK(Append(database, a, Trace("t3", 3, 950)) == Verdict::kRepeated);
  CHECK(Append(database, a, Trace("t4", 4, 900)) == Verdict::kOutOfOrder);
  CHECK(Append(database, a, Trace("t5", 5, 975)) == Verdict::kAppended);
  CHECK(All(*database) == Lines{"a t2 2 950", "a t5 5 975", "a t1 1 1000"});
  // What came first goes first, wherever it stands.
  CHECK(Append(database, a, Trace("t6", 6, 1001)) == Verdict::kAppended);
  CHECK(Append(database, a, Trace("t7", 7, 1002)) == Verdict::kAppended);
  CHECK(All(*database) == Lines{"a t2 2 950", "a t5 5 975", "a t6 6 1001", "a t7 7 1002"});
}

TEST_CASE("Labels that are too long, or no text, are refused; the length is in characters") {
  TestDatabase database(PosixFileSystem(), Keeping(10));
  const SeriesId a = Series(database, "a");
  std::string wide;
  for (int i = 0; i < 120; ++i) wide += "é";
  CHECK(Append(database, a, {{{"trace_id", wide}}, 1, FromMs(1)}) == Verdict::kAppended);
  CHECK(Append(database, a, {{{"trace_id", wide + "x"}}, 1, FromMs(2)}) == Verdict::kInvalid);
  CHECK(Append(database, a, {{{"trace_id", "\xff"}}, 1, FromMs(2)}) == Verdict::kInvalid);
  CHECK(Append(database, a, {{}, 1, kMaxTimestamp + Duration(1)}) == Verdict::kInvalid);
  CHECK(Append(database, a, {{}, 1, FromMs(2)}) == Verdict::kAppended);
}

TEST_CASE("Exemplars are there again after a restart and after a crash, and told once") {
  TestDatabase database(PosixFileSystem(), Keeping(3));
  const SeriesId a = Series(database, "a");
  Append(database, a, Trace("t1", 1, 100));
  Append(database, a, Trace("t2", 2, 200, false));
  database.Reopen();
  CHECK(All(*database) == Lines{"a t1 1 100", "a t2 2 200"});
  CHECK(Append(database, a, Trace("t2", 2, 250, false)) == Verdict::kRepeated);
  CHECK(Append(database, a, Trace("t0", 0, 150)) == Verdict::kOutOfOrder);
  CHECK(Append(database, a, Trace("t3", 3, 300)) == Verdict::kAppended);
  database.Crash([] {});
  CHECK(All(*database) == Lines{"a t1 1 100", "a t2 2 200", "a t3 3 300"});
  Append(database, Series(database, "b"), Trace("t4", 4, 400));
  database.Reopen();
  CHECK(All(*database) == Lines{"a t2 2 200", "a t3 3 300", "b t4 4 400"});
}

TEST_CASE("The cut of the samples' log leaves the exemplars") {
  TestDatabase database(PosixFileSystem(), Keeping(3));
  const SeriesId a = Series(database, "a");
  Append(database, a, Trace("t1", 1, 100));
  for (int i = 0; i < 3; ++i) REQUIRE(database->Maintain());
  database.Reopen();
  CHECK(All(*database) == Lines{"a t1 1 100"});
}

TEST_CASE("A smaller ring keeps the newest, a larger one all, and none is none for good") {
  TestDatabase database(PosixFileSystem(), Keeping(4));
  const SeriesId a = Series(database, "a");
  for (int i = 1; i <= 6; ++i) Append(database, a, Trace("t" + std::to_string(i), i, i * 100));
  REQUIRE(database->SetMaxExemplars(2));
  CHECK(All(*database) == Lines{"a t5 5 500", "a t6 6 600"});
  REQUIRE(database->SetMaxExemplars(3));
  Append(database, a, Trace("t7", 7, 700));
  CHECK(All(*database) == Lines{"a t5 5 500", "a t6 6 600", "a t7 7 700"});
  REQUIRE(database->SetMaxExemplars(0));
  CHECK(All(*database).empty());
  CHECK(database.Metric("prometheus_tsdb_exemplar_exemplars_in_storage") == 0);
  CHECK(Append(database, a, Trace("t8", 8, 800)) == Verdict::kOff);
  database.Reopen();
  CHECK(All(*database).empty());
}

TEST_CASE("Where no exemplars are kept, what is on the disk is left alone") {
  TestDatabase database(PosixFileSystem(), Keeping(4));
  Append(database, Series(database, "a"), Trace("t1", 1, 100));
  database.options().max_exemplars = 0;
  database.Reopen();
  CHECK(Append(database, Series(database, "a"), Trace("t2", 2, 200)) == Verdict::kOff);
  database.options().max_exemplars = 4;
  database.Reopen();
  CHECK(All(*database) == Lines{"a t1 1 100"});
}

TEST_CASE("Exemplars are selected by any of several selectors") {
  TestDatabase database(PosixFileSystem(), Keeping(4));
  for (const char* name : {"a", "b", "c"})
    Append(database, Series(database, name), Trace(name, 1, 1));
  const Matchers selectors[] = {{Matcher::Equal("__name__", "c")},
                                {Matcher::Equal("__name__", "a"), Matcher::Equal("instance", "a")},
                                {Matcher::Equal("__name__", "b"), Matcher::Equal("instance", "x")}};
  const auto found = database->SelectExemplars({}, selectors, {});
  REQUIRE(found->size() == 2);
  CHECK((*found)[0].labels == Named("a"));
  CHECK((*found)[1].labels == Named("c"));
  CHECK(database->SelectExemplars({}, {}, {})->empty());
}

TEST_CASE("An exemplar of a series that nobody knows is an error") {
  TestDatabase database(PosixFileSystem(), Keeping(4));
  const SeriesExemplar one[] = {{SeriesId{77}, Trace("t", 1, 1)}};
  const auto verdicts = database->AppendExemplars(one);
  REQUIRE(!verdicts);
  CHECK(verdicts.error().message == "no series has the id 77");
}

namespace {

/// An exemplar store alone, with series 1 to 9 named s1 to s9.
struct StoreAlone {
  explicit StoreAlone(FileSystem& file_system, size_t capacity, uint64_t segment_bytes = 1 << 20)
      : files(file_system) {
    Open(capacity, segment_bytes);
  }
  void Open(size_t capacity, uint64_t segment_bytes) {
    store.reset();
    auto opened = tsdb::ExemplarStore::Open(
        files, clock, MemorySink::MakeLogger(sink), metrics,
        {.directory = "/exemplars", .capacity = capacity, .segment_bytes = segment_bytes},
        [](SeriesId id) {
          return std::optional(Named("s" + std::to_string(static_cast<uint64_t>(id))));
        });
    REQUIRE(opened);
    store = std::move(*opened);
  }
  Lines Contents() const {
    const Matchers selectors[] = {AllSeries()};
    Lines lines;
    for (const auto& [labels, exemplars] : *store->Select({}, selectors, {})) {
      for (const Exemplar& exemplar : exemplars) {
        lines.push_back(std::string(labels.metric_name()) + " " +
                        std::to_string(ToMs(exemplar.timestamp)));
      }
    }
    return lines;
  }

  FileSystem& files;
  ManualClock clock;
  std::shared_ptr<MemorySink> sink = std::make_shared<MemorySink>();
  MetricsRegistry registry;
  tsdb::Metrics metrics{registry};
  std::unique_ptr<tsdb::ExemplarStore> store;
};

std::string Hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    text += kDigits[static_cast<uint8_t>(byte) >> 4];
    text += kDigits[static_cast<uint8_t>(byte) & 15];
  }
  return text;
}

}  // namespace

TEST_CASE("The worked example of docs/formats/wal.md is what is written for exemplars") {
  MemoryFileSystem files;
  StoreAlone alone(files, 10);
  const SeriesExemplar two[] = {{SeriesId{1}, Trace("4bf92f", 3, 1000)},
                                {SeriesId{1}, Trace("a3ce92", 0.25, 1250, false)}};
  REQUIRE(alone.store->Append(two));
  std::string payload;
  tsdb::wal::AppendExemplars(payload, two);
  CHECK(Hex(payload) ==
        "02d00f0c200874726163655f69640634626639326600f40301000000000000d03f2108"
        "74726163655f696406613363653932");
  const auto bytes = files.ReadFile("/exemplars/00000000");
  REQUIRE(bytes);
  CHECK(bytes->starts_with("BAROWAL1\xB5\x01"));
  CHECK(bytes->ends_with(payload));
}

TEST_CASE("A ring over restarts is the last that was appended, in bounded space on the disk") {
  std::mt19937 random(7);
  MemoryFileSystem files;
  StoreAlone alone(files, 50, 600);
  struct Kept {
    std::string series;
    int64_t ms;
  };
  std::deque<Kept> expected;
  for (int64_t step = 1; step <= 3000; ++step) {
    const auto series = random() % 9 + 1;
    const SeriesExemplar one[] = {{SeriesId{series}, Trace("t", 1, step)}};
    REQUIRE(*alone.store->Append(one) == std::vector{Verdict::kAppended});
    expected.push_back({"s" + std::to_string(series), step});
    if (expected.size() > 50) expected.pop_front();
    if (random() % 97 == 0) alone.Open(50, 600);
    if (step % 50 != 0) continue;
    auto sorted = expected;
    std::ranges::sort(sorted, {}, [](const Kept& kept) { return std::tie(kept.series, kept.ms); });
    Lines lines;
    for (const auto& [name, ms] : sorted) lines.push_back(name + " " + std::to_string(ms));
    REQUIRE(alone.Contents() == lines);
    uint64_t bytes = 0;
    for (const auto& entry : *files.List("/exemplars")) bytes += entry.size;
    REQUIRE(bytes < 16'000);
  }
}

TEST_CASE("A log of exemplars cut off at any byte gives those before, and goes on") {
  MemoryFileSystem files;
  std::vector<size_t> ends;
  {
    StoreAlone alone(files, 10);
    for (int i = 1; i <= 3; ++i) {
      const SeriesExemplar one[] = {{SeriesId{1}, Trace("t", 1, i)}};
      REQUIRE(alone.store->Append(one));
      ends.push_back(*files.Size("/exemplars/00000000"));
    }
  }
  const std::string whole = *files.ReadFile("/exemplars/00000000");
  for (size_t size = 0; size <= whole.size(); ++size) {
    MemoryFileSystem cut;
    REQUIRE(cut.CreateDirectories("/exemplars"));
    auto file = cut.OpenWritable("/exemplars/00000000", OpenMode::kCreate);
    REQUIRE((*file)->Append(std::string_view(whole).substr(0, size)));
    StoreAlone alone(cut, 10);
    const auto kept = std::ranges::count_if(ends, [&](size_t end) { return end <= size; });
    REQUIRE(alone.Contents().size() == static_cast<size_t>(kept));
    const SeriesExemplar one[] = {{SeriesId{1}, Trace("t", 1, 9)}};
    REQUIRE(alone.store->Append(one));
    alone.Open(10, 1 << 20);
    REQUIRE(alone.Contents().size() == static_cast<size_t>(kept) + 1);
  }
}

TEST_CASE("Damage in the log of exemplars is counted and costs what is damaged") {
  MemoryFileSystem files;
  std::string bytes;
  {
    StoreAlone alone(files, 10);
    for (int i = 1; i <= 3; ++i) {
      const SeriesExemplar one[] = {{SeriesId{1}, Trace("t", 1, i)}};
      REQUIRE(alone.store->Append(one));
    }
    bytes = *files.ReadFile("/exemplars/00000000");
  }
  for (size_t at = 8; at < bytes.size(); ++at) {
    MemoryFileSystem damaged;
    REQUIRE(damaged.CreateDirectories("/exemplars"));
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 0x40);
    auto file = damaged.OpenWritable("/exemplars/00000000", OpenMode::kCreate);
    REQUIRE((*file)->Append(changed));
    StoreAlone alone(damaged, 10);
    // The series is defined by the first two writes.
    REQUIRE(alone.Contents().size() >= 2);
    REQUIRE(alone.metrics.wal_corruptions.value() + alone.metrics.wal_truncations.value() == 1);
  }
}

TEST_CASE("A full disk refuses exemplars, with nothing of them left, until there is room") {
  MemoryFileSystem memory;
  FaultFileSystem files(memory);
  StoreAlone alone(files, 10);
  const SeriesExemplar first[] = {{SeriesId{1}, Trace("t", 1, 1)}};
  REQUIRE(alone.store->Append(first));
  files.Inject({.operation = FileOperation::kAppend,
                .path_part = "exemplars",
                .code = ErrorCode::kLimitExceeded,
                .written_bytes = 5,
                .stays = true});
  const SeriesExemplar second[] = {{SeriesId{1}, Trace("t", 1, 2)}};
  for (int i = 0; i < 2; ++i) REQUIRE(!alone.store->Append(second));
  CHECK(alone.Contents() == Lines{"s1 1"});
  files.ClearFaults();
  REQUIRE(*alone.store->Append(second) == std::vector{Verdict::kAppended});
  alone.Open(10, 1 << 20);
  CHECK(alone.Contents() == Lines{"s1 1", "s1 2"});
}

TEST_CASE("A folder's verification finds what is damaged in the log of exemplars") {
  TestDatabase database(PosixFileSystem(), Keeping(4));
  Append(database, Series(database, "a"), Trace("t1", 1, 100));
  database.Drop();
  const std::string path = database.path() + "/exemplars/00000000";
  REQUIRE(tsdb::VerifyFolder(PosixFileSystem(), database.path(), "", {})->good());
  std::string bytes = *PosixFileSystem().ReadFile(path);
  bytes[12] = static_cast<char>(bytes[12] ^ 1);
  REQUIRE(PosixFileSystem().WriteFile(path, bytes));
  const auto report = tsdb::VerifyFolder(PosixFileSystem(), database.path(), "", {});
  REQUIRE(report->damage.size() == 1);
  CHECK(report->damage[0].file == path);
}

}  // namespace barograph::test
