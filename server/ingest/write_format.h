#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "net/http_message.h"

/// What a remote write request is written in.
namespace barograph::server {

/// prometheus.WriteRequest (protocol 1.0) or io.prometheus.write.v2.Request (2.0).
enum class WriteProtocol : uint8_t { kV1, kV2 };

/// Snappy's block format, which is the protocol's, or zstd, which some senders offer first.
enum class WriteEncoding : uint8_t { kSnappy, kZstd };

/// The name that a protocol's message has in Content-Type, and on the command line.
std::string_view ToString(WriteProtocol protocol);

/// InvalidArgument names those that there are.
Result<WriteProtocol> ParseWriteProtocol(std::string_view name);

/// How a request is written.
struct WriteFormat {
  WriteProtocol protocol = WriteProtocol::kV1;
  WriteEncoding encoding = WriteEncoding::kSnappy;
};

/// What Content-Type and Content-Encoding say; a header that is missing stands for 1.0 and for
/// snappy, as old senders had it. InvalidArgument, in Prometheus's words, when that is none that
/// is taken.
Result<WriteFormat> ReadWriteFormat(const net::HttpHeaders& headers,
                                    std::span<const WriteProtocol> accepted);

}  // namespace barograph::server
