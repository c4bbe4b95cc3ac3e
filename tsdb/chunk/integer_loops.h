#pragma once

#include <cstddef>
#include <cstdint>

/// The innermost loops between a run's residuals and its values.
namespace barograph::tsdb {

void AddToAll(uint64_t addend, uint64_t* integers, size_t count);
/// Adds high[i] << shift to each.
void AddShifted(const uint64_t* high, unsigned shift, uint64_t* integers, size_t count);
void MultiplyAll(uint64_t factor, uint64_t* integers, size_t count);

/// first + i * step + offsets[i].
void AddToSteps(const uint64_t* offsets, size_t count, uint64_t first, uint64_t step,
                uint64_t* out);

/// IntegerToDouble(integers[i]) / power.
void ToDecimals(const uint64_t* integers, size_t count, double power, double* out);
/// IntegerToDouble(integers[i]).
void ToDoubles(const uint64_t* integers, size_t count, double* out);
/// IntegerToBits(integers[i]).
void ToBits(const uint64_t* integers, size_t count, double* out);

/// Moves each value by its steps, as Drift does.
void DriftAll(const uint64_t* steps, size_t count, double* values);

}  // namespace barograph::tsdb
