#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <list>
#include <vector>

#include "net/runtime.h"

namespace barograph::net {
namespace {

using Signals = std::list<std::unique_ptr<asio::cancellation_signal>>;

asio::awaitable<void> WithoutThrowing(asio::awaitable<void> task) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await std::move(task);
}

}  // namespace

struct TaskScope::State {
  explicit State(asio::io_context& c) : context(c), drained(c) {
    drained.expires_at(asio::steady_timer::time_point::max());
  }

  asio::io_context& context;
  asio::steady_timer drained;  // cancelled when the last task ends
  Signals signals;             // one for each running task
  bool stopping = false;

  void Ended(Signals::iterator signal) {
    // The completion that calls this still runs inside the signal's slot.
    asio::post(context, [ended = std::move(*signal)] {});
    signals.erase(signal);
    if (signals.empty()) drained.cancel();
  }
};

TaskScope::TaskScope(asio::io_context& context) : state_(std::make_shared<State>(context)) {}
TaskScope::~TaskScope() = default;

bool TaskScope::Spawn(asio::awaitable<void> task) {
  if (state_->stopping) return false;
  state_->signals.push_back(std::make_unique<asio::cancellation_signal>());
  const auto signal = std::prev(state_->signals.end());
  auto ended = [state = state_, signal](std::exception_ptr thrown) {
    if (thrown) std::terminate();
    state->Ended(signal);
  };
  asio::co_spawn(state_->context, WithoutThrowing(std::move(task)),
                 asio::bind_cancellation_slot((*signal)->slot(), std::move(ended)));
  return true;
}

asio::awaitable<void> TaskScope::Stop() {
  const auto state = state_;
  state->stopping = true;
  // A task may end, and leave the list, while its signal is emitted.
  std::vector<asio::cancellation_signal*> running;
  for (auto& signal : state->signals) running.push_back(signal.get());
  for (auto* signal : running) signal->emit(asio::cancellation_type::terminal);
  while (!state->signals.empty()) {
    boost::system::error_code drained;
    co_await state->drained.async_wait(asio::redirect_error(asio::use_awaitable, drained));
  }
}

size_t TaskScope::running() const { return state_->signals.size(); }
bool TaskScope::stopping() const { return state_->stopping; }

}  // namespace barograph::net
