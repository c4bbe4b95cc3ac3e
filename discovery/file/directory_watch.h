#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "base/result.h"

namespace barograph::discovery {

/// Waits for changes in directories (inotify). Lives on one I/O thread.
class DirectoryWatch {
 public:
  DirectoryWatch();
  ~DirectoryWatch();

  /// Also watches `directory`; adding one twice does nothing. Io says what the system said.
  Status Add(const std::string& directory);

  /// Returns when a name in a watched directory was written, made, moved or removed, after
  /// `timeout`, or when the coroutine is cancelled.
  boost::asio::awaitable<void> Wait(std::chrono::milliseconds timeout);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace barograph::discovery
