#include "discovery/file/directory_watch.h"

#include <fmt/format.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <system_error>

#include "net/runtime.h"

namespace barograph::discovery {

namespace asio = boost::asio;

namespace {

// IN_CLOSE_WRITE in place of IN_MODIFY: a file is read when its writer is done. IN_CREATE and the
// moves are for links and for directories that are swapped, as Kubernetes updates a ConfigMap.
constexpr uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                             IN_DELETE_SELF | IN_MOVE_SELF;
constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);

}  // namespace

struct DirectoryWatch::Impl {
  int descriptor = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  int open_error = errno;

  ~Impl() {
    if (descriptor >= 0) close(descriptor);
  }
};

DirectoryWatch::DirectoryWatch() : impl_(std::make_unique<Impl>()) {}
DirectoryWatch::~DirectoryWatch() = default;

Status DirectoryWatch::Add(const std::string& directory) {
  const bool open = impl_->descriptor >= 0;
  if (open && inotify_add_watch(impl_->descriptor, directory.c_str(), kEvents) >= 0) return {};
  const int error = open ? errno : impl_->open_error;
  return Fail(ErrorCode::kIo,
              fmt::format("watch {}: {}", directory, std::generic_category().message(error)));
}

asio::awaitable<void> DirectoryWatch::Wait(std::chrono::milliseconds timeout) {
  using namespace asio::experimental::awaitable_operators;
  if (co_await net::Cancelled()) co_return;
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, timeout);
  if (impl_->descriptor < 0) {
    co_await timer.async_wait(kNoThrow);
    co_return;
  }
  asio::posix::stream_descriptor events(executor, impl_->descriptor);
  co_await (events.async_wait(asio::posix::stream_descriptor::wait_read, kNoThrow) ||
            timer.async_wait(kNoThrow));
  events.release();
  std::array<char, 16384> drained;
  while (read(impl_->descriptor, drained.data(), drained.size()) > 0) {
  }
}

}  // namespace barograph::discovery
