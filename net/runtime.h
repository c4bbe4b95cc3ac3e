#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"

/// Threads that run coroutines. One io_context a thread, so what lives on one context needs no
/// locks; blocking and heavy work is handed to a pool with Offload and comes back.
namespace barograph::net {

namespace asio = boost::asio;

/// N I/O threads with an io_context each. Start and Stop are called once each, from one thread.
class Runtime {
 public:
  explicit Runtime(size_t io_threads);
  ~Runtime();

  size_t size() const;
  asio::io_context& context(size_t index);
  /// The contexts in turn. Thread-safe.
  asio::io_context& NextContext();

  void Start();
  /// Lets the contexts run out of work for at most `grace`, then stops them; joins the threads.
  void Stop(std::chrono::milliseconds grace);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A group of coroutines that ends together: Spawn starts one, Stop refuses new ones, cancels
/// those that run and waits for them. Everything but the constructor runs on `context`.
class TaskScope {
 public:
  explicit TaskScope(asio::io_context& context);
  /// Precondition: Stop() has finished, or nothing was spawned.
  ~TaskScope();

  /// False, and `task` is dropped, when the scope is stopping. An exception that leaves a task is
  /// a programming error and ends the process.
  bool Spawn(asio::awaitable<void> task);
  asio::awaitable<void> Stop();
  size_t running() const;
  bool stopping() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Runs `job` on `pool` and resumes the caller on its own executor with what it returned.
template <typename Job>
asio::awaitable<std::invoke_result_t<Job>> Offload(asio::thread_pool& pool, Job job) {
  co_return co_await asio::co_spawn(
      pool,
      [](Job work) -> asio::awaitable<std::invoke_result_t<Job>> {
        co_return work();
      }(std::move(job)),
      asio::use_awaitable);
}

/// Waits; returns early, without error, when the coroutine is cancelled.
asio::awaitable<void> Sleep(std::chrono::nanoseconds duration);

}  // namespace barograph::net
