#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/file_system.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "server/features.h"
#include "server/options.h"
#include "web/server_state.h"

/// The whole server, wired: storage, query engine, discovery, scraping and the web, each on the
/// threads it needs. docs/ARCHITECTURE.md shows the picture.
namespace barograph::server {

/// What the server takes from outside.
struct ServerEnvironment {
  FileSystem& files;
  const Clock& clock;
  Logger logger;
  std::function<void()> on_quit;  ///< called, on any thread, when a client asks to stop
};

class Server {
 public:
  Server(ServerOptions options, Features features, ServerEnvironment environment);
  /// Stops when Stop() was not called.
  ~Server();

  /// Reads the configuration without starting anything: what is wrong with it shows before a port
  /// or a lock is taken. InvalidArgument, NotFound or Io.
  Status CheckConfig();

  /// Listens (answering 503), opens the storage, then serves and scrapes. Io when a port or the
  /// storage cannot be had. Precondition: CheckConfig() succeeded.
  Status Start();

  /// Reads the configuration again and applies it. An error changes nothing; it is also logged
  /// and shown in prometheus_config_last_reload_successful. Thread-safe; not to be called on a
  /// thread of the server's own I/O.
  Status Reload();

  /// Reloads when the file is not what it was at the last load (--config.auto-reload).
  void ReloadIfChanged();

  /// Refuses new work, lets what runs end within about a second, flushes and closes the storage.
  void Stop();

  /// Where to point a browser. Precondition: started.
  std::string url() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace barograph::server
