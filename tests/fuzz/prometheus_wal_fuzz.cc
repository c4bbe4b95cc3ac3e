#include <cstdint>
#include <string>

#include "tests/fuzz/fuzz_target.h"
#include "tsdb/prometheus/chunk.h"
#include "tsdb/prometheus/head_chunks.h"
#include "tsdb/prometheus/wal_record.h"
#include "tsdb/prometheus/wal_segment.h"

// The bytes are read as a file of Prometheus's log, as one record of it, and as a file of the
// head's chunks. (Built for fuzzing, checksums always match.)

namespace barograph::tsdb::prometheus {
namespace {

void ReadSegment(std::string_view bytes) {
  WalSegmentReader reader(bytes, "wal");
  WalRecord record;
  while (const auto bytes_of_record = reader.Next()) {
    (void)DecodeWalRecord(*bytes_of_record, record);
  }
}

void ReadHeadChunks(std::string_view bytes) {
  auto reader = HeadChunkReader::Open(bytes, "chunks");
  if (!reader.has_value()) return;
  SampleColumns samples;
  while (true) {
    const auto chunk = reader->Next();
    if (!chunk.has_value() || !*chunk) return;
    samples.Clear();
    (void)DecodeChunk((*chunk)->encoding, (*chunk)->data, samples);
  }
}

}  // namespace
}  // namespace barograph::tsdb::prometheus

std::vector<std::string> FuzzSeeds() {
  // A record of series, one of samples, and a segment with the first.
  const std::string series("\1\0\0\0\0\0\0\0\7\1\10__name__\2up", 22);
  const std::string samples("\2\0\0\0\0\0\0\0\7\0\0\0\0\0\0\3\350\0\0\77\360\0\0\0\0\0\0", 27);
  return {series, samples, std::string("\1\0\26\0\0\0\0", 7) + series};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace barograph::tsdb::prometheus;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ReadSegment(bytes);
  ReadHeadChunks(bytes);
  WalRecord record;
  (void)DecodeWalRecord(bytes, record);
  return 0;
}
