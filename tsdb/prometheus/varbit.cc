#include "tsdb/prometheus/varbit.h"

#include <algorithm>

namespace barograph::tsdb::prometheus {
namespace {

constexpr int kLeadingBits = 5;
constexpr int kWidthBits = 6;
constexpr int kMaxLeading = (1 << kLeadingBits) - 1;

}  // namespace

bool ReadNewWindow(BitReader& in, uint64_t& value, XorWindow& window) {
  window.leading = static_cast<int>(in.Bits(kLeadingBits));
  int width = static_cast<int>(in.Bits(kWidthBits));
  if (width == 0) width = 64;  // which does not fit; 0 is never written
  window.trailing = 64 - window.leading - width;
  if (window.trailing < 0) return false;
  value ^= in.Bits(width) << window.trailing;
  return in.ok();
}

bool ReadXor(BitReader& in, uint64_t& value, XorWindow& window) {
  switch (in.Ones(2)) {
    case 0: return in.ok();
    case 1: value ^= in.Bits(window.width()) << window.trailing; return in.ok();
    default: return ReadNewWindow(in, value, window);
  }
}

void WriteXor(BitWriter& out, uint64_t value, uint64_t before, XorWindow& window) {
  const uint64_t changed = value ^ before;
  if (changed == 0) return out.Bit(false);
  const int leading = std::min(std::countl_zero(changed), kMaxLeading);
  const int trailing = std::countr_zero(changed);
  if (window.set && leading >= window.leading && trailing >= window.trailing) {
    out.Bits(0b10, 2);
    return out.Bits(changed >> window.trailing, window.width());
  }
  window = {leading, trailing, true};
  out.Bits(0b11, 2);
  out.Bits(static_cast<uint64_t>(leading), kLeadingBits);
  out.Bits(static_cast<uint64_t>(window.width()), kWidthBits);  // of 64, the six lowest bits: 0
  out.Bits(changed >> trailing, window.width());
}

}  // namespace barograph::tsdb::prometheus
