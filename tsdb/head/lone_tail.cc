#include "tsdb/head/lone_tail.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/bytes/varint.h"

// A sample is zigzag(change of the step), then the value: varint(zigzag(change) << 1) in the mode
// of the one before, or varint(mode << 1 | 1) and the 8 bytes of the double.

namespace barograph::tsdb {
namespace {

constexpr size_t kMaxSampleBytes = 2 * kMaxVarintBytes;
constexpr size_t kGrowth = 16;

int32_t Saturate(int64_t value) {
  return static_cast<int32_t>(std::clamp<int64_t>(value, std::numeric_limits<int32_t>::min(),
                                                  std::numeric_limits<int32_t>::max()));
}

}  // namespace

// The change of the step, which becomes the next one.
int64_t LoneTail::State::Step(int64_t next_ms) {
  const auto step = static_cast<uint64_t>(next_ms) - static_cast<uint64_t>(time_ms);
  const uint64_t change = step - static_cast<uint64_t>(int64_t{step_ms});
  time_ms = next_ms;
  step_ms = Saturate(static_cast<int64_t>(step));
  return static_cast<int64_t>(change);
}

double LoneTail::State::Value() const {
  return mode == kRawBits ? FromBits(static_cast<uint64_t>(number)) : FromDecimal(number, mode);
}

void LoneTail::Append(Sample sample) {
  char encoded[kMaxSampleBytes];
  char* end = PutVarint(encoded, ZigZag(state_.Step(ToMs(sample.timestamp))));
  int64_t number;
  if (state_.mode != kRawBits && ToDecimal(sample.value, state_.mode, number)) {
    end = PutVarint(end, ZigZag(number - state_.number) << 1);
    state_.number = number;
  } else if (SameBits(sample.value, state_.Value())) {
    end = PutVarint(end, 0);
  } else {
    state_.mode = FindMode(sample.value);
    state_.number = state_.mode == kRawBits ? static_cast<int64_t>(Bits(sample.value))
                                            : Quantum(sample.value, state_.mode);
    end = PutVarint(end, uint64_t{state_.mode} << 1 | 1);
    std::memcpy(end, &sample.value, sizeof(double));
    end += sizeof(double);
  }
  const auto bytes = static_cast<size_t>(end - encoded);
  Reserve(size_ + bytes);
  std::memcpy(bytes_.get() + size_, encoded, bytes);
  size_ = static_cast<uint16_t>(size_ + bytes);
  ++count_;
}

void LoneTail::Reserve(size_t bytes) {
  if (bytes <= capacity_) return;
  const size_t capacity = std::max(capacity_ + std::max<size_t>(kGrowth, capacity_ / 4), bytes);
  auto grown = std::make_unique_for_overwrite<char[]>(capacity);
  if (size_ > 0) std::memcpy(grown.get(), bytes_.get(), size_);
  bytes_ = std::move(grown);
  capacity_ = static_cast<uint16_t>(capacity);
}

void LoneTail::Decode(SampleColumns& out) const {
  State state;
  const char* in = bytes_.get();
  const char* const end = in + size_;
  for (size_t i = 0; i < count_; ++i) {
    uint64_t step = 0, value = 0;
    in = GetVarint(in, end, step);
    in = GetVarint(in, end, value);
    state.Step(static_cast<int64_t>(static_cast<uint64_t>(state.time_ms) +
                                    static_cast<uint64_t>(int64_t{state.step_ms}) +
                                    static_cast<uint64_t>(UnZigZag(step))));
    if ((value & 1) == 0) {
      state.number += UnZigZag(value >> 1);
    } else {
      double number;
      std::memcpy(&number, in, sizeof(double));
      in += sizeof(double);
      state.mode = static_cast<DecimalMode>(value >> 1);
      state.number =
          state.mode == kRawBits ? static_cast<int64_t>(Bits(number)) : Quantum(number, state.mode);
    }
    out.Append(FromMs(state.time_ms), state.Value(), nullptr);
  }
}

Timestamp LoneTail::oldest() const {
  uint64_t step = 0;
  GetVarint(bytes_.get(), bytes_.get() + size_, step);
  return FromMs(UnZigZag(step));
}

void LoneTail::Clear() {
  bytes_.reset();
  state_ = {};
  count_ = 0;
  size_ = capacity_ = 0;
}

}  // namespace barograph::tsdb
