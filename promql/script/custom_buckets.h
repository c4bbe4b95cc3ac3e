#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "promql/parse/parser.h"

namespace barograph::promql::script {

/// The classic histograms among `series` (name_bucket, name_count, name_sum) as native histograms
/// with custom buckets called `name`, for load_with_nhcb. InvalidArgument when a histogram's
/// buckets are negative or do not add up, as in Prometheus's util/convertnhcb.
Result<std::vector<SeriesDescription>> ConvertClassicHistograms(
    std::span<const SeriesDescription> series);

}  // namespace barograph::promql::script
