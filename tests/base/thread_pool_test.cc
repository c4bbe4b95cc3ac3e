#include "base/thread_pool.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "base/worker_pool.h"

namespace {

std::atomic<int> returned = 0;

template <typename Condition>
void WaitUntil(Condition condition) {
  while (!condition()) std::this_thread::yield();
}

}  // namespace

// In the place of mimalloc's, which tests are not linked with.
extern "C" void mi_collect(bool) noexcept { ++returned; }

namespace barograph {
namespace {

TEST_CASE("a pool's threads run jobs side by side, and each job once") {
  std::atomic<int> arrived = 0, ran = 0;
  ThreadPool pool(3);  // last: its destructor waits for those that still look at the others
  // All wait for all, so that each needs a thread of its own.
  for (int i = 0; i < 3; ++i) {
    pool.Post([&] {
      ++arrived;
      WaitUntil([&] { return arrived >= 3; });
    });
  }
  for (int i = 0; i < 1000; ++i) pool.Post([&] { ++ran; });
  WaitUntil([&] { return ran == 1000; });
}

TEST_CASE("jobs that come one at a time run on one thread, whose memory is warm") {
  ThreadPool pool(4);
  const auto thread_of_next = [&] {
    std::promise<std::thread::id> id;
    pool.Post([&] { id.set_value(std::this_thread::get_id()); });
    return id.get_future().get();
  };
  // The thread must have come to rest before the next job comes, or another one takes it: on a busy
  // machine that happens. In turns, each job would go to another thread.
  constexpr int kJobs = 50;
  std::thread::id last = thread_of_next();
  int changes = 0;
  for (int i = 0; i < kJobs; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    const std::thread::id next = thread_of_next();
    changes += next != std::exchange(last, next) ? 1 : 0;
  }
  CHECK(changes < kJobs / 2);
}

TEST_CASE("a pool that ends waits for jobs that run") {
  std::promise<void> begun;
  std::atomic<bool> go_on = false, ended = false;
  std::jthread release;
  {
    ThreadPool pool(1);
    pool.Post([&] {
      begun.set_value();
      WaitUntil([&] { return go_on.load(); });
      ended = true;
    });
    begun.get_future().get();
    release = std::jthread([&] { go_on = true; });
  }
  CHECK(ended);
}

TEST_CASE("a pool that ends drops the jobs that have not begun") {
  const auto held = std::make_shared<int>();
  std::atomic<int> ran = 0;
  {
    auto pool = std::make_unique<ThreadPool>(1);
    ThreadPool& running = *pool;
    // There is always one more, so that the pool would never end if it ran all.
    std::function<void()> run_and_repeat = [&, held] {
      ++ran;
      running.Post(run_and_repeat);
    };
    running.Post(run_and_repeat);
    WaitUntil([&] { return ran > 10; });
    pool.reset();
  }
  CHECK(held.use_count() == 1);
}

TEST_CASE("threads that have nothing to do for a second return their free memory, once") {
  returned = 0;
  ThreadPool jobs(1);
  WorkerPool helpers(1);
  WaitUntil([] { return returned == 2; });
  std::promise<void> ran;
  jobs.Post([&] { ran.set_value(); });
  ran.get_future().get();
  WaitUntil([] { return returned == 3; });
}

}  // namespace
}  // namespace barograph
