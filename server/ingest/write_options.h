#pragma once

#include <cstdint>
#include <vector>

#include "server/ingest/write_format.h"

namespace barograph::server {

/// What the receiver of remote write takes.
struct WriteReceiverOptions {
  std::vector<WriteProtocol> accepted = {WriteProtocol::kV1, WriteProtocol::kV2};

  uint64_t max_body_bytes = 32 << 20;     ///< of a request as it is sent
  uint64_t max_decoded_bytes = 64 << 20;  ///< of a request decompressed
  uint64_t max_concurrency = 0;           ///< requests worked on at once; 0 is one a processor
  uint64_t max_waiting = 64;              ///< further requests that may wait; the rest is put off
  uint64_t max_cached_series = 1'000'000;
  uint64_t max_metadata_families = 100'000;
};

}  // namespace barograph::server
