#pragma once

#include "server/cli/cli.h"

/// The verbs that look into a data folder on which no server runs.
namespace barograph::server::cli {

int TsdbList(const Arguments& arguments);     ///< barograph tsdb list [-r] ...
int TsdbAnalyze(const Arguments& arguments);  ///< barograph tsdb analyze ...
int TsdbVerify(const Arguments& arguments);   ///< barograph tsdb verify ...

}  // namespace barograph::server::cli
