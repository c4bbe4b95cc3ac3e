#include "promql/func/quantile.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/model/sample.h"

namespace barograph::promql {
namespace {

std::optional<double> OutOfRange(double q, size_t n) {
  if (n == 0 || std::isnan(q)) return std::numeric_limits<double>::quiet_NaN();
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  return std::nullopt;
}

double Interpolate(double lower, double upper, double weight) {
  return lower * (1 - weight) + upper * weight;
}

constexpr size_t kFew = 8;

// The `count` largest values in order, of which there are at most kFew. Precondition: as many
// values.
std::array<double, kFew> FindLargest(std::span<const double> values, size_t count) {
  std::array<double, kFew> largest;
  std::copy_n(values.begin(), count, largest.begin());
  std::sort(largest.begin(), largest.begin() + static_cast<std::ptrdiff_t>(count), OrderedBefore);
  for (const double value : values.subspan(count)) {
    if (!OrderedBefore(largest[0], value)) continue;
    size_t place = 1;
    for (; place < count && OrderedBefore(largest[place], value); ++place) {
      largest[place - 1] = largest[place];
    }
    largest[place - 1] = value;
  }
  return largest;
}

}  // namespace

bool OrderedBefore(double a, double b) { return std::isnan(a) ? !std::isnan(b) : a < b; }

QuantileRank RankOf(double q, size_t n) {
  const double last = static_cast<double>(n) - 1;
  const double rank = q * last;
  const double lower = std::max(0.0, std::floor(rank));
  const double upper = std::min(last, lower + 1);
  return {static_cast<size_t>(lower), static_cast<size_t>(upper), rank - std::floor(rank)};
}

double Quantile(double q, std::span<double> values) {
  if (const auto edge = OutOfRange(q, values.size())) return *edge;
  const QuantileRank rank = RankOf(q, values.size());
  const size_t from_lower_on = values.size() - rank.lower;
  if (from_lower_on <= kFew) {
    const std::array<double, kFew> largest = FindLargest(values, from_lower_on);
    return Interpolate(largest[0], largest[rank.upper - rank.lower], rank.weight);
  }
  const auto lower = values.begin() + static_cast<std::ptrdiff_t>(rank.lower);
  std::nth_element(values.begin(), lower, values.end(), OrderedBefore);
  const double above =
      rank.upper == rank.lower ? *lower : *std::min_element(lower + 1, values.end(), OrderedBefore);
  return Interpolate(*lower, above, rank.weight);
}

double QuantileOfSorted(double q, std::span<const double> sorted) {
  if (const auto edge = OutOfRange(q, sorted.size())) return *edge;
  const QuantileRank rank = RankOf(q, sorted.size());
  return Interpolate(sorted[rank.lower], sorted[rank.upper], rank.weight);
}

}  // namespace barograph::promql
