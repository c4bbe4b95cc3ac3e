#pragma once

#include <chrono>

#include "promql/engine.h"
#include "web/api/json_writer.h"

namespace barograph::web {

/// What a query cost, as the API's `stats` parameter and the query log show it: times in seconds,
/// counts of samples, and, where they were measured, those of each step and its operators. `queued`
/// is how long it waited for a thread.
void WriteStats(JsonWriter& json, const promql::QueryStats& stats, std::chrono::nanoseconds queued);

}  // namespace barograph::web
