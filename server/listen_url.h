#pragma once

#include <string>

#include "server/config_source.h"
#include "server/options.h"

/// How the server is reached, as a person or it itself would write it.
namespace barograph::server {

/// --web.route-prefix or the path of --web.external-url: empty or /x, without a slash at its end.
std::string RoutePrefix(const ServerOptions& options);

/// Where to scrape this server: on localhost, when it listens there.
SelfTarget SelfTargetOf(const ServerOptions& options, const std::string& listen_address);

/// The URL to open in a browser.
std::string BrowserUrl(const ServerOptions& options, const std::string& listen_address);

}  // namespace barograph::server
