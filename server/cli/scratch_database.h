#pragma once

#include <memory>

#include "base/result.h"
#include "promql/script/runner.h"

namespace barograph::server::cli {

/// A real database in a temporary folder of its own, which goes when the storage does.
Result<std::unique_ptr<promql::script::Storage>> NewScratchDatabase();

}  // namespace barograph::server::cli
