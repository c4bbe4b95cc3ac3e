#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace barograph::promql::script {

/// `query` with every selector and subquery that has no @ modifier pinned to `time` by one, so
/// that its value is the same whenever it is evaluated. Nothing when some function in it looks at
/// the evaluation time itself, or when it does not parse.
std::optional<std::string> PinSelectors(std::string_view query, Timestamp time);

/// Whether the query calls start(), end(), range() or step().
bool DependsOnQueryTimes(std::string_view query);

}  // namespace barograph::promql::script
