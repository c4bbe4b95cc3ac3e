#include "tsdb/chunk/integer_loops.h"

#include "base/wide.h"
#include "tsdb/chunk/decimal.h"

namespace barograph::tsdb {

BAROGRAPH_WIDE void AddToAll(uint64_t addend, uint64_t* integers, size_t count) {
  for (size_t i = 0; i < count; ++i) integers[i] += addend;
}

BAROGRAPH_WIDE void AddShifted(const uint64_t* __restrict high, unsigned shift,
                               uint64_t* __restrict integers, size_t count) {
  for (size_t i = 0; i < count; ++i) integers[i] += high[i] << shift;
}

BAROGRAPH_WIDE void MultiplyAll(uint64_t factor, uint64_t* integers, size_t count) {
  for (size_t i = 0; i < count; ++i) integers[i] *= factor;
}

BAROGRAPH_WIDE void AddToSteps(const uint64_t* __restrict offsets, size_t count, uint64_t first,
                               uint64_t step, uint64_t* __restrict out) {
  for (size_t i = 0; i < count; ++i) out[i] = first + i * step + offsets[i];
}

BAROGRAPH_WIDE void ToDecimals(const uint64_t* __restrict integers, size_t count, double power,
                               double* __restrict out) {
  for (size_t i = 0; i < count; ++i) out[i] = IntegerToDouble(integers[i]) / power;
}

BAROGRAPH_WIDE void ToDoubles(const uint64_t* __restrict integers, size_t count,
                              double* __restrict out) {
  for (size_t i = 0; i < count; ++i) out[i] = IntegerToDouble(integers[i]);
}

BAROGRAPH_WIDE void ToBits(const uint64_t* __restrict integers, size_t count,
                           double* __restrict out) {
  for (size_t i = 0; i < count; ++i) out[i] = IntegerToBits(integers[i]);
}

BAROGRAPH_WIDE void DriftAll(const uint64_t* __restrict steps, size_t count,
                             double* __restrict values) {
  for (size_t i = 0; i < count; ++i) values[i] = Drift(values[i], steps[i]);
}

}  // namespace barograph::tsdb
