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

}  // namespace
}  // namespace barograph::test
