#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/thread_pool.h"

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

  /// False, and `task` is dropped, when the scope is stopping. In a task, co_await does not throw
  /// because the task was cancelled: the operation that is under way ends early, and the task
  /// asks stopping() or Cancelled() whether to go on. An exception that leaves a task is a
  /// programming error and ends the process.
  bool Spawn(asio::awaitable<void> task);
  asio::awaitable<void> Stop();
  size_t running() const;
  bool stopping() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Waits; returns early, without error, when the coroutine is cancelled, and at once when it was
/// cancelled before.
asio::awaitable<void> Sleep(std::chrono::nanoseconds duration);

/// Whether the calling coroutine has been cancelled.
asio::awaitable<bool> Cancelled();

/// Runs `job` on `pool` and resumes the caller on its own executor with what it returned or threw.
/// Cancelling the caller does not interrupt the job: give it a stop token. The caller's context
/// must outlive the pool's threads.
template <typename Job>
asio::awaitable<std::invoke_result_t<Job&>> Offload(ThreadPool& pool, Job job) {
  using Returned = std::invoke_result_t<Job&>;
  using Kept = std::conditional_t<std::is_void_v<Returned>, std::monostate, Returned>;
  std::optional<Kept> outcome;
  std::exception_ptr thrown;
  auto run = [&] {
    try {
      if constexpr (std::is_void_v<Returned>) {
        job();
      } else {
        outcome.emplace(job());
      }
    } catch (...) {
      thrown = std::current_exception();
    }
  };
  // `run` and what it refers to live in this frame, which waits.
  auto initiate = [&pool, &run](auto handler) {
    auto work = asio::make_work_guard(handler);
    pool.Post([&run, handler = std::move(handler), work = std::move(work)]() mutable {
      run();
      auto executor = work.get_executor();
      asio::post(executor, std::move(handler));
    });
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(initiate,
                                                                       asio::use_awaitable);
  if (thrown) std::rethrow_exception(thrown);
  if constexpr (!std::is_void_v<Returned>) co_return std::move(*outcome);
}

}  // namespace barograph::net
