#include "server/signals.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>

namespace barograph::server {

Signals::Signals() {
  sigset_t watched;
  sigemptyset(&watched);
  for (const int signal : {SIGHUP, SIGTERM, SIGINT}) sigaddset(&watched, signal);
  pthread_sigmask(SIG_BLOCK, &watched, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal_fd_ = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  stop_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

Signals::~Signals() {
  close(signal_fd_);
  close(stop_fd_);
}

std::optional<Signals::Event> Signals::Wait(std::optional<std::chrono::milliseconds> timeout) {
  std::array<pollfd, 2> watched = {{{signal_fd_, POLLIN, 0}, {stop_fd_, POLLIN, 0}}};
  const int milliseconds = timeout ? static_cast<int>(timeout->count()) : -1;
  if (poll(watched.data(), watched.size(), milliseconds) <= 0) return std::nullopt;
  if ((watched[1].revents & POLLIN) != 0) return Event::kStop;
  signalfd_siginfo info{};
  if (read(signal_fd_, &info, sizeof info) != sizeof info) return std::nullopt;
  return info.ssi_signo == SIGHUP ? Event::kReload : Event::kStop;
}

void Signals::RequestStop() { eventfd_write(stop_fd_, 1); }

}  // namespace barograph::server
