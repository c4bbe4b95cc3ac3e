#pragma once

#include <string_view>

#include "base/storage/appendable.h"

namespace barograph::server::cli {

/// Appends the samples of an OpenMetrics text, each of which must have a timestamp. Samples of
/// before an error may have been appended: then InvalidArgument names the line.
Result<AppendReport> ImportOpenMetrics(std::string_view page, Appendable& storage);

}  // namespace barograph::server::cli
