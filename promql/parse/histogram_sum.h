#pragma once

#include "base/model/histogram.h"
#include "base/result.h"

namespace barograph::promql {

/// `histogram` += `other`, as Prometheus adds native histograms: the result has the coarser of the
/// two schemas, the wider of the two zero buckets, and of custom buckets the bounds that both have.
/// Counter reset hints that differ become gauge if one is, else unknown. InvalidArgument when only
/// one has custom buckets, or a schema is none.
Status AddHistogram(FloatHistogram& histogram, const FloatHistogram& other);

/// The same, with `other` subtracted.
Status SubtractHistogram(FloatHistogram& histogram, const FloatHistogram& other);

}  // namespace barograph::promql
