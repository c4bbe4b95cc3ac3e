#include <array>

#include "tsdb/chunk/run_header.h"
#include "tsdb/chunk/value_codec.h"

namespace barograph::tsdb {
namespace {

constexpr std::array<const char*, kRunKinds> kKindNames = {"constant", "sparse", "bitmap", "packed",
                                                           "dictionary"};
constexpr std::array<const char*, kRunTransforms> kTransformNames = {"", " delta", " double delta"};

}  // namespace

std::string DescribeValues(std::string_view bytes, size_t count) {
  if (count == 0) return bytes.empty() ? "empty" : "malformed";
  RunHeader header;
  if (!ParseRunHeader(bytes, count, header)) return "malformed";
  std::string text = kKindNames[static_cast<size_t>(header.kind)];
  text += kTransformNames[static_cast<size_t>(header.transform)];
  if (header.divisor != 1) text += " x " + std::to_string(header.divisor);
  if (header.mapping == kMappingBits) {
    text += " of bits";
  } else if (header.mapping != 0) {
    text += " / 10^" + std::to_string(header.decimals());
  }
  if (header.has_drift()) text += " with drift";
  if (header.specials.count() != 0) {
    text += ", " + std::to_string(header.specials.count()) + " special";
  }
  return text;
}

}  // namespace barograph::tsdb
