#include "server/ingest/write_format.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <vector>

namespace barograph::server {
namespace {

constexpr std::string_view kMediaType = "application/x-protobuf";

std::string_view TrimSpaces(std::string_view text) {
  constexpr std::string_view kSpaces = " \t";
  const size_t begin = text.find_first_not_of(kSpaces);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpaces) - begin + 1);
}

Result<WriteProtocol> ReadContentType(std::string_view header) {
  const std::string_view type = TrimSpaces(header);
  if (type.empty()) return WriteProtocol::kV1;
  size_t end = std::min(type.find(';'), type.size());
  if (TrimSpaces(type.substr(0, end)) != kMediaType) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("expected {} as the first (media) part, got {} content-type",
                            kMediaType, type));
  }
  while (end < type.size()) {
    const size_t begin = end + 1;
    end = std::min(type.find(';', begin), type.size());
    const std::string_view parameter = TrimSpaces(type.substr(begin, end - begin));
    const size_t equals = parameter.find('=');
    if (equals == parameter.npos || parameter.find('=', equals + 1) != parameter.npos) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected "
                              "parameters to be key-values, got {} in {} content-type",
                              parameter, type));
    }
    if (parameter.substr(0, equals) != "proto") continue;
    auto protocol = ParseWriteProtocol(parameter.substr(equals + 1));
    if (protocol) return protocol;
    return std::unexpected(Annotate(protocol.error(), fmt::format("got {} content type", type)));
  }
  return WriteProtocol::kV1;
}

Result<WriteEncoding> ReadContentEncoding(std::string_view header) {
  if (header.empty() || header == "snappy") return WriteEncoding::kSnappy;
  if (header == "zstd") return WriteEncoding::kZstd;
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{} encoding (compression) is not accepted by this server; only snappy "
                          "and zstd are acceptable",
                          header));
}

std::string Names(std::span<const WriteProtocol> protocols) {
  std::vector<std::string_view> names;
  for (const WriteProtocol protocol : protocols) names.push_back(ToString(protocol));
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

std::string_view ToString(WriteProtocol protocol) {
  return protocol == WriteProtocol::kV1 ? "prometheus.WriteRequest"
                                        : "io.prometheus.write.v2.Request";
}

Result<WriteProtocol> ParseWriteProtocol(std::string_view name) {
  constexpr WriteProtocol kProtocols[] = {WriteProtocol::kV1, WriteProtocol::kV2};
  for (const WriteProtocol protocol : kProtocols) {
    if (name == ToString(protocol)) return protocol;
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("unknown remote write protobuf message {}, supported: {}", name,
                          Names(kProtocols)));
}

Result<WriteFormat> ReadWriteFormat(const net::HttpHeaders& headers,
                                    std::span<const WriteProtocol> accepted) {
  const WriteProtocol protocol = TRY(ReadContentType(headers.Get("Content-Type")));
  if (std::ranges::find(accepted, protocol) == accepted.end()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} protobuf message is not accepted by this server; only accepts {}",
                            ToString(protocol), Names(accepted)));
  }
  return WriteFormat{protocol, TRY(ReadContentEncoding(headers.Get("Content-Encoding")))};
}

}  // namespace barograph::server
