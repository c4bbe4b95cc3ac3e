#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace barograph::server::cli {

/// An answer of the HTTP API as text for a terminal: one series a line, as promtool prints it, or
/// the data as JSON. An answer that says error, or is none, becomes an error.
Result<std::string> FormatAnswer(std::string_view body, bool as_json);

}  // namespace barograph::server::cli
