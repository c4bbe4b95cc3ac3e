#pragma once

#include <cstdint>
#include <string_view>

#include "base/model/histogram.h"
#include "base/result.h"
#include "base/time.h"

/// Native histograms as remote write has them, the same in both protocols: with whole counts, as
/// differences from bucket to bucket, or with floats.
namespace barograph::server {

struct WireHistogram {
  Timestamp timestamp;
  int64_t start_ms = 0;  ///< when it began to count; 0 is not known
  FloatHistogram histogram;
};

/// `message` is well-formed, as in a WriteRequest. InvalidArgument, in Prometheus's words, when the
/// histogram contradicts itself (Prometheus, model/histogram, Validate). One of a finer schema than
/// there is here is coarsened.
Result<WireHistogram> ReadHistogram(std::string_view message);

}  // namespace barograph::server
