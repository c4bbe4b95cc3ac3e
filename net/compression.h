#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/body_buffer.h"

/// gzip (RFC 1952) and zlib, which HTTP calls deflate (RFC 1950), on libdeflate.
namespace barograph::net {

/// Decodes all members of `packed` into `out`, which is emptied first. `out` grows by doubling, to
/// at most `max_bytes` (0 is none): LimitExceeded when there is more. Corruption when `packed` is
/// not gzip, is cut off, or a checksum is wrong.
Status GunzipInto(std::string_view packed, uint64_t max_bytes, BodyBuffer& out);

enum class ContentEncoding : uint8_t { kIdentity, kGzip, kDeflate };
/// As the Content-Encoding header names it; empty for kIdentity.
std::string_view ToString(ContentEncoding encoding);

/// The first of gzip and deflate that an Accept-Encoding header names. Weights are not looked at,
/// as in Prometheus, except that q=0 refuses.
ContentEncoding ChooseEncoding(std::string_view accept_encoding);

/// Fast rather than small: level 1.
std::string Compress(std::string_view plain, ContentEncoding encoding);

}  // namespace barograph::net
