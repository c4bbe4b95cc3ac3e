#include "base/worker_pool.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <numeric>
#include <thread>
#include <vector>

namespace barograph {
namespace {

TEST_CASE("the caller of a pool without threads does all of the work") {
  WorkerPool pool(0);
  std::vector<size_t> calls;
  pool.Run(3, [&](size_t index) { calls.push_back(index); });
  CHECK(calls == std::vector<size_t>{0});
}

TEST_CASE("idle threads join in, each with an index of its own") {
  WorkerPool pool(3);
  std::atomic<int> arrived = 0;
  std::vector<std::atomic<int>> calls(4);
  // All wait for all, so that none is left out.
  pool.Run(3, [&](size_t index) {
    ++calls[index];
    ++arrived;
    while (arrived < 4) std::this_thread::yield();
  });
  for (const auto& count : calls) CHECK(count == 1);
}

TEST_CASE("many callers share a pool, and each job is done once") {
  WorkerPool pool(2);
  std::vector<std::jthread> callers;
  std::atomic<uint64_t> total = 0;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        std::atomic<int> next = 0;
        std::vector<int> done(50, 0);
        pool.Run(2, [&](size_t) {
          for (int i = next++; i < 50; i = next++) done[static_cast<size_t>(i)] += 1;
        });
        total += static_cast<uint64_t>(std::accumulate(done.begin(), done.end(), 0));
      }
    });
  }
  callers.clear();
  CHECK(total == 4 * 200 * 50);
}

}  // namespace
}  // namespace barograph
