#include "promql/func/column_loops.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "base/model/kahan_sum.h"
#include "base/model/sample.h"
#include "base/wide.h"
#include "promql/exec/column.h"

namespace barograph::promql {
namespace {

// KahanSum::Add without branches, so that a loop of it is one over vectors.
__attribute__((always_inline)) inline KahanSum Added(KahanSum to, double value) {
  const double total = to.sum + value;
  const bool sum_is_larger = std::fabs(to.sum) >= std::fabs(value);
  const double larger = sum_is_larger ? to.sum : value;
  const double smaller = sum_is_larger ? value : to.sum;
  const double lost = (larger - total) + smaller;
  return {total, std::fabs(total) == kInf ? 0.0 : to.compensation + lost};
}

}  // namespace

BAROGRAPH_WIDE bool AnyMarker(std::span<const double> values) {
  uint64_t markers = 0;
  for (const double value : values) markers |= IsStale(value) ? 1 : 0;
  return markers != 0;
}

BAROGRAPH_WIDE size_t CountPresentValues(std::span<const double> values) {
  size_t count = 0;
  for (const double value : values) count += IsAbsent(value) ? 0 : 1;
  return count;
}

BAROGRAPH_WIDE bool AnyDecrease(std::span<const double> values, uint32_t begin, uint32_t end) {
  const double* at = values.data();
  uint64_t decreases = 0;
  for (uint32_t i = begin; i < end; ++i) decreases |= at[i] < at[i - 1] ? 1 : 0;
  return decreases != 0;
}

BAROGRAPH_WIDE void AddToSums(std::span<const double> values, double* __restrict sums,
                              double* __restrict compensations) {
  for (size_t i = 0; i < values.size(); ++i) {
    const double value = values[i];
    const double sum = sums[i];
    const double compensation = compensations[i];
    const KahanSum next = Added({sum, compensation}, value);
    const bool first = IsAbsent(sum);
    const bool skip = IsAbsent(value);
    sums[i] = skip ? sum : (first ? value : next.sum);
    compensations[i] = skip || first ? compensation : next.compensation;
  }
}

namespace {

constexpr size_t kRunsAtOnce = 128;
// Values of a run; what longer ones have more is added after it.
constexpr uint32_t kSideBySide = 8;

// Adds the value at index bounds[b] + `k`, where run b has so many, to its sum. Whether any had.
BAROGRAPH_WIDE bool AddToRuns(const double* values, const uint32_t* bounds, size_t runs, uint32_t k,
                              double* __restrict sums, double* __restrict compensations) {
  std::array<double, kRunsAtOnce> next;
  bool any = false;
  for (size_t b = 0; b < runs; ++b) {
    const uint32_t i = bounds[b] + k;
    const bool has = i < bounds[b + 1];
    next[b] = has ? values[i] : kAbsent;
    any |= has;
  }
  for (size_t b = 0; b < runs; ++b) {
    const double value = next[b];
    const KahanSum sum{sums[b], compensations[b]};
    const KahanSum total = Added(sum, value);
    const bool skip = IsAbsent(value);
    sums[b] = skip ? sum.sum : total.sum;
    compensations[b] = skip ? sum.compensation : total.compensation;
  }
  return any;
}

}  // namespace

void SumRuns(std::span<const double> values, std::span<const uint32_t> bounds,
             std::span<double> sums, std::span<double> compensations) {
  std::ranges::fill(sums, 0);
  std::ranges::fill(compensations, 0);
  for (size_t begin = 0; begin < sums.size(); begin += kRunsAtOnce) {
    const size_t runs = std::min(kRunsAtOnce, sums.size() - begin);
    bool more = true;
    for (uint32_t k = 0; k < kSideBySide && more; ++k) {
      more = AddToRuns(values.data(), bounds.data() + begin, runs, k, sums.data() + begin,
                       compensations.data() + begin);
    }
    for (size_t b = begin; b < begin + runs && more; ++b) {
      KahanSum sum{sums[b], compensations[b]};
      for (uint32_t i = bounds[b] + kSideBySide; i < bounds[b + 1]; ++i) sum.Add(values[i]);
      sums[b] = sum.sum;
      compensations[b] = sum.compensation;
    }
  }
}

// Loads from anywhere are one by one on every processor: in a loop of their own, so that the
// arithmetic is not.
BAROGRAPH_WIDE bool RatesOfIncreases(std::span<const double> values, const RateTable& table,
                                     size_t begin, size_t end, std::span<double> out) {
  const double* at = values.data();
  const uint32_t* firsts = table.first.data() + begin;
  const uint32_t* lasts = table.last.data() + begin;
  const double* factors = table.factor.data() + begin;
  const double* nears = table.near.data() + begin;
  double* __restrict results = out.data() + begin;
  std::array<double, kRateBlock> first;
  std::array<double, kRateBlock> increase;
  const size_t count = end - begin;
  for (size_t i = 0; i < count; ++i) {
    first[i] = at[firsts[i]];
    increase[i] = at[lasts[i]] - first[i];
  }
  uint64_t any_near = 0;
  for (size_t i = 0; i < count; ++i) {
    results[i] = IsAbsent(factors[i]) ? kAbsent : increase[i] * factors[i];
    any_near |= IsZeroNear(first[i], increase[i], nears[i]) ? 1 : 0;
  }
  return any_near != 0;
}

BAROGRAPH_WIDE void RatesOfDeltas(std::span<const double> values, const RateTable& table,
                                  std::span<double> out) {
  const double* at = values.data();
  const uint32_t* firsts = table.first.data();
  const uint32_t* lasts = table.last.data();
  const double* factors = table.factor.data();
  double* __restrict results = out.data();
  for (size_t step = 0; step < out.size(); ++step) {
    const double factor = factors[step];
    results[step] = IsAbsent(factor) ? kAbsent : (at[lasts[step]] - at[firsts[step]]) * factor;
  }
}

BAROGRAPH_WIDE void SearchBucket(const double* __restrict counts,
                                 const double* __restrict next_counts, size_t steps,
                                 BucketSearch& search) {
  for (size_t i = 0; i < steps; ++i) {
    const double count = counts[i];
    const double next = next_counts[i];
    // Farther apart than rounding errors, by more than it takes. False for NaN, and so for what is
    // absent.
    const bool grows = (next - count >= (next + count) * (2 * kAlmostEqual)) & (next >= 1e-300);
    const bool clean = (count >= 0) & (grows | (next == count));
    search.clean[i] &= clean ? 1 : 0;
    search.found[i] += count >= search.rank[i] ? 0 : 1;
  }
}

}  // namespace barograph::promql
