#include <cstdint>
#include <string_view>

#include "server/ingest/body_decoder.h"
#include "server/ingest/wire_histogram.h"
#include "server/ingest/write_request.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/server/ingest_messages.h"

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

std::vector<std::string> FuzzSeeds() {
  using namespace barograph::test;
  Message v1, v2, series, histogram;
  v1.Add(1, SeriesV1({{"__name__", "up"}, {"job", "a"}}, {{1000, 1}, {2000, 2.5}}));
  histogram.Varint(1, 3).Double(3, 4.5).Sint(4, 1).PackedSints(12, {1, 1});
  series.PackedVarints(1, {1, 2}).Add(2, SampleMessage(1000, 1, 500)).Add(3, histogram);
  v2.Bytes(4, "").Bytes(4, "__name__").Bytes(4, "up").Add(5, series);
  // Three bytes, told as they are, in each of the compressions.
  return {'\0' + v1.text(), '\1' + v2.text(), std::string("\2\3\10abc", 6),
          std::string("\3\50\265\57\375\40\3\31\0\0abc", 13)};
}

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
