#pragma once

#include <string_view>

#include "base/result.h"
#include "promql/script/command.h"

namespace barograph::promql::script {

/// Reads what follows `metric@st`: `-30s`, `0`, runs of them (`-30s-1mx2` is -30s, -1m30s, -2m30s;
/// `1msx3` is four times 1ms), `_` and `_x3` for samples whose start is not known.
Result<StartOffsets> ParseStartOffsets(std::string_view text);

}  // namespace barograph::promql::script
