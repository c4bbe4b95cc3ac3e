#include "net/runtime.h"

#include <atomic>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace barograph::net {
namespace {

using WorkGuard = asio::executor_work_guard<asio::io_context::executor_type>;

struct Worker {
  asio::io_context context{1};  // one thread runs it
  WorkGuard work{context.get_executor()};
  std::thread thread;
};

}  // namespace

struct Runtime::Impl {
  std::vector<std::unique_ptr<Worker>> workers;
  std::atomic<size_t> next{0};
  Mutex mutex;
  ConditionVariable finished;
  size_t running GUARDED_BY(mutex) = 0;

  void Run(Worker& worker) {
    worker.context.run();
    MutexLock lock(mutex);
    --running;
    finished.NotifyAll();
  }

  void WaitForAll(std::chrono::steady_clock::time_point deadline) {
    MutexLock lock(mutex);
    while (running > 0) {
      const auto left = deadline - std::chrono::steady_clock::now();
      if (left <= left.zero() || !finished.WaitFor(mutex, left)) return;
    }
  }
};

Runtime::Runtime(size_t io_threads) : impl_(std::make_unique<Impl>()) {
  for (size_t i = 0; i < std::max<size_t>(io_threads, 1); ++i)
    impl_->workers.push_back(std::make_unique<Worker>());
}

Runtime::~Runtime() { Stop(std::chrono::milliseconds(0)); }

size_t Runtime::size() const { return impl_->workers.size(); }

asio::io_context& Runtime::context(size_t index) { return impl_->workers[index]->context; }

asio::io_context& Runtime::NextContext() {
  return context(impl_->next.fetch_add(1, std::memory_order_relaxed) % size());
}

void Runtime::Start() {
  for (auto& worker : impl_->workers) {
    {
      MutexLock lock(impl_->mutex);
      ++impl_->running;
    }
    worker->thread = std::thread([this, &worker = *worker] { impl_->Run(worker); });
  }
}

void Runtime::Stop(std::chrono::milliseconds grace) {
  for (auto& worker : impl_->workers) worker->work.reset();
  impl_->WaitForAll(std::chrono::steady_clock::now() + grace);
  for (auto& worker : impl_->workers) worker->context.stop();
  for (auto& worker : impl_->workers)
    if (worker->thread.joinable()) worker->thread.join();
}

asio::awaitable<bool> Cancelled() {
  const auto state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() != asio::cancellation_type::none;
}

asio::awaitable<void> Sleep(std::chrono::nanoseconds duration) {
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) co_return;
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_after(duration);
  boost::system::error_code cancelled;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
}

}  // namespace barograph::net
