#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/model/matcher.h"
#include "base/result.h"
#include "base/time.h"
#include "promql/parse/parser.h"
#include "web/api/api_result.h"

/// The parameters that the API's endpoints share. Errors are worded as Prometheus words them.
namespace barograph::web {

/// Unix seconds, or RFC 3339. Times outside kMinTimestamp and kMaxTimestamp become those.
Result<Timestamp> ParseTime(std::string_view text);

/// A time, or `otherwise` when the parameter is empty.
Result<Timestamp> ParseTimeParameter(const ApiRequest& request, std::string_view name,
                                     Timestamp otherwise);

/// Seconds as a number, or a Prometheus duration such as 5m; may be negative.
Result<std::chrono::nanoseconds> ParseSpan(std::string_view text);

/// A whole number as Go's strconv.Atoi reads it.
Result<int64_t> ParseWholeNumber(std::string_view text);

/// 0 when there is no limit.
Result<size_t> ParseLimit(std::string_view text);

/// The selectors of match[]; each must have a matcher that refuses the empty text.
Result<std::vector<Matchers>> ParseMatcherSets(const std::vector<std::string_view>& texts);

/// A selector's matchers, or the parser's first error as text.
Result<Matchers> ParseSelector(std::string_view text);

}  // namespace barograph::web
