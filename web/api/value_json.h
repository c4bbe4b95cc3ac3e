#pragma once

#include <stop_token>

#include "base/model/histogram.h"
#include "base/worker_pool.h"
#include "promql/value.h"
#include "web/api/json_writer.h"

/// Query results as the API shows them (Prometheus, "HTTP API", "Expression query result formats").
namespace barograph::web {

/// False, and what is written is of no use, where `stop` was requested meanwhile: it is looked at
/// for each series. `workers`, which may be null, help with what is long.
bool WriteValue(JsonWriter& json, const promql::Value& value, const std::stop_token& stop = {},
                WorkerPool* workers = nullptr);

/// {"count":"3","sum":"1.5","buckets":[[boundaries,"lower","upper","count"],...]}: boundaries is 0
/// for (lower, upper], 1 for [lower, upper), 2 for neither, 3 for both inclusive. Empty buckets are
/// left out.
void WriteHistogram(JsonWriter& json, const FloatHistogram& histogram);

}  // namespace barograph::web
