#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "net/body_buffer.h"
#include "server/ingest/write_format.h"

namespace barograph::server {

/// Decodes `packed` into `out`, which is emptied first. LimitExceeded when the result is larger
/// than `max_bytes`: both formats say that in front, so nothing is allocated for it (a zstd frame
/// may leave it out; then no more than `max_bytes` and a window of that size are).
/// InvalidArgument when `packed` is malformed.
Status DecodeBody(WriteEncoding encoding, std::string_view packed, uint64_t max_bytes,
                  net::BodyBuffer& out);

}  // namespace barograph::server
