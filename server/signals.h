#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace barograph::server {

/// What the process is asked to do: by SIGHUP (reload), SIGTERM and SIGINT (stop), or by itself.
/// Make one before any thread starts, so that no other thread is interrupted.
class Signals {
 public:
  enum class Event : uint8_t { kReload, kStop };

  /// Also makes writes to closed connections errors in place of SIGPIPE.
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// Waits for the next event; nullopt when `timeout` passed first.
  std::optional<Event> Wait(std::optional<std::chrono::milliseconds> timeout);

  /// Makes Wait return kStop. Thread-safe.
  void RequestStop();

 private:
  int signal_fd_;
  int stop_fd_;
};

}  // namespace barograph::server
