#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "tsdb/chunk/integer_loops.h"
#include "tsdb/chunk/residual_reader.h"
#include "tsdb/chunk/run_header.h"

/// From a run's residuals back to its integers.
namespace barograph::tsdb {

/// Undoes the transform and the divisor: residuals in, integers out.
class Integrator {
 public:
  explicit Integrator(const RunHeader& header)
      : transform_(header.transform),
        divisor_(header.divisor),
        integer_(header.base),
        delta_(header.first_delta * header.divisor) {}

  void Run(uint64_t* block, size_t count) {
    if (divisor_ != 1) MultiplyAll(divisor_, block, count);
    switch (transform_) {
      case RunTransform::kRaw: AddToAll(integer_, block, count); break;
      case RunTransform::kDelta:
        for (size_t i = 0; i < count; ++i) block[i] = integer_ += block[i];
        break;
      case RunTransform::kDoubleDelta:
        for (size_t i = 0; i < count; ++i) {
          delta_ += block[i];
          block[i] = integer_ += delta_;
        }
        break;
    }
  }

  /// The integer after the first of a double-delta run, which has no residual.
  uint64_t Second() { return integer_ += delta_; }

 private:
  RunTransform transform_;
  uint64_t divisor_;
  uint64_t integer_;
  uint64_t delta_;
};

/// Calls take(integers, begin, count) for one stretch of the run's `count` integers after another.
/// False where the stream is malformed or longer than its integers; take may have been called.
/// Precondition: `header` was parsed for `count` values.
template <typename Take>
bool DecodeIntegers(const RunHeader& header, size_t count, Take take) {
  std::array<uint64_t, kResidualRoom> block;
  if (header.kind == RunKind::kConstant) {
    std::fill_n(block.begin(), std::min(kBlockSize, count), header.base);
    for (size_t done = 0; done < count; done += kBlockSize) {
      take(block.data(), done, std::min(kBlockSize, count - done));
    }
    return header.stream.empty();
  }
  Integrator integrator(header);
  take(&header.base, 0, 1);
  size_t done = 1;
  if (header.transform == RunTransform::kDoubleDelta) {
    const uint64_t second = integrator.Second();
    take(&second, 1, 1);
    done = 2;
  }
  ResidualReader reader(header.kind, header.stream, count - done);
  while (done < count) {
    const size_t size = std::min(kBlockSize, count - done);
    if (!reader.Read(block.data(), size)) return false;
    integrator.Run(block.data(), size);
    take(block.data(), done, size);
    done += size;
  }
  return reader.AtEnd();
}

}  // namespace barograph::tsdb
