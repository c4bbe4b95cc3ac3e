#include "net/runtime.h"

#include <boost/asio/co_spawn.hpp>
#include <catch2/catch.hpp>
#include <future>
#include <stdexcept>
#include <thread>

#include "tests/net/io.h"

namespace barograph::net {
namespace {

using namespace std::chrono_literals;
using test::Await;

TEST_CASE("Offload runs on the pool and comes back to the caller's thread") {
  Runtime runtime(1);
  ThreadPool pool(2);
  runtime.Start();
  std::promise<bool> held;
  asio::co_spawn(
      runtime.context(0),
      [&]() -> asio::awaitable<bool> {
        const auto here = std::this_thread::get_id();
        const auto there = co_await Offload(pool, [] { return std::this_thread::get_id(); });
        co_return there != here&& std::this_thread::get_id() == here;
      },
      [&](std::exception_ptr, bool value) { held.set_value(value); });
  CHECK(held.get_future().get());
  runtime.Stop(1s);
}

TEST_CASE("Offload passes on what the job throws, and takes jobs without a result") {
  asio::io_context context;
  ThreadPool pool(1);
  bool ran = false;
  Await(context, Offload(pool, [&] { ran = true; }));
  CHECK(ran);
  CHECK_THROWS_AS(Await(context, Offload(pool, []() -> int { throw std::runtime_error("x"); })),
                  std::runtime_error);
}

TEST_CASE("A runtime's threads end at once when stopped without grace") {
  Runtime runtime(3);
  CHECK(runtime.size() == 3);
  runtime.Start();
  asio::co_spawn(runtime.NextContext(), Sleep(1h), [](std::exception_ptr) {});
  runtime.Stop(1ms);
}

TEST_CASE("Stopping a scope cancels its tasks, waits for them and refuses new ones") {
  asio::io_context context;
  TaskScope scope(context);
  int ended = 0;
  const auto task = [&](bool patient) -> asio::awaitable<void> {
    co_await Sleep(1h);
    CHECK(co_await Cancelled());
    CHECK(scope.stopping());
    co_await Sleep(1h);  // at once: it was cancelled
    if (patient) co_await asio::post(context, asio::use_awaitable);
    ++ended;
  };
  CHECK(scope.Spawn(task(false)));
  CHECK(scope.Spawn(task(true)));
  CHECK(scope.Spawn([]() -> asio::awaitable<void> { co_return; }()));
  context.poll();
  CHECK(scope.running() == 2);
  Await(context, scope.Stop());
  CHECK(ended == 2);
  CHECK(scope.running() == 0);
  CHECK_FALSE(scope.Spawn(task(false)));
  Await(context, scope.Stop());
}

}  // namespace
}  // namespace barograph::net
