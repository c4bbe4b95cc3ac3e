#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "promql/exec/operator.h"

namespace barograph::promql {

/// Takes the column of series[i]; `lane` is of the thread that it runs on. May change the column.
using TakeColumn = std::function<Status(Lane& lane, size_t i, Column& column)>;

/// Evaluates the given series of `input` and hands their columns over one by one, in order. When
/// the first ones tell that it is worth it, all lanes evaluate, and columns that are ahead of
/// their turn wait; results, annotations and errors are the same whatever the number of lanes.
/// `scratch` is what columns are computed in while one lane is enough.
Status EvaluateEach(QueryContext& context, Lane& lane, Operator& input,
                    std::span<const uint32_t> series, Column& scratch, const TakeColumn& take);

/// 0, 1, ... for all series of an operator.
std::vector<uint32_t> AllSeries(const Operator& input);

}  // namespace barograph::promql
