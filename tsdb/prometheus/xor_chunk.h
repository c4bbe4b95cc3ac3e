#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "tsdb/prometheus/bit_reader.h"
#include "tsdb/prometheus/samples.h"

/// Chunks of floats: XOR, and XOR2 of Prometheus 3. Contracts: tsdb/prometheus/chunk.h.
namespace barograph::tsdb::prometheus {

Status DecodeXor(std::string_view data, SampleColumns& out);
Status DecodeXor2(std::string_view data, SampleColumns& out);

/// Appends an XOR chunk. Precondition: equally many of both, 1 to 65535.
void EncodeXor(std::span<const Timestamp> timestamps, std::span<const double> values,
               std::string& out);

/// Reads past the start timestamps that some encodings add behind a sample.
class StartTimestamps {
 public:
  explicit StartTimestamps(uint8_t header)
      : first_known_((header & 0x80) != 0), changed_on_(header & 0x7f) {}

  /// After sample `index`.
  void Skip(BitReader& in, size_t index) const;

 private:
  bool first_known_;
  size_t changed_on_;  // the first sample after the first that has one; 0 is none
};

/// What a chunk that ends early or makes no sense is refused with.
std::unexpected<Error> BrokenChunk(const BitReader& in, size_t header_bytes, size_t sample);

}  // namespace barograph::tsdb::prometheus
