#pragma once

#include "base/result.h"
#include "server/cli/cli.h"
#include "server/cli/flag_set.h"
#include "server/options.h"

namespace barograph::server::cli {

/// What the arguments of `serve` ask for.
struct ServeRequest {
  ServerOptions options;
  std::string help;  ///< to be printed in place of serving, when not empty
};

/// InvalidArgument says which flag is wrong, or not supported yet.
Result<ServeRequest> ParseServeFlags(const Arguments& arguments);

}  // namespace barograph::server::cli
