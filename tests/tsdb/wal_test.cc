#include <random>
#include <set>

#include "tests/support/fault_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/tsdb/storage_harness.h"
#include "tsdb/head/selection.h"
#include "tsdb/replay.h"
#include "tsdb/wal/log.h"
#include "tsdb/wal/reader.h"
#include "tsdb/wal/record.h"

namespace barograph::test {
namespace {

using tsdb::wal::SegmentName;
constexpr const char* kFolder = "/data/wal";

/// What a head reads from a log folder; no index, no threads.
struct Replayed {
  Contents contents;
  tsdb::Replay::Outcome outcome;
  double corruptions = 0;
};

Replayed ReplayFolder(FileSystem& files) {
  MetricsRegistry registry;
  tsdb::Metrics metrics(registry);
  tsdb::Head head({}, 0, metrics);
  tsdb::Replay replay(files, kFolder, head, metrics, Logger(),
                      [](SeriesId) { return std::nullopt; });
  const auto outcome = replay.Run();
  REQUIRE(outcome);
  const auto selection = tsdb::SelectFromHead(head, {}, {}, AllSeries(), {}, {});
  return {ReadSelection(**selection), *outcome, metrics.wal_corruptions.value()};
}

void WriteSegment(FileSystem& files, uint64_t number, std::string_view bytes) {
  const std::string path = std::string(kFolder) + "/" + SegmentName(number);
  auto file = files.OpenWritable(path, OpenMode::kCreate);
  REQUIRE(file);
  REQUIRE((*file)->Append(bytes));
}

/// A log of some rows and lone samples, and what was in it after each write.
struct SampleLog {
  std::string bytes;                               // of the one segment
  std::vector<std::pair<size_t, Contents>> after;  // segment size, contents
};

SampleLog MakeLog(int rows) {
  MemoryFileSystem memory;
  TestDatabase database(memory);
  SampleLog log;
  Contents contents;
  const std::string path = std::string(kFolder) + "/" + SegmentName(0);
  const auto table = OpenTable(*database);
  const auto appender = database->NewAppender();
  const auto note = [&] { log.after.emplace_back(*memory.Size(path), contents); };
  note();
  for (int r = 0; r < rows; ++r) {
    if (r % 3 == 0) REQUIRE(table->AddColumn(Named("m" + std::to_string(r / 3))));
    std::vector<double> values;
    for (size_t c = 0; c < table->width(); ++c) {
      values.push_back(r % 7 == 6 ? kStaleNan : r * 0.25 * static_cast<double>(c));
      contents[Named("m" + std::to_string(c)).ToString()][r] =
          std::bit_cast<uint64_t>(values.back());
    }
    REQUIRE(table->AppendRow(FullRow(values).at(r)));
    note();
    if (r % 4 != 0) continue;
    const Labels lone = Named("lone" + std::to_string(r % 8));
    appender->Append(*appender->Resolve(lone), {FromMs(r), r / 3.0});
    contents[lone.ToString()][r] = std::bit_cast<uint64_t>(r / 3.0);
    REQUIRE(appender->Commit());
    note();
  }
  log.bytes = *memory.ReadFile(path);
  log.bytes.resize(log.after.back().first);
  return log;
}

size_t CountSamples(const Contents& contents) {
  size_t count = 0;
  for (const auto& [series, samples] : contents) count += samples.size();
  return count;
}

/// Every sample of `part` is in `whole`, to the bit.
bool IsPartOf(const Contents& part, const Contents& whole) {
  for (const auto& [series, samples] : part) {
    const auto found = whole.find(series);
    if (found == whole.end()) return false;
    for (const auto& sample : samples) {
      const auto same = found->second.find(sample.first);
      if (same == found->second.end() || same->second != sample.second) return false;
    }
  }
  return true;
}

}  // namespace

TEST_CASE("A log cut off at any byte gives every whole record before the cut, and goes on") {
  const SampleLog log = MakeLog(12);
  for (size_t cut = 0; cut <= log.bytes.size(); ++cut) {
    MemoryFileSystem memory;
    REQUIRE(memory.CreateDirectories(kFolder));
    WriteSegment(memory, 0, std::string_view(log.bytes).substr(0, cut));
    const Replayed replayed = ReplayFolder(memory);
    const Contents* expected = nullptr;
    for (const auto& [size, contents] : log.after) {
      if (size <= cut) expected = &contents;
    }
    INFO("cut at " << cut);
    const Contents nothing;
    REQUIRE(Difference(replayed.contents, expected == nullptr ? nothing : *expected) == "");
    REQUIRE(replayed.corruptions == 0);
    // The end was cut back to the last good record: a second replay finds it whole.
    REQUIRE(*memory.Size(std::string(kFolder) + "/" + SegmentName(0)) >=
            replayed.outcome.start.size);
  }
}

TEST_CASE("A changed byte costs at most the record that it is in") {
  const SampleLog log = MakeLog(20);
  const Contents& all = log.after.back().second;
  std::mt19937_64 random(3);
  size_t index = 0;
  for (size_t at = 0; at < log.bytes.size(); ++at) {
    while (index + 1 < log.after.size() && log.after[index].first <= at) ++index;
    std::string bytes = log.bytes;
    bytes[at] ^= static_cast<char>(1 << random() % 8);
    MemoryFileSystem memory;
    REQUIRE(memory.CreateDirectories(kFolder));
    WriteSegment(memory, 0, bytes);
    const Replayed replayed = ReplayFolder(memory);
    INFO("byte " << at);
    REQUIRE(IsPartOf(replayed.contents, all));
    // What one write appended: a row, or a lone sample.
    const size_t written = index == 0 ? 0
                                      : CountSamples(log.after[index].second) -
                                            CountSamples(log.after[index - 1].second);
    REQUIRE(CountSamples(replayed.contents) + written >= CountSamples(all));
  }
}

TEST_CASE("Rows after several lost ones are read again from the next key row on") {
  const SampleLog log = MakeLog(100);
  const Contents& all = log.after.back().second;
  const size_t begin = log.after[20].first, end = log.after[26].first;
  std::string bytes = log.bytes;
  for (size_t at = begin; at < end; ++at) bytes[at] = 'x';
  MemoryFileSystem memory;
  REQUIRE(memory.CreateDirectories(kFolder));
  WriteSegment(memory, 0, bytes);
  const Replayed replayed = ReplayFolder(memory);
  CHECK(IsPartOf(replayed.contents, all));
  CHECK(replayed.corruptions == 1);
  CHECK(replayed.outcome.lost_rows > 0);
  CHECK(replayed.outcome.lost_rows < 64);
  const auto& column = replayed.contents.at(Named("m0").ToString());
  for (int64_t r = 64; r < 100; ++r) CHECK(column.contains(r));
}

TEST_CASE("The rows of many tables come back in the order of each, with what came one at a time") {
  MemoryFileSystem memory, copy;
  TestDatabase database(memory);
  std::vector<std::unique_ptr<ScrapeTable>> tables;
  const auto appender = database->NewAppender();
  const auto lone = *appender->Resolve(Named("lone"));
  for (int r = 0; r < 70; ++r) {
    if (r < 40) tables.push_back(OpenTable(*database));
    for (size_t t = 0; t < tables.size(); ++t) {
      if (tables[t]->width() == 0 || r % 9 == 0) {
        const std::string name = "m" + std::to_string(t) + "_" + std::to_string(r / 9);
        if (tables[t]->width() > 0) tables[t]->ReleaseColumn(0);
        REQUIRE(tables[t]->AddColumn(Named(name)));
      }
      const std::vector<double> values(tables[t]->width(), r + static_cast<double>(t) / 8);
      REQUIRE(tables[t]->AppendRow(FullRow(values).at(r)));
    }
    appender->Append(lone, {FromMs(r), r / 3.0});
    REQUIRE(appender->Commit());
  }
  const Contents contents = ReadAll(*database);
  REQUIRE(copy.CreateDirectories(kFolder));
  WriteSegment(copy, 0, *memory.ReadFile(std::string(kFolder) + "/" + SegmentName(0)));
  const Replayed replayed = ReplayFolder(copy);
  CHECK(replayed.corruptions == 0);
  CHECK(replayed.outcome.lost_rows == 0);
  CHECK(replayed.outcome.next_table == 41);
  CHECK(CountSamples(contents) > 40 * 50);
  CHECK(Difference(replayed.contents, contents) == "");
}

TEST_CASE("Bytes that look like a frame but were written elsewhere are no record") {
  std::string frame;
  tsdb::wal::AppendFrame(frame, {tsdb::wal::RecordType::kClose, "payload"}, {3, 100});
  CHECK(tsdb::wal::ReadFrame(frame, {3, 100}));
  CHECK_FALSE(tsdb::wal::ReadFrame(frame, {3, 101}));
  CHECK_FALSE(tsdb::wal::ReadFrame(frame, {4, 100}));
  CHECK_FALSE(tsdb::wal::ReadFrame(std::string_view(frame).substr(0, frame.size() - 1), {3, 100}));
}

TEST_CASE("Random bytes as a log are survived") {
  std::mt19937_64 random(11);
  for (int i = 0; i < 300; ++i) {
    std::string bytes(tsdb::wal::kSegmentMagic);
    for (size_t n = random() % 30; n > 0; --n) {
      std::string payload(random() % 60, '\0');
      for (char& c : payload) c = static_cast<char>(random() % 3 == 0 ? random() : random() % 4);
      const auto type = static_cast<tsdb::wal::RecordType>(1 + random() % 5);
      tsdb::wal::AppendFrame(bytes, {type, payload}, {0, bytes.size()});
    }
    MemoryFileSystem memory;
    REQUIRE(memory.CreateDirectories(kFolder));
    WriteSegment(memory, 0, bytes);
    ReplayFolder(memory);
  }
}

TEST_CASE("A full disk refuses rows with nothing of them left, and takes them when there is room") {
  const size_t written_bytes = GENERATE(0, 1, 20, 60);
  MemoryFileSystem memory;
  FaultFileSystem files(memory);
  TestDatabase database(files);
  {
    const auto table = OpenTable(*database);
    REQUIRE(table->AddColumn(Named("a")));
    REQUIRE(table->AppendRow(FullRow({1}).at(1)));
    REQUIRE(table->AddColumn(Named("b")));
    files.Inject({.operation = FileOperation::kAppend,
                  .path_part = "/wal/",
                  .code = ErrorCode::kLimitExceeded,
                  .written_bytes = written_bytes,
                  .stays = true});
    for (int i = 0; i < 3; ++i) {
      const auto refused = table->AppendRow(FullRow({2, 3}).at(2 + i));
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code == ErrorCode::kLimitExceeded);
    }
    const auto appender = database->NewAppender();
    appender->Append(*appender->Resolve(Named("lone")), {FromMs(1), 1});
    CHECK_FALSE(appender->Commit());
    CHECK(CountSamples(ReadAll(*database)) == 1);
    files.ClearFaults();
    REQUIRE(table->AppendRow(FullRow({4, 5}).at(2)));
    CHECK(CountSamples(ReadAll(*database)) == 3);
    CHECK(*database.Metric("prometheus_tsdb_wal_writes_failed_total") == 4);
  }
  const Contents before = ReadAll(*database);
  database.Reopen();
  CHECK(Difference(ReadAll(*database), before) == "");
  CHECK(*database.Metric("prometheus_tsdb_wal_corruptions_total") == 0);
}

TEST_CASE("A segment that cannot be cut back is left, and a new one is begun") {
  MemoryFileSystem memory;
  FaultFileSystem files(memory);
  TestDatabase database(files);
  {
    const auto table = OpenTable(*database);
    REQUIRE(table->AddColumn(Named("a")));
    REQUIRE(table->AppendRow(FullRow({1}).at(1)));
    files.Inject({.operation = FileOperation::kAppend, .path_part = "/wal/", .written_bytes = 5});
    files.Inject({.operation = FileOperation::kTruncate, .path_part = "/wal/"});
    CHECK_FALSE(table->AppendRow(FullRow({2}).at(2)));
    REQUIRE(table->AppendRow(FullRow({3}).at(3)));
    CHECK(*database.Metric("prometheus_tsdb_wal_segment_current") == 1);
  }
  const Contents before = ReadAll(*database);
  database.Reopen();
  CHECK(CountSamples(before) == 2);
  CHECK(Difference(ReadAll(*database), before) == "");
}

TEST_CASE("After a failed fsync nothing is acknowledged any more, and the log says so") {
  MemoryFileSystem memory;
  FaultFileSystem files(memory);
  TestDatabase database(files,
                        {.path = {}, .wal_fsync = tsdb::WalFsync::kAlways, .index_path = {}});
  {
    const auto table = OpenTable(*database);
    REQUIRE(table->AddColumn(Named("a")));
    REQUIRE(table->AppendRow(FullRow({1}).at(1)));
    files.Inject({.operation = FileOperation::kSync, .path_part = "/wal/"});
    const auto failed = table->AppendRow(FullRow({2}).at(2));
    REQUIRE_FALSE(failed);
    CHECK(failed.error().message.find("until a restart") != std::string::npos);
    CHECK_FALSE(table->AppendRow(FullRow({3}).at(3)));
    CHECK(CountSamples(ReadAll(*database)) == 1);
    CHECK(database.sink().Count(LogLevel::kError, "The write-ahead log stops") == 1);
  }
  CHECK_FALSE(database->Close());
}

TEST_CASE("With fsync always, what was acknowledged survives the machine's death") {
  MemoryFileSystem memory;
  TestDatabase database(memory, {.path = {},
                                 .wal_fsync = tsdb::WalFsync::kAlways,
                                 .wal_segment_bytes = 2000,
                                 .index_path = {}});
  Contents before;
  {
    const auto table = OpenTable(*database);
    REQUIRE(table->AddColumn(Named("a")));
    for (int r = 0; r < 200; ++r) REQUIRE(table->AppendRow(FullRow({r / 7.0}).at(r)));
    before = ReadAll(*database);
    memory.Crash();
  }
  database.Drop();
  REQUIRE(database.TryOpen());
  CHECK(Difference(ReadAll(*database), before) == "");
}

TEST_CASE("With fsync by interval, a sync makes what is there survive the machine's death") {
  const size_t kept = GENERATE(0, 1, 10, 100, 1000);
  MemoryFileSystem memory;
  TestDatabase database(memory);
  Contents synced, all;
  {
    const auto table = OpenTable(*database);
    REQUIRE(table->AddColumn(Named("a")));
    for (int r = 0; r < 50; ++r) REQUIRE(table->AppendRow(FullRow({r / 7.0}).at(r)));
    synced = ReadAll(*database);
    REQUIRE(database->Sync());
    for (int r = 50; r < 80; ++r) REQUIRE(table->AppendRow(FullRow({r / 7.0}).at(r)));
    all = ReadAll(*database);
    memory.Crash(kept);
  }
  database.Drop();
  REQUIRE(database.TryOpen());
  const Contents after = ReadAll(*database);
  CHECK(IsPartOf(synced, after));
  CHECK(IsPartOf(after, all));
}

}  // namespace barograph::test
