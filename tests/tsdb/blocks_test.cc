#include <random>

#include "tests/support/fault_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/tsdb/storage_harness.h"
#include "tsdb/block/block.h"
#include "tsdb/block/block_data.h"

// The database as a whole: from the head to blocks, and what becomes of them.
namespace barograph::test {
namespace {

using namespace std::chrono_literals;

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kHourMs = 60 * kMinuteMs;

tsdb::Options SmallBlocks() {
  tsdb::Options options;
  options.min_block_duration = 1h;
  options.max_block_duration = 9h;
  options.maintenance_interval = 24h;  // only when a test asks
  return options;
}

/// A table of three series, of which the second has gaps and the third ends.
class Target {
 public:
  explicit Target(TestDatabase& database, const std::string& instance = "a")
      : database_(database), instance_(instance), table_(OpenTable(*database)) {
    for (const char* name : {"x", "y", "z"}) REQUIRE(table_->AddColumn(Named(name, instance)));
  }

  /// A row a minute; the clock goes along.
  void Run(Contents& expected, int64_t from_ms, int64_t to_ms) {
    for (int64_t t = from_ms; t < to_ms; t += kMinuteMs) {
      FullRow row({static_cast<double>(t / kMinuteMs), static_cast<double>(t % 7), 0.5});
      if (t % (5 * kMinuteMs) == 0) tsdb::ClearBit(row.presence, 1);
      TurnClock(FromMs(t));
      REQUIRE(table_->AppendRow(row.at(t)));
      for (size_t c = 0; c < 3; ++c) {
        if (!tsdb::TestBit(row.presence, c)) continue;
        const std::string name(1, static_cast<char>('x' + c));
        expected[Named(name, instance_).ToString()][t] = std::bit_cast<uint64_t>(row.values[c]);
      }
    }
  }
  void End() { table_.reset(); }

 private:
  void TurnClock(Timestamp to) {
    ManualClock& clock = database_.clock();
    if (to < clock.Now()) {
      clock.Set(to);
    } else {
      clock.Advance(to - clock.Now());
    }
  }

  TestDatabase& database_;
  const std::string instance_;
  std::unique_ptr<ScrapeTable> table_;
};

void Append(TestDatabase& database, Contents& expected, const std::string& name, int64_t ms,
            double value) {
  const auto appender = database->NewAppender();
  appender->Append(*appender->Resolve(Named(name)), {FromMs(ms), value});
  REQUIRE(appender->Commit()->appended == 1);
  expected[Named(name).ToString()][ms] = std::bit_cast<uint64_t>(value);
}

size_t CountOf(TestDatabase& database) { return database->Blocks().size(); }

}  // namespace

TEST_CASE("What is old moves to blocks, and is read as before") {
  TestDatabase database(PosixFileSystem(), SmallBlocks());
  Contents expected;
  Target target(database);
  target.Run(expected, 0, 2 * kHourMs + 10 * kMinuteMs);
  REQUIRE(database->Maintain());
  CHECK(CountOf(database) == 1);
  CHECK(Difference(ReadAll(*database), expected) == "");
  target.Run(expected, 2 * kHourMs + 10 * kMinuteMs, 5 * kHourMs);
  REQUIRE(database->Maintain());
  CHECK(CountOf(database) == 2);  // the first three hours were merged
  CHECK(Difference(ReadAll(*database), expected) == "");
  CHECK(database.Metric("prometheus_tsdb_head_min_time") == 4 * kHourMs);
  for (const TimeRange range : {TimeRange{FromMs(0), FromMs(kHourMs)},
                                TimeRange{FromMs(3 * kHourMs + 1), FromMs(4 * kHourMs + 5)},
                                TimeRange{FromMs(5 * kHourMs), kMaxTimestamp}}) {
    Contents part;
    for (const auto& [series, samples] : expected) {
      for (const auto& [ms, bits] : samples) {
        if (range.Contains(FromMs(ms))) part[series][ms] = bits;
      }
    }
    CHECK(Difference(ReadAll(*database, range), part) == "");
  }
  target.End();
  database.Reopen();
  CHECK(Difference(ReadAll(*database), expected) == "");
  REQUIRE(database->Maintain());
  CHECK(Difference(ReadAll(*database), expected) == "");
}

TEST_CASE("A query that began before a cut reads on as if there had been none") {
  TestDatabase database(PosixFileSystem(), SmallBlocks());
  Contents expected;
  Target target(database);
  target.Run(expected, 0, 4 * kHourMs);
  const auto selection = database->Select({}, AllSeries(), {}, {});
  const Contents before = expected;
  REQUIRE(database->Maintain());
  target.Run(expected, 4 * kHourMs, 8 * kHourMs);
  REQUIRE(database->Maintain());
  CHECK(Difference(ReadSelection(**selection), before) == "");
  CHECK(Difference(ReadAll(*database), expected) == "");
}

TEST_CASE("Late samples join the blocks of their time") {
  TestDatabase database(PosixFileSystem(), SmallBlocks());
  Contents expected;
  Target target(database);
  target.Run(expected, 0, 6 * kHourMs);
  REQUIRE(database->Maintain());
  Append(database, expected, "x", 90 * kMinuteMs + 1, 7);
  Append(database, expected, "new", 30 * kMinuteMs, 8);
  Append(database, expected, "new", -100 * kHourMs, 9);
  CHECK(Difference(ReadAll(*database), expected) == "");
  target.Run(expected, 6 * kHourMs, 8 * kHourMs);
  REQUIRE(database->Maintain());
  CHECK(Difference(ReadAll(*database), expected) == "");
  target.End();
  database.Reopen();
  CHECK(Difference(ReadAll(*database), expected) == "");
}

TEST_CASE("A row behind a cut, after the clock went back, is kept") {
  TestDatabase database(PosixFileSystem(), SmallBlocks());
  Contents expected;
  Target target(database);
  target.Run(expected, 0, 4 * kHourMs);
  REQUIRE(database->Maintain());
  Target other(database, "b");
  other.Run(expected, kHourMs, kHourMs + 10 * kMinuteMs);
  CHECK(Difference(ReadAll(*database), expected) == "");
  target.Run(expected, 4 * kHourMs, 7 * kHourMs);
  REQUIRE(database->Maintain());
  CHECK(Difference(ReadAll(*database), expected) == "");
}

TEST_CASE("A clock that jumps ahead and back costs no sample, and nothing for the retention") {
  constexpr int64_t kYearMs = 365 * 24 * kHourMs;
  tsdb::Options options = SmallBlocks();
  options.retention.time = 48h;
  TestDatabase database(PosixFileSystem(), options);
  database.clock().Set(FromMs(0));
  database.Reopen();
  Contents expected;
  std::optional<Target> target(std::in_place, database);
  target->Run(expected, 0, 5 * kHourMs);
  REQUIRE(database->Maintain());
  CHECK(CountOf(database) > 0);
  // The clock is a year ahead for ten minutes: monotonic time goes on as it did.
  database.clock().Set(FromMs(kYearMs));
  target->Run(expected, kYearMs, kYearMs + 10 * kMinuteMs);
  REQUIRE(database->Maintain());
  CHECK(CountOf(database) > 0);
  CHECK(Difference(ReadAll(*database), expected) == "");
  // Back again: what comes now is older than what was cut.
  target->Run(expected, 5 * kHourMs, 9 * kHourMs);
  for (int i = 0; i < 3; ++i) REQUIRE(database->Maintain());
  CHECK(Difference(ReadAll(*database), expected) == "");
  database.Crash([&] { target.reset(); });
  CHECK(Difference(ReadAll(*database), expected) == "");
  target.emplace(database);
  target->Run(expected, 9 * kHourMs, 15 * kHourMs);
  REQUIRE(database->Maintain());
  CHECK(Difference(ReadAll(*database), expected) == "");
}

TEST_CASE("The log is cut behind what is in files, and nothing is lost with it") {
  tsdb::Options options = SmallBlocks();
  options.wal_segment_bytes = 4096;
  TestDatabase database(PosixFileSystem(), options);
  Contents expected;
  Target target(database);
  const auto wal_bytes = [&] { return *database.Metric("prometheus_tsdb_wal_storage_size_bytes"); };
  double most = 0;
  for (int64_t hour = 0; hour < 30; ++hour) {
    target.Run(expected, hour * kHourMs, (hour + 1) * kHourMs);
    Append(database, expected, "alone", hour * kHourMs, 1);
    most = std::max(most, wal_bytes());
    REQUIRE(database->Maintain());
  }
  CHECK(most < 30'000);
  target.End();
  database.Reopen();
  CHECK(wal_bytes() < 1000);
  CHECK(Difference(ReadAll(*database), expected) == "");
}

TEST_CASE("The retention removes whole blocks, the oldest first, and their series") {
  tsdb::Options options = SmallBlocks();
  options.retention.time = 5h;
  TestDatabase database(PosixFileSystem(), options);
  Contents expected;
  {
    Target gone(database, "gone");
    Contents forgotten;
    gone.Run(forgotten, 0, kHourMs);
  }
  Target target(database);
  target.Run(expected, 26 * kHourMs, 40 * kHourMs);
  const ChangeMark mark = database->MarkChanges();
  REQUIRE(database->Maintain());
  const auto unchanged = database->UnchangedSince(mark);
  REQUIRE(unchanged.has_value());
  CHECK(unchanged->min > FromMs(kHourMs));
  CHECK(unchanged->min <= FromMs(35 * kHourMs));
  for (const auto& block : database->Blocks()) {
    CHECK(block->meta().range.max >= FromMs(35 * kHourMs - kMinuteMs));
  }
  CHECK(database.Metric("prometheus_tsdb_time_retentions_total") > 0);
  CHECK(*database->LabelValues("instance", {}, {}) == std::vector<std::string>{"a"});
  database->SetRetention({.time = Duration(0), .bytes = 1});
  REQUIRE(database->Maintain());
  CHECK(CountOf(database) == 0);
  CHECK(database.Metric("prometheus_tsdb_size_retentions_total") > 0);
}

TEST_CASE("The retention bounds all of the storage, also as a share of the disk") {
  MemoryFileSystem files;
  TestDatabase database(files, SmallBlocks());
  Contents expected;
  Target target(database);
  target.Run(expected, 0, 40 * kHourMs);
  REQUIRE(database->Maintain());
  const size_t all = database->Blocks().size();
  REQUIRE(all > 2);
  const auto percent_of = [](uint64_t bytes) {
    return 100 * static_cast<double>(bytes) / MemoryFileSystem::kDiskBytes;
  };
  uint64_t bytes = *PosixFileSystem().BytesBelow(database.options().index_path);
  for (const std::string name : {"wal", "head", "exemplars", "blocks"}) {
    bytes += *files.BytesBelow(database.path() + "/" + name);
  }
  database->SetRetention({.time = Duration(0), .disk_percentage = percent_of(bytes + 4096)});
  REQUIRE(database->Maintain());
  CHECK(database->Blocks().size() == all);
  CHECK(database.Metric("prometheus_tsdb_retention_limit_percentage") > 0);

  // What is beside the blocks counts, too; and the share goes before a size.
  REQUIRE(files.CreateDirectories(database.path() + "/exemplars"));
  REQUIRE(files.WriteFile(database.path() + "/exemplars/more", std::string(4200, 'x')));
  database->SetRetention(
      {.time = Duration(0), .bytes = 1, .disk_percentage = percent_of(bytes + 4096)});
  REQUIRE(database->Maintain());
  CHECK(database->Blocks().size() < all);
  CHECK(!database->Blocks().empty());

  database->SetRetention({.time = Duration(0), .disk_percentage = 1e-9});
  REQUIRE(database->Maintain());
  CHECK(database->Blocks().empty());
}

TEST_CASE("Labels are found in the time in which series had samples") {
  TestDatabase database(PosixFileSystem(), SmallBlocks());
  Contents expected;
  {
    Target early(database, "early");
    early.Run(expected, 0, kHourMs);
  }
  Target late(database, "late");
  late.Run(expected, 50 * kHourMs, 60 * kHourMs);
  REQUIRE(database->Maintain());
  const auto instances = [&](TimeRange range, const Matchers& matchers) {
    auto values = database->LabelValues("instance", {range, matchers, 0}, {});
    REQUIRE(values);
    return *values;
  };
  using Texts = std::vector<std::string>;
  CHECK(instances({}, {}) == Texts{"early", "late"});
  CHECK(instances({FromMs(0), FromMs(kHourMs)}, {}) == Texts{"early"});
  CHECK(instances({FromMs(55 * kHourMs), kMaxTimestamp}, {}) == Texts{"late"});
  CHECK(instances({}, {Matcher::Equal("__name__", "x")}) == Texts{"early", "late"});
  CHECK(database->Series({{FromMs(0), FromMs(kHourMs)}, {}, 0}, {})->size() == 3);
  CHECK(database->Series({{}, AllSeries(), 0}, {})->size() == 6);
  CHECK(*database->LabelNames({{FromMs(0), FromMs(1)}, {}, 0}, {}) ==
        Texts{"__name__", "instance"});
}

TEST_CASE("Series that are idle leave the head, and come back under their id") {
  TestDatabase database(PosixFileSystem(), SmallBlocks());
  Contents expected;
  Append(database, expected, "idle", 0, 1);
  const SeriesId id = *database->NewAppender()->Resolve(Named("idle"));
  Target target(database);
  target.Run(expected, 0, 4 * kHourMs);
  REQUIRE(database->Maintain());
  REQUIRE(database->Maintain());
  CHECK(database.Metric("prometheus_tsdb_head_series") == 3);
  CHECK(Difference(ReadAll(*database), expected) == "");
  const auto appender = database->NewAppender();
  appender->Append(id, {FromMs(4 * kHourMs), 2});
  REQUIRE(appender->Commit()->appended == 1);
  expected[Named("idle").ToString()][4 * kHourMs] = std::bit_cast<uint64_t>(2.0);
  CHECK(Difference(ReadAll(*database), expected) == "");
  CHECK(*database->NewAppender()->Resolve(Named("idle")) == id);
}

TEST_CASE("Samples deleted in blocks are gone, and later ones at their times are not") {
  TestDatabase database(PosixFileSystem(), SmallBlocks());
  Contents expected;
  Target target(database);
  target.Run(expected, 0, 6 * kHourMs);
  REQUIRE(database->Maintain());
  Append(database, expected, "y", 3 * kHourMs, 3);
  const TimeRange range{FromMs(2 * kHourMs), FromMs(5 * kHourMs)};
  REQUIRE(database->DeleteSeries(range, {Matcher::Equal("__name__", "y")}));
  std::erase_if(expected[Named("y").ToString()],
                [&](const auto& sample) { return range.Contains(FromMs(sample.first)); });
  CHECK(Difference(ReadAll(*database), expected) == "");
  Append(database, expected, "y", 3 * kHourMs, 4);
  CHECK(Difference(ReadAll(*database), expected) == "");
  REQUIRE(database->CleanTombstones());
  CHECK(Difference(ReadAll(*database), expected) == "");
  for (const auto& block : database->Blocks()) CHECK(block->tombstones().empty());
  target.Run(expected, 6 * kHourMs, 9 * kHourMs);
  REQUIRE(database->Maintain());
  target.End();
  database.Reopen();
  CHECK(Difference(ReadAll(*database), expected) == "");
}

TEST_CASE("What was deleted stays so after a crash or a restart") {
  const bool crash = GENERATE(true, false);
  const bool read_meanwhile = GENERATE(true, false);
  CAPTURE(crash, read_meanwhile);
  TestDatabase database(PosixFileSystem(), SmallBlocks());
  Contents expected;
  auto target = std::make_unique<Target>(database);
  target->Run(expected, 0, 20 * kMinuteMs);
  Append(database, expected, "alone", 5 * kMinuteMs, 1);
  expected.clear();
  auto reader = *database->Select({}, AllSeries(), {}, {});
  if (!read_meanwhile) reader.reset();
  REQUIRE(database->DeleteSeries({}, AllSeries()));
  CHECK(Difference(ReadAll(*database), {}) == "");
  const auto end = [&] {
    reader.reset();
    target.reset();
  };
  if (crash) {
    database.Crash(end);
  } else {
    end();
    database.Reopen();
  }
  CHECK(Difference(ReadAll(*database), {}) == "");
  Append(database, expected, "alone", 5 * kMinuteMs, 2);
  CHECK(Difference(ReadAll(*database), expected) == "");
}

TEST_CASE("A damaged block is set aside, and the others are served") {
  TestDatabase database(PosixFileSystem(), SmallBlocks());
  Contents expected;
  Target target(database);
  target.Run(expected, 0, 5 * kHourMs);
  REQUIRE(database->Maintain());
  const auto blocks = database->Blocks();
  REQUIRE(blocks.size() == 2);
  const std::string meta = blocks[0]->path() + "/meta.json";
  const TimeRange lost = blocks[0]->meta().range;
  target.End();
  database.Drop();
  REQUIRE(PosixFileSystem().WriteFile(meta, "{"));
  REQUIRE(database.TryOpen());
  for (auto& [series, samples] : expected) {
    std::erase_if(samples, [&](const auto& sample) { return lost.Contains(FromMs(sample.first)); });
  }
  CHECK(Difference(ReadAll(*database), expected) == "");
  CHECK(database.Metric("barograph_tsdb_blocks_damaged") == 1);
}

TEST_CASE(
    "Merges go on without a block that is damaged in parts, which is served as far as it goes") {
  TestDatabase database(PosixFileSystem(), SmallBlocks());
  Contents expected;
  std::optional<Target> target(std::in_place, database);
  target->Run(expected, 0, 13 * kHourMs / 5);
  REQUIRE(database->Maintain());
  REQUIRE(CountOf(database) == 2);
  const auto damaged = database->Blocks()[0];
  const std::string data = damaged->path() + "/data";
  uint64_t offset = 0;
  for (const tsdb::ExtentEntry& entry : damaged->data().directory().extents()) {
    if (entry.kind == tsdb::ExtentKind::kSamples) offset = entry.offset;
  }
  target.reset();
  database.Drop();
  std::string bytes = *PosixFileSystem().ReadFile(data);
  bytes[offset] = static_cast<char>(bytes[offset] ^ 1);
  REQUIRE(PosixFileSystem().WriteFile(data, bytes));
  REQUIRE(database.TryOpen());

  target.emplace(database);
  target->Run(expected, 13 * kHourMs / 5, 14 * kHourMs);
  REQUIRE(database->Maintain());
  CHECK(database.sink().Count(LogLevel::kError, "cannot be merged") == 1);
  CHECK(database.sink().Contains("data at " + std::to_string(offset)));
  const auto failed = database.Metric("prometheus_tsdb_compactions_failed_total");
  REQUIRE(database->Maintain());
  CHECK(database.sink().Count(LogLevel::kError, "cannot be merged") == 1);
  CHECK(database.Metric("prometheus_tsdb_compactions_failed_total") == failed);
  const auto blocks = database->Blocks();
  CHECK(blocks.size() < 6);
  const auto still_there = [&](const auto& b) { return b->path() == damaged->path(); };
  CHECK(std::ranges::count_if(blocks, still_there) == 1);

  // Queries that need what is damaged say so; the others do not know of it.
  const TimeRange sound{damaged->meta().range.max + Duration(1), kMaxTimestamp};
  for (auto& [series, samples] : expected) {
    std::erase_if(samples, [&](const auto& s) { return !sound.Contains(FromMs(s.first)); });
  }
  CHECK(Difference(ReadAll(*database, sound), expected) == "");
  const auto selection = database->Select({}, AllSeries(), {}, {});
  REQUIRE(selection);
  const auto read = (*selection)->NewCursor()->Read(0);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == ErrorCode::kCorruption);
  CHECK_THAT(read.error().message, Catch::Contains(data + " at " + std::to_string(offset)));
}

TEST_CASE("A disk that is full at a cut or a merge costs nothing but time") {
  MemoryFileSystem disk;
  FaultFileSystem files(disk);
  TestDatabase database(files, SmallBlocks());
  Contents expected;
  Target target(database);
  int64_t hour = 0;
  for (int nth = 1; nth < 30; ++nth) {
    target.Run(expected, hour * kHourMs, (hour + 4) * kHourMs);
    hour += 4;
    files.Inject({.operation = FileOperation::kAppend,
                  .nth = nth,
                  .path_part = "/blocks/",
                  .code = ErrorCode::kLimitExceeded});
    (void)database->Maintain();
    files.ClearFaults();
    REQUIRE(Difference(ReadAll(*database), expected) == "");
  }
  REQUIRE(database->Maintain());
  CHECK(Difference(ReadAll(*database), expected) == "");
  CHECK(CountOf(database) > 0);
}

TEST_CASE("A cut that fails is counted, and does not keep the retention from making room") {
  MemoryFileSystem disk;
  FaultFileSystem files(disk);
  TestDatabase database(files, SmallBlocks());
  Contents expected;
  Target target(database);
  target.Run(expected, 0, 4 * kHourMs);
  REQUIRE(database->Maintain());
  REQUIRE(CountOf(database) > 0);
  target.Run(expected, 4 * kHourMs, 8 * kHourMs);
  database->SetRetention({.time = Duration(0), .bytes = 1});
  files.Inject({.operation = FileOperation::kAppend,
                .path_part = "/blocks/",
                .code = ErrorCode::kLimitExceeded,
                .stays = true});
  const Status done = database->Maintain();
  REQUIRE_FALSE(done);
  CHECK(done.error().code == ErrorCode::kLimitExceeded);
  CHECK(CountOf(database) == 0);
  CHECK(database.Metric("prometheus_tsdb_compactions_failed_total") == 1);
  target.End();
}

TEST_CASE("Random appends, restarts, crashes, cuts and deletes agree with a map") {
  const uint64_t seed = getenv("SEED") ? std::stoull(getenv("SEED")) : std::random_device()();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  tsdb::Options options = SmallBlocks();
  options.wal_segment_bytes = 8192;
  options.index_interval = 24h;
  TestDatabase database(PosixFileSystem(), options);
  Contents expected;
  auto target = std::make_unique<Target>(database);
  int64_t now = 0;
  std::unique_ptr<Selection> reader;  // holds what it sees in place
  for (int step = 0; step < 150; ++step) {
    switch (random() % 10) {
      case 0:
        reader.reset();
        target.reset();
        database.Reopen();
        target = std::make_unique<Target>(database);
        break;
      case 4:
        reader.reset();
        database.Crash([&] { target.reset(); });
        target = std::make_unique<Target>(database);
        break;
      case 5: reader = *database->Select({}, AllSeries(), {}, {}); break;
      case 1: REQUIRE(database->Maintain()); break;
      case 2: {
        const int64_t from = static_cast<int64_t>(random() % (now + 1));
        const TimeRange range{FromMs(from),
                              FromMs(from + static_cast<int64_t>(random() % kHourMs))};
        const std::string name(1, static_cast<char>('w' + random() % 4));
        REQUIRE(database->DeleteSeries(range, {Matcher::Equal("__name__", name)}));
        std::erase_if(expected[Named(name).ToString()],
                      [&](const auto& sample) { return range.Contains(FromMs(sample.first)); });
        break;
      }
      case 3: {
        // The last digit keeps it apart from the rows.
        const int64_t ms = static_cast<int64_t>(random() % (now + 1)) / 10 * 10 + 1;
        const std::string name(1, static_cast<char>('w' + random() % 3));
        if (!expected[Named(name).ToString()].contains(ms)) {
          Append(database, expected, name, ms, static_cast<double>(random() % 1000));
        }
        break;
      }
      default: {
        const int64_t until = now + static_cast<int64_t>(random() % 60) * kMinuteMs;
        target->Run(expected, now, until);
        now = until;
      }
    }
    std::erase_if(expected, [](const auto& series) { return series.second.empty(); });
    if (step % 10 == 0) REQUIRE(Difference(ReadAll(*database), expected) == "");
  }
  reader.reset();
  CHECK(Difference(ReadAll(*database), expected) == "");
}

}  // namespace barograph::test
