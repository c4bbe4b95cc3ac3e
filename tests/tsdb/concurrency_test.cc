#include <atomic>
#include <thread>

#include "tests/tsdb/storage_harness.h"

namespace barograph::test {
namespace {

// Values that tell their series and time, so that a reader can check what it sees.
double ValueAt(int writer, size_t column, int64_t ms) {
  return static_cast<double>(ms) * 100 + static_cast<double>(column) + writer * 0.5;
}

void WriteTable(tsdb::Database& database, int writer, int rows) {
  // Catch's assertions are for one thread.
  auto opened = database.OpenTable();
  if (!opened) std::terminate();
  const std::unique_ptr<ScrapeTable> table = std::move(*opened);
  std::vector<double> values;
  for (int r = 0; r < rows; ++r) {
    if (r % 10 == 0) {
      const auto column = table->AddColumn(
          Named("m" + std::to_string(values.size()), "w" + std::to_string(writer)));
      if (!column || *column != values.size()) std::terminate();
      values.push_back(0);
    }
    for (size_t c = 0; c < values.size(); ++c) values[c] = ValueAt(writer, c, r);
    if (!table->AppendRow(FullRow(values).at(r))) std::terminate();
  }
}

void WriteLone(tsdb::Database& database, int samples) {
  const auto appender = database.NewAppender();
  for (int s = 0; s < samples; ++s) {
    const auto id = appender->Resolve(Named("m" + std::to_string(s % 7), "lone"));
    appender->Append(*id, {FromMs(s), ValueAt(9, static_cast<size_t>(s % 7), s)});
    if (!appender->Commit()) std::terminate();
  }
}

// Each series that a reader sees is a prefix without holes, of right values.
void CheckWhatIsThere(const tsdb::Database& database) {
  const auto selection = database.Select({}, AllSeries(), {}, {});
  if (!selection) std::terminate();
  const auto cursor = (*selection)->NewCursor();
  for (size_t i = 0; i < (*selection)->size(); ++i) {
    const Labels labels = (*selection)->labels(i);
    const std::string instance(labels.Get("instance"));
    const int writer = instance == "lone" ? 9 : instance[1] - '0';
    const auto column = static_cast<size_t>(std::stoi(std::string(labels.metric_name().substr(1))));
    const auto samples = cursor->Read(i);
    if (!samples) std::terminate();
    for (size_t s = 0; s < samples->size(); ++s) {
      const int64_t ms = ToMs(samples->timestamps[s]);
      if (samples->values[s] != ValueAt(writer, column, ms)) std::terminate();
      const int64_t step = writer == 9 ? 7 : 1;
      if (s > 0 && ms != ToMs(samples->timestamps[s - 1]) + step) std::terminate();
    }
  }
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
  {
    std::vector<std::jthread> threads;
    for (int w = 0; w < 3; ++w) {
      threads.emplace_back([&, w] {
        WriteTable(*database, w, rows);
        --writing;
      });
    }
    threads.emplace_back([&] {
      WriteLone(*database, rows);
      --writing;
    });
    threads.emplace_back([&] {
      while (writing > 0) {
        CheckWhatIsThere(*database);
        if (!database->LabelValues("__name__", {}, {})) std::terminate();
      }
    });
  }
  const Contents before = ReadAll(*database);
  CHECK(before.size() == static_cast<size_t>(3 * rows / 10 + 7));
  CHECK(before.at(Named("m0", "w0").ToString()).size() == static_cast<size_t>(rows));
  database.Reopen();
  CHECK(Difference(ReadAll(*database), before) == "");
}

}  // namespace barograph::test
