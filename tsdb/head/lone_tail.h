#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/model/sample.h"
#include "tsdb/decimal.h"
#include "tsdb/head/sample_columns.h"

namespace barograph::tsdb {

/// The newest floats of one series, in time order: what is not in a run yet. Encoded as they come,
/// against the sample before, into a buffer that grows with them: two or three bytes for a whole
/// number or short decimal that moves a little at a steady pace, ten for a full double. A series
/// that gets few samples costs these 40 bytes and a small allocation. Not thread-safe.
class LoneTail {
 public:
  static constexpr size_t kMaxSamples = 120;

  bool empty() const { return count_ == 0; }
  bool full() const { return count_ == kMaxSamples; }
  size_t size() const { return count_; }
  size_t allocated_bytes() const { return capacity_; }

  /// Preconditions: not full; later than what is there.
  void Append(Sample sample);

  /// Appends all samples to `out`.
  void Decode(SampleColumns& out) const;

  /// Of the first sample. Precondition: not empty.
  Timestamp oldest() const;

  void Clear();

 private:
  /// What the next sample is told against.
  struct State {
    int64_t time_ms = 0;
    int64_t number = 0;  ///< the last value as its mode has it
    int32_t step_ms = 0;
    DecimalMode mode = 0;

    int64_t Step(int64_t next_ms);
    double Value() const;
  };

  void Reserve(size_t bytes);

  std::unique_ptr<char[]> bytes_;
  State state_;
  uint8_t count_ = 0;
  uint16_t size_ = 0;
  uint16_t capacity_ = 0;
};

}  // namespace barograph::tsdb
