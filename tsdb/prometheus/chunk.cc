#include "tsdb/prometheus/chunk.h"

#include <fmt/format.h>

#include <algorithm>

#include "tsdb/prometheus/histogram_chunk.h"
#include "tsdb/prometheus/xor_chunk.h"

namespace barograph::tsdb::prometheus {
namespace {

// The kind of a sample decides the encoding of its chunk.
ChunkEncoding EncodingOf(const SampleColumns& samples, size_t index) {
  const StoredHistogram* histogram = samples.histogram(index);
  if (histogram == nullptr) return ChunkEncoding::kXor;
  return StoresAsInteger(*histogram) ? ChunkEncoding::kHistogram : ChunkEncoding::kFloatHistogram;
}

// How many samples from `begin` on are of one kind; that more than two chunks' worth are is not
// looked for.
size_t RunLength(const SampleColumns& samples, size_t begin, ChunkEncoding encoding) {
  const size_t end = std::min(samples.size(), begin + 2 * kMaxSamplesPerChunk);
  size_t next = begin;
  while (next < end && EncodingOf(samples, next) == encoding) ++next;
  return next - begin;
}

// The first of the even parts of a run that are no longer than they may be.
size_t EvenPart(size_t run) {
  const size_t parts = (run + kMaxSamplesPerChunk - 1) / kMaxSamplesPerChunk;
  return (run + parts - 1) / parts;
}

}  // namespace

Status DecodeChunk(ChunkEncoding encoding, std::string_view data, SampleColumns& out) {
  switch (encoding) {
    case ChunkEncoding::kXor: return DecodeXor(data, out);
    case ChunkEncoding::kXor2: return DecodeXor2(data, out);
    case ChunkEncoding::kHistogram:
    case ChunkEncoding::kFloatHistogram:
    case ChunkEncoding::kHistogramSt:
    case ChunkEncoding::kFloatHistogramSt: return DecodeHistograms(encoding, data, out);
  }
  return Fail(ErrorCode::kCorruption,
              fmt::format("unknown chunk encoding {}", static_cast<int>(encoding)));
}

EncodedChunk EncodeChunk(const SampleColumns& samples, size_t begin) {
  EncodedChunk chunk;
  chunk.encoding = EncodingOf(samples, begin);
  const size_t part = EvenPart(RunLength(samples, begin, chunk.encoding));
  if (chunk.encoding == ChunkEncoding::kXor) {
    EncodeXor(samples.timestamps().subspan(begin, part), samples.values().subspan(begin, part),
              chunk.data);
    chunk.samples = part;
  } else {
    chunk.samples = EncodeHistograms(chunk.encoding, samples, begin, part, chunk.data);
  }
  chunk.min_time = samples.timestamps()[begin];
  chunk.max_time = samples.timestamps()[begin + chunk.samples - 1];
  return chunk;
}

}  // namespace barograph::tsdb::prometheus
