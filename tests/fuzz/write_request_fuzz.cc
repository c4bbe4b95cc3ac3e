#include <cstdint>
#include <string_view>

#include "server/ingest/body_decoder.h"
#include "server/ingest/wire_histogram.h"
#include "server/ingest/write_request.h"

// The first byte says how the rest is to be taken: as a body of one of the encodings, or as a
// request of one of the protocols, all of which is read then.
namespace barograph::server {
namespace {

constexpr uint64_t kMaxBytes = 1 << 20;

void ReadAll(const WriteRequest& request) {
  request.ForEachMetadata([](const WireMetadata&) {});
  (void)request.ForEachSeries([](const WireSeries& series) -> Status {
    if (!series.Key() && series.ReadLabels()) __builtin_trap();
    (void)series.ReadLabels();
    TRY(series.ForEachSample([](const WireSample&) -> Status { return {}; }));
    return series.ForEachHistogram([](std::string_view message) -> Status {
      (void)ReadHistogram(message);
      return {};
    });
  });
}

}  // namespace
}  // namespace barograph::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace barograph;
  using namespace barograph::server;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 4 < 2) {
    const auto protocol = data[0] % 4 == 0 ? WriteProtocol::kV1 : WriteProtocol::kV2;
    const auto request = WriteRequest::Parse(protocol, bytes, 1, kMaxBytes);
    if (request) ReadAll(*request);
    return 0;
  }
  const auto encoding = data[0] % 4 == 2 ? WriteEncoding::kSnappy : WriteEncoding::kZstd;
  net::BodyBuffer out;
  const Status decoded = DecodeBody(encoding, bytes, kMaxBytes, out);
  if (decoded && out.size() > kMaxBytes) __builtin_trap();
  return 0;
}
