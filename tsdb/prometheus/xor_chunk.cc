#include "tsdb/prometheus/xor_chunk.h"

#include <fmt/format.h>

#include <bit>

#include "base/bytes/big_endian.h"
#include "tsdb/prometheus/bit_writer.h"
#include "tsdb/prometheus/varbit.h"

namespace barograph::tsdb::prometheus {
namespace {

constexpr size_t kXorHeaderBytes = 2;   // how many samples
constexpr size_t kXor2HeaderBytes = 3;  // and about start timestamps

// Unsigned, so that what a broken chunk adds up to wraps.
struct Clock64 {
  uint64_t time = 0;
  uint64_t delta = 0;

  void Tick(int64_t delta_of_delta) {
    delta += static_cast<uint64_t>(delta_of_delta);
    time += delta;
  }
  Timestamp now() const { return FromMs(static_cast<int64_t>(time)); }
};

// Widths of a timestamp's delta of deltas in XOR2, by the ones before it; two's complement.
constexpr std::array<int, 6> kXor2Widths = {0, 0, 13, 20, 64, 0};

// The two forms of a value in XOR2. `base` is the last value that was not stale; what comes back
// is the sample's value.
struct Xor2Value {
  uint64_t base = 0;
  XorWindow window;
  bool ok = true;

  // Behind a timestamp: it may be the same, and it may be stale.
  uint64_t Read(BitReader& in) {
    switch (in.Ones(3)) {
      case 0: return base;
      case 1: return Reuse(in);
      case 2: return Renew(in);
      default: return kStaleNanBits;
    }
  }

  // Known to be neither.
  uint64_t ReadChanged(BitReader& in) { return in.Bit() ? Renew(in) : Reuse(in); }

 private:
  uint64_t Reuse(BitReader& in) { return base ^= in.Bits(window.width()) << window.trailing; }
  uint64_t Renew(BitReader& in) {
    ok = ReadNewWindow(in, base, window) && ok;
    return base;
  }
};

int64_t TwosComplement(uint64_t bits, int width) {
  if (width == 0) return 0;
  return static_cast<int64_t>(bits << (64 - width)) >> (64 - width);
}

// A sample from the third on: how the timestamp moves and whether the value does in one prefix.
uint64_t ReadJoint(BitReader& in, Clock64& clock, Xor2Value& value) {
  const int ones = in.Ones(5);
  const int width = kXor2Widths[static_cast<size_t>(ones)];
  clock.Tick(TwosComplement(in.Bits(width), width));
  switch (ones) {
    case 0: return value.base;
    case 1: return value.ReadChanged(in);
    case 5: return kStaleNanBits;
    default: return value.Read(in);
  }
}

}  // namespace

std::unexpected<Error> BrokenChunk(const BitReader& in, size_t header_bytes, size_t sample) {
  return Fail(ErrorCode::kCorruption,
              fmt::format("chunk breaks off or makes no sense in sample {}, at byte {}", sample,
                          header_bytes + in.position() / 8));
}

void StartTimestamps::Skip(BitReader& in, size_t index) const {
  if (index == 0) {
    if (first_known_) in.Varint();
  } else if (changed_on_ > 0 && index >= changed_on_) {
    ReadVarbitInt(in);
  }
}

Status DecodeXor(std::string_view data, SampleColumns& out) {
  if (data.size() < kXorHeaderBytes) return BrokenChunk(BitReader({}), data.size(), 0);
  const size_t count = LoadBigEndian<uint16_t>(data.data());
  BitReader in(data.substr(kXorHeaderBytes));
  Clock64 clock;
  XorWindow window;
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i) {
    bool ok = true;
    if (i == 0) {
      clock.time = static_cast<uint64_t>(in.Varint());
      value = in.Bits(64);
    } else {
      // The second timestamp is a delta, the others' deltas are told by how they change.
      clock.Tick(i == 1 ? static_cast<int64_t>(in.Uvarint()) : ReadVarbitTimestamp(in));
      ok = ReadXor(in, value, window);
    }
    if (!ok || !in.ok()) return BrokenChunk(in, kXorHeaderBytes, i);
    out.AddFloat(clock.now(), std::bit_cast<double>(value));
  }
  return {};
}

Status DecodeXor2(std::string_view data, SampleColumns& out) {
  if (data.size() < kXor2HeaderBytes) return BrokenChunk(BitReader({}), data.size(), 0);
  const size_t count = LoadBigEndian<uint16_t>(data.data());
  const StartTimestamps start_timestamps(static_cast<uint8_t>(data[2]));
  BitReader in(data.substr(kXor2HeaderBytes));
  Clock64 clock;
  Xor2Value value;
  for (size_t i = 0; i < count; ++i) {
    uint64_t bits = 0;
    if (i == 0) {
      clock.time = static_cast<uint64_t>(in.Varint());
      bits = in.Bits(64);
      if (bits != kStaleNanBits) value.base = bits;
    } else if (i == 1) {
      clock.Tick(static_cast<int64_t>(in.Uvarint()));
      bits = value.Read(in);
    } else {
      bits = ReadJoint(in, clock, value);
    }
    start_timestamps.Skip(in, i);
    if (!value.ok || !in.ok()) return BrokenChunk(in, kXor2HeaderBytes, i);
    out.AddFloat(clock.now(), std::bit_cast<double>(bits));
  }
  return {};
}

void EncodeXor(std::span<const Timestamp> timestamps, std::span<const double> values,
               std::string& out) {
  AppendBigEndian(out, static_cast<uint16_t>(timestamps.size()));
  BitWriter bits(out);
  XorWindow window;
  uint64_t delta = 0;
  for (size_t i = 0; i < timestamps.size(); ++i) {
    const auto value = std::bit_cast<uint64_t>(values[i]);
    if (i == 0) {
      bits.Varint(ToMs(timestamps[0]));
      bits.Bits(value, 64);
      continue;
    }
    const uint64_t next =
        static_cast<uint64_t>(ToMs(timestamps[i])) - static_cast<uint64_t>(ToMs(timestamps[i - 1]));
    if (i == 1) {
      bits.Uvarint(next);
    } else {
      WriteVarbitTimestamp(bits, static_cast<int64_t>(next - delta));
    }
    delta = next;
    WriteXor(bits, value, std::bit_cast<uint64_t>(values[i - 1]), window);
  }
}

}  // namespace barograph::tsdb::prometheus
