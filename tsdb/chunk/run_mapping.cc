#include "tsdb/chunk/run_mapping.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "tsdb/chunk/decimal.h"
#include "tsdb/chunk/run_format.h"

namespace barograph::tsdb {
namespace {

/// The values that are asked how many decimals they need.
constexpr size_t kProbes = 8;
/// A run whose decimals only show late is mapped again with more of them this often.
constexpr int kRounds = 4;
/// Decimals that leave one finite value in this many out are given up.
constexpr size_t kMaxOutsideShare = 8;

/// Sums of numbers with more decimals than these lose too much to look for.
constexpr unsigned kMaxDriftedDecimals = 15;
/// The bits a value that the drift has to save to pay for itself.
constexpr int kMinDriftSavings = 4;

bool IsNegativeZero(double value) { return value == 0 && std::signbit(value); }

/// Whether no number of decimals can represent the value.
bool NeverDecimal(double value) { return !std::isfinite(value) || IsNegativeZero(value); }

size_t CountFiniteFailures(std::span<const double> values, const std::vector<uint8_t>& failed) {
  size_t count = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    count += failed[i] != 0 && !NeverDecimal(values[i]) ? 1 : 0;
  }
  return count;
}

/// Asks some of the `failures` failed finite values, evenly spread, for the decimals that they
/// need. Returns the most, or more than kMaxDecimals where half of them need what there is not.
unsigned ProbeDecimals(std::span<const double> values, const std::vector<uint8_t>& failed,
                       size_t failures, unsigned least) {
  const size_t stride = std::max<size_t>(1, failures / kProbes);
  unsigned most = least;
  size_t seen = 0, probed = 0, hopeless = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (failed[i] == 0 || NeverDecimal(values[i])) continue;
    if (seen++ % stride != 0) continue;
    const unsigned decimals = CountDecimals(values[i], least);
    ++probed;
    if (decimals > kMaxDecimals) {
      ++hopeless;
    } else {
      most = std::max(most, decimals);
    }
  }
  return 2 * hopeless >= probed ? kMaxDecimals + 1 : most;
}

/// Maps to as few decimals as do for nearly all values. False when none do.
bool TryDecimals(std::span<const double> values, MappedRun& run) {
  unsigned decimals = 0;
  for (int round = 0; round < kRounds; ++round) {
    run.mapping = static_cast<uint8_t>(decimals);
    if (MapDecimals(values, decimals, run.integers.data(), run.failed.data()) == 0) return true;
    const size_t failures = CountFiniteFailures(values, run.failed);
    if (failures == 0) return true;
    const bool few = failures <= values.size() / kMaxOutsideShare;
    const unsigned needed = ProbeDecimals(values, run.failed, failures, decimals + 1);
    if (needed > kMaxDecimals) return few;
    if (round + 1 == kRounds) return few;
    decimals = needed;
  }
  return false;
}

void MapBits(std::span<const double> values, MappedRun& run) {
  run.mapping = kMappingBits;
  for (size_t i = 0; i < values.size(); ++i) {
    run.integers[i] = BitsToInteger(values[i]);
    run.failed[i] = std::isfinite(values[i]) ? 0 : 1;
  }
}

/// Lists the failed values, and repeats a neighbour's integer in their place.
void TakeSpecials(std::span<const double> values, MappedRun& run) {
  const auto regular = std::find(run.failed.begin(), run.failed.end(), 0);
  uint64_t last = 0;
  if (regular != run.failed.end()) {
    last = run.integers[static_cast<size_t>(regular - run.failed.begin())];
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (run.failed[i] != 0) {
      run.specials.push_back({i, std::bit_cast<uint64_t>(values[i])});
      run.integers[i] = last;
    }
    last = run.integers[i];
  }
}

/// The decimals that most of a few values are near to, or 0.
unsigned FindDriftedDecimals(std::span<const double> values) {
  const size_t stride = std::max<size_t>(1, values.size() / kProbes);
  unsigned best = 0;
  int best_savings = 0;
  for (unsigned decimals = 1; decimals <= kMaxDriftedDecimals; ++decimals) {
    int savings = 0;
    for (size_t i = 0; i < values.size(); i += stride) {
      if (values[i] == 0 || !std::isfinite(values[i])) continue;
      savings += DriftSavings(values[i], decimals) - kMinDriftSavings;
    }
    if (savings > best_savings) {
      best = decimals;
      best_savings = savings;
    }
  }
  return best;
}

}  // namespace

bool MayHaveDrifted(const MappedRun& run) {
  return run.mapping == kMappingBits ||
         std::ranges::any_of(run.specials, [](const SpecialValue& special) {
           return !NeverDecimal(std::bit_cast<double>(special.bits));
         });
}

bool MapDriftedRun(std::span<const double> values, MappedRun& run, std::vector<uint64_t>& drift) {
  const unsigned decimals = FindDriftedDecimals(values);
  if (decimals == 0) return false;
  run.mapping = static_cast<uint8_t>(decimals | kMappingHasDrift);
  run.specials.clear();
  run.integers.resize(values.size());
  run.failed.resize(values.size());
  drift.resize(values.size());
  const size_t failures =
      MapDrifted(values, decimals, run.integers.data(), drift.data(), run.failed.data());
  if (failures == 0) return true;
  TakeSpecials(values, run);
  for (const SpecialValue& special : run.specials) {
    drift[special.position] = special.position == 0 ? 0 : drift[special.position - 1];
  }
  return true;
}

void MapRun(std::span<const double> values, MappedRun& run) {
  run.specials.clear();
  run.integers.resize(values.size());
  run.failed.resize(values.size());
  if (!TryDecimals(values, run)) MapBits(values, run);
  if (std::find(run.failed.begin(), run.failed.end(), 1) != run.failed.end()) {
    TakeSpecials(values, run);
  }
}

}  // namespace barograph::tsdb
