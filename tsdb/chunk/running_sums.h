#pragma once

#include <cstddef>
#include <cstdint>

/// From the changes of a run to its values: each integer is the one before and its change, and
/// becomes a double. Stateless, thread-safe.
namespace barograph::tsdb {

/// Writes for each change the double of `integer` and all changes up to this one, divided by
/// `power`, which is one of kExactPowersOfTen. Returns the last integer; what `changes` has is
/// unspecified then. Values are exact where all integers are below kMaxDecimalInteger in size, and
/// unspecified elsewhere. Uses what the processor offers; every implementation gives the same.
uint64_t SumToDecimals(uint64_t* changes, size_t count, uint64_t integer, double power,
                       double* out);

/// The implementations behind SumToDecimals, for tests. Avx512 only where HasAvx512().
uint64_t SumToDecimalsPortable(uint64_t* changes, size_t count, uint64_t integer, double power,
                               double* out);
uint64_t SumToDecimalsAvx512(uint64_t* changes, size_t count, uint64_t integer, double power,
                             double* out);

}  // namespace barograph::tsdb
