#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tsdb/prometheus/samples.h"

/// Prometheus's chunks: up to a few hundred samples of one series, all of one kind.
/// Format: prometheus/tsdb/docs/format/chunks.md, of Prometheus 3.14 and everything before.
namespace barograph::tsdb::prometheus {

enum class ChunkEncoding : uint8_t {
  kXor = 1,
  kHistogram = 2,
  kFloatHistogram = 3,
  // These have start timestamps as well, behind a setting of Prometheus 3: read past, not kept.
  kXor2 = 4,
  kHistogramSt = 5,
  kFloatHistogramSt = 6,
};

/// Adds the samples of a chunk to `out`, in the order in which they stand. A histogram's counter
/// reset hint is what Prometheus's queries see: in a counter's chunk, all after the first are no
/// resets, and of the first nothing is known (what the chunk's header says is about a chunk before
/// it that may be gone). A schema finer than 8 is brought to 8.
///
/// Corruption when the bytes are no chunk of that encoding; `out` may have got samples then. The
/// message names no file: that is the caller's to add.
Status DecodeChunk(ChunkEncoding encoding, std::string_view data, SampleColumns& out);

/// A chunk made by EncodeChunk, in memory.
struct EncodedChunk {
  ChunkEncoding encoding = ChunkEncoding::kXor;
  std::string data;
  Timestamp min_time;
  Timestamp max_time;
  size_t samples = 0;
};

inline constexpr size_t kMaxSamplesPerChunk = 120;

/// Makes one chunk from as many of `samples`, from `begin` on, as belong together: they are of one
/// kind, at most kMaxSamplesPerChunk, evenly distributed over a run's last two chunks; a histogram
/// chunk ends before a counter reset, before a change of schema, zero threshold or custom bounds,
/// and when its buckets are many. Histograms of one chunk get one layout, so a histogram may come
/// back with more empty buckets than it had.
///
/// Precondition: begin < samples.size(), timestamps ascend.
EncodedChunk EncodeChunk(const SampleColumns& samples, size_t begin);

}  // namespace barograph::tsdb::prometheus
