#include <bit>
#include <chrono>
#include <future>
#include <mutex>
#include <thread>

#include "tests/support/io_priority.h"
#include "tests/support/memory_file_system.h"
#include "tests/tsdb/storage_harness.h"

namespace barograph::test {
namespace {

/// Tells the I/O priority of the first thread, but for that which made it, that asks for the time.
class PriorityClock final : public Clock {
 public:
  Timestamp Now() const override {
    if (std::this_thread::get_id() != maker_) {
      std::call_once(once_, [&] { priority_.set_value(IoPriorityOfThisThread()); });
    }
    return FromMs(0);
  }
  std::chrono::nanoseconds Monotonic() const override { return {}; }
  int priority() { return priority_.get_future().get(); }

 private:
  const std::thread::id maker_ = std::this_thread::get_id();
  mutable std::once_flag once_;
  mutable std::promise<int> priority_;
};

TEST_CASE("The storage's maintenance reads and writes behind everyone else") {
  const int before = IoPriorityOfThisThread();
  PriorityClock clock;
  MemoryFileSystem files;
  const TempDir index;
  MetricsRegistry metrics;
  tsdb::Options options;
  options.path = "/data";
  options.index_path = index.path() + "/index";
  options.maintenance_interval = std::chrono::milliseconds(1);
  options.index_interval = options.fsync_interval = std::chrono::hours(1);
  const auto database = tsdb::Database::Open(files, clock, Logger(), metrics, options);
  REQUIRE(database);
  CHECK(clock.priority() == kLowIoPriority);
  CHECK(IoPriorityOfThisThread() == before);
}

TEST_CASE("History that was written at once is cut into blocks before maintenance's turn") {
  using namespace std::chrono_literals;
  tsdb::Options options;
  options.min_block_duration = 1h;
  options.maintenance_interval = 60s;  // looks each second
  TestDatabase database(PosixFileSystem(), options);
  database.clock().Advance(12h);
  Contents expected;
  const auto appender = database->NewAppender();
  const SeriesId series = *appender->Resolve(Named("x"));
  for (int64_t ms = 0; ms <= 12 * 3'600'000; ms += 60'000) {
    appender->Append(series, {FromMs(ms), 0.25});
    expected[Named("x").ToString()][ms] = std::bit_cast<uint64_t>(0.25);
  }
  REQUIRE(appender->Commit());
  // While the clock stands still it is as if more still came.
  std::this_thread::sleep_for(1500ms);
  CHECK(database->Blocks().empty());
  const auto give_up = std::chrono::steady_clock::now() + 30s;
  const auto is_cut = [&] {
    return database.Metric("prometheus_tsdb_head_min_time") == 11 * 3'600'000;
  };
  while (!is_cut() && std::chrono::steady_clock::now() < give_up) {
    database.clock().Advance(1s);
    std::this_thread::sleep_for(20ms);
  }
  CHECK(is_cut());
  CHECK_FALSE(database->Blocks().empty());
  CHECK(Difference(ReadAll(*database), expected) == "");
}

}  // namespace
}  // namespace barograph::test
