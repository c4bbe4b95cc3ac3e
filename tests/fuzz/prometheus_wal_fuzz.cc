#include <cstdint>
#include <string>

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

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace barograph::tsdb::prometheus;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ReadSegment(bytes);
  ReadHeadChunks(bytes);
  WalRecord record;
  (void)DecodeWalRecord(bytes, record);
  return 0;
}
