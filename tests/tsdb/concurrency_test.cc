#include <atomic>
#include <latch>
#include <thread>

#include "tests/tsdb/storage_harness.h"

namespace barograph::test {
namespace {

constexpr const char* kDoomed = "doomed";

// Catch's assertions are for one thread.
[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::terminate();
}

// Values that tell their series and time, so that a reader can check what it sees.
double ValueAt(int writer, size_t column, int64_t ms) {
  return static_cast<double>(ms) * 100 + static_cast<double>(column) + writer * 0.5;
}

// Half of the rows come when everyone else had a turn.
void WriteTable(tsdb::Database& database, int writer, int rows, const std::latch& turns) {
  auto opened = database.OpenTable();
  if (!opened) Die("OpenTable");
  const std::unique_ptr<ScrapeTable> table = std::move(*opened);
  std::vector<double> values;
  for (int r = 0; r < rows; ++r) {
    if (r == rows / 2) turns.wait();
    if (r % 10 == 0) {
      const auto column = table->AddColumn(
          Named("m" + std::to_string(values.size()), "w" + std::to_string(writer)));
      if (!column || *column != values.size()) Die("AddColumn");
      values.push_back(0);
    }
    for (size_t c = 0; c < values.size(); ++c) values[c] = ValueAt(writer, c, r);
    if (!table->AppendRow(FullRow(values).at(r))) Die("AppendRow");
  }
}

void WriteLone(tsdb::Database& database, int samples) {
  const auto appender = database.NewAppender();
  for (int s = 0; s < samples; ++s) {
    const auto id = appender->Resolve(Named("m" + std::to_string(s % 7), "lone"));
    appender->Append(*id, {FromMs(s), ValueAt(9, static_cast<size_t>(s % 7), s)});
    if (!appender->Commit()) Die("Commit");
  }
}

// Does it once, tells of that, and goes on while there are writers.
template <typename F>
void Repeat(const std::atomic<int>& writing, std::latch& turns, F&& once) {
  once();
  turns.count_down();
  while (writing > 0) once();
}

// Each series that a reader sees is a prefix without holes, of right values.
void CheckWhatIsThere(const tsdb::Database& database) {
  const auto selection = database.Select({}, AllSeries(), {}, {});
  if (!selection) Die("Select");
  const auto cursor = (*selection)->NewCursor();
  for (size_t i = 0; i < (*selection)->size(); ++i) {
    const Labels labels = (*selection)->labels(i);
    const std::string instance(labels.Get("instance"));
    if (instance == kDoomed) continue;
    const int writer = instance == "lone" ? 9 : instance[1] - '0';
    const auto column = static_cast<size_t>(std::stoi(std::string(labels.metric_name().substr(1))));
    const auto samples = cursor->Read(i);
    if (!samples) Die("Read");
    for (size_t s = 0; s < samples->size(); ++s) {
      const int64_t ms = ToMs(samples->timestamps[s]);
      if (samples->values[s] != ValueAt(writer, column, ms))
        Die("a wrong value in " + labels.ToString() + " at " + std::to_string(ms));
      const int64_t step = writer == 9 ? 7 : 1;
      if (s > 0 && ms != ToMs(samples->timestamps[s - 1]) + step)
        Die("a hole in " + labels.ToString() + " before " + std::to_string(ms) + " after " +
            std::to_string(ToMs(samples->timestamps[s - 1])));
    }
  }
}

size_t CountSamples(const tsdb::Database& database, const Matchers& matchers) {
  const auto selection = database.Select({}, matchers, {}, {});
  if (!selection) Die("select");
  const auto cursor = (*selection)->NewCursor();
  size_t count = 0;
  for (size_t i = 0; i < (*selection)->size(); ++i) {
    const auto samples = cursor->Read(i);
    if (!samples) Die("read");
    count += samples->size();
  }
  return count;
}

// Appends to a series, deletes it, and looks that it is gone: again and again.
void AppendAndDelete(tsdb::Database& database, int64_t ms) {
  const Matchers doomed{Matcher::Equal("instance", kDoomed)};
  const auto appender = database.NewAppender();
  appender->Append(*appender->Resolve(Named("m", kDoomed)), {FromMs(ms), 1});
  if (!appender->Commit()) Die("commit");
  if (CountSamples(database, doomed) != 1) Die("not there");
  if (!database.DeleteSeries({}, doomed)) Die("delete");
  if (CountSamples(database, doomed) != 0) Die("not gone");
}

}  // namespace

TEST_CASE("Many loops append while queries read") {
  const auto fsync = GENERATE(tsdb::WalFsync::kInterval, tsdb::WalFsync::kAlways);
  const int rows = fsync == tsdb::WalFsync::kAlways ? 150 : 600;
  TestDatabase database(PosixFileSystem(), {.path = {},
                                            .wal_fsync = fsync,
                                            .wal_segment_bytes = 100'000,
                                            .index_interval = std::chrono::milliseconds(20),
                                            .index_path = {}});
  database.options().fsync_interval = std::chrono::milliseconds(5);
  database.Reopen();
  std::atomic<int> writing = 4;
  std::latch turns(1);
  {
    std::vector<std::jthread> threads;
    for (int w = 0; w < 3; ++w) {
      threads.emplace_back([&, w] {
        WriteTable(*database, w, rows, turns);
        --writing;
      });
    }
    threads.emplace_back([&] {
      WriteLone(*database, rows);
      --writing;
    });
    threads.emplace_back([&] {
      Repeat(writing, turns, [&] {
        CheckWhatIsThere(*database);
        if (!database->LabelValues("__name__", {}, {})) Die("labels");
      });
    });
  }
  const Contents before = ReadAll(*database);
  CHECK(before.size() == static_cast<size_t>(3 * rows / 10 + 7));
  CHECK(before.at(Named("m0", "w0").ToString()).size() == static_cast<size_t>(rows));
  database.Reopen();
  CHECK(Difference(ReadAll(*database), before) == "");
}

TEST_CASE("Rows, lone samples, queries, cuts, merges, deletes and snapshots at one time") {
  constexpr int kRows = 400;
  tsdb::Options options;
  options.min_block_duration = Duration(40);
  options.max_block_duration = Duration(360);
  options.retention.time = Duration(0);
  options.wal_segment_bytes = 20'000;
  options.index_interval = std::chrono::milliseconds(20);
  options.maintenance_interval = std::chrono::hours(24);
  TestDatabase database(PosixFileSystem(), options);
  std::atomic<int> writing = 3;
  std::latch turns(3);
  std::string snapshot;
  {
    std::vector<std::jthread> threads;
    for (int w = 0; w < 2; ++w) {
      threads.emplace_back([&, w] {
        WriteTable(*database, w, kRows, turns);
        --writing;
      });
    }
    threads.emplace_back([&] {
      WriteLone(*database, kRows);
      --writing;
    });
    threads.emplace_back([&] { Repeat(writing, turns, [&] { CheckWhatIsThere(*database); }); });
    threads.emplace_back([&] {
      Repeat(writing, turns, [&] {
        const Status done = database->Maintain();
        if (!done) Die("maintenance: " + done.error().message);
      });
    });
    threads.emplace_back([&] {
      int64_t ms = 0;
      Repeat(writing, turns, [&] {
        AppendAndDelete(*database, ms % kRows);
        const auto made = database->Snapshot(ms++ % 2 == 0);
        if (!made) Die("snapshot");
        snapshot = *made;
      });
    });
  }
  REQUIRE(database->Maintain());
  CHECK(database->Blocks().size() > 0);
  const Contents before = ReadAll(*database);
  CHECK(before.size() == 2 * kRows / 10 + 7);
  CHECK(before.at(Named("m0", "w0").ToString()).size() == kRows);
  CHECK(PosixFileSystem().Exists(database.path() + "/snapshots/" + snapshot + "/blocks"));
  database.Reopen();
  CHECK(Difference(ReadAll(*database), before) == "");
}

TEST_CASE("First samples of series come while others move to blocks") {
  constexpr int kCommits = 150;
  constexpr int kSeries = 20;  // a commit
  tsdb::Options options;
  options.maintenance_interval = std::chrono::hours(24);
  TestDatabase database(PosixFileSystem(), options);
  std::atomic<int> writing = 1;
  std::latch turns(1);
  {
    std::vector<std::jthread> threads;
    threads.emplace_back([&] {
      const auto appender = database->NewAppender();
      for (int c = 0; c < kCommits; ++c) {
        for (int s = 0; s < kSeries; ++s) {
          const auto id = appender->Resolve(Named("m" + std::to_string(s), std::to_string(c)));
          appender->Append(*id, {FromMs(1), 1});
        }
        if (!appender->Commit()) Die("Commit");
      }
      --writing;
    });
    // A deletion moves all lone samples to a block first.
    threads.emplace_back([&] {
      Repeat(writing, turns, [&] {
        if (!database->DeleteSeries({}, {Matcher::Equal("instance", kDoomed)})) Die("delete");
      });
    });
  }
  CHECK(CountSamples(*database, AllSeries()) == size_t{kCommits} * kSeries);
}

}  // namespace barograph::test
