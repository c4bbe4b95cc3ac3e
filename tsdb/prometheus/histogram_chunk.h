#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "tsdb/prometheus/chunk.h"

/// Chunks of native histograms, whose counts are integers or floats. Contracts:
/// tsdb/prometheus/chunk.h.
namespace barograph::tsdb::prometheus {

Status DecodeHistograms(ChunkEncoding encoding, std::string_view data, SampleColumns& out);

/// Appends a chunk with samples [begin, begin + N), N from 1 to `limit`; returns N.
/// Precondition: all within `limit` are histograms that `encoding` can hold; limit is at least 1.
size_t EncodeHistograms(ChunkEncoding encoding, const SampleColumns& samples, size_t begin,
                        size_t limit, std::string& out);

/// Whether a chunk of integers can hold it: it is one of integers, and its counts really are.
bool StoresAsInteger(const StoredHistogram& stored);

/// The histogram in a schema that the engine knows: those finer than 8 are brought to 8.
FloatHistogram ToKnownSchema(FloatHistogram histogram);

}  // namespace barograph::tsdb::prometheus
