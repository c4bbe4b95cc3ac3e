#include <fmt/format.h>

#include <cstdio>

#include "base/file_system.h"
#include "base/log.h"
#include "base/time.h"
#include "server/cli/cli.h"
#include "server/cli/serve_flags.h"
#include "server/server.h"
#include "server/signals.h"
#include "server/version.h"

namespace barograph::server::cli {
namespace {

void RunUntilStopped(Server& server, Signals& signals, const ServerOptions& options,
                     const Logger& logger) {
  for (;;) {
    const auto event = signals.Wait(
        options.auto_reload ? std::optional(options.auto_reload_interval) : std::nullopt);
    if (event == Signals::Event::kStop) return;
    if (event == Signals::Event::kReload) {
      logger.Info("Received SIGHUP, reloading the configuration");
      (void)server.Reload();  // which has logged what is wrong
    } else if (options.auto_reload) {
      server.ReloadIfChanged();
    }
  }
}

int RunServer(ServerOptions options) {
  const Logger logger = Logger::ToStandardError(*ParseLogLevel(options.log_level),
                                                *ParseLogFormat(options.log_format));
  Signals signals;
  logger.Info("Starting Barograph", {{"version", Version()}, {"revision", Revision()}});
  const Features features = ParseFeatures(options.features, logger);
  options.auto_reload = options.auto_reload || features.auto_reload;
  Server server(options, features,
                {PosixFileSystem(), SystemClock(), logger, [&signals] { signals.RequestStop(); }});
  if (const Status checked = server.CheckConfig(); !checked) {
    logger.Error(fmt::format("Error loading config (--config.file={})", options.config_file),
                 {{"err", checked.error()}});
    return kUsage;
  }
  if (const Status started = server.Start(); !started) {
    logger.Error("Error starting the server", {{"err", started.error()}});
    server.Stop();
    return kFailure;
  }
  fmt::print("Barograph is running: open {} in a browser.\n", server.url());
  std::fflush(stdout);
  RunUntilStopped(server, signals, options, logger);
  logger.Info("Stopping");
  server.Stop();
  logger.Info("See you next time!");
  return kSuccess;
}

}  // namespace

int Serve(const Arguments& arguments) {
  auto request = ParseServeFlags(arguments);
  if (!request) {
    fmt::print(stderr, "Error parsing command line arguments: {}\n", request.error().message);
    return kUsage;
  }
  if (!request->help.empty()) {
    fmt::print("{}", request->help);
    return kSuccess;
  }
  return RunServer(std::move(request->options));
}

}  // namespace barograph::server::cli
