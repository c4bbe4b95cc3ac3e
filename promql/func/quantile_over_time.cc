#include <algorithm>
#include <bit>
#include <cmath>

#include "promql/exec/column.h"
#include "promql/func/quantile.h"
#include "promql/func/range_function.h"

namespace barograph::promql {
namespace {

// The values of a sliding window in order. A sample that enters or leaves moves at most the
// window's length of memory, which at real lengths is less than what a tree's pointers cost; where
// many do, they are sorted anew.
class SortedWindow {
 public:
  explicit SortedWindow(const RangeInput& input) : input_(input), sorted_(input.scratch->values) {
    sorted_.clear();
  }

  Result<std::span<const double>> MoveTo(Window window) {
    const size_t moved =
        window.begin >= end_ ? window.size() : size_t{window.begin} - begin_ + window.end - end_;
    if (window.begin >= end_ || moved > kMovesPerHalving * std::bit_width(sorted_.size())) {
      TRY(input_.Work(kMovesPerHalving * window.size()));
      sorted_.assign(input_.values.begin() + window.begin, input_.values.begin() + window.end);
      std::sort(sorted_.begin(), sorted_.end(), OrderedBefore);
    } else {
      TRY(input_.Work(moved * sorted_.size() / 4));
      for (uint32_t i = begin_; i < window.begin; ++i) sorted_.erase(Find(input_.values[i]));
      for (uint32_t i = end_; i < window.end; ++i) {
        sorted_.insert(Find(input_.values[i]), input_.values[i]);
      }
    }
    begin_ = window.begin;
    end_ = window.end;
    return sorted_;
  }

 private:
  // What a level of sorting costs, in memory moved from one sample's place to the next.
  static constexpr size_t kMovesPerHalving = 16;

  std::vector<double>::iterator Find(double value) {
    return std::lower_bound(sorted_.begin(), sorted_.end(), value, OrderedBefore);
  }

  const RangeInput& input_;
  std::vector<double>& sorted_;
  uint32_t begin_ = 0;
  uint32_t end_ = 0;
};

// The k-th smallest |value - centre| of sorted values: those below the centre ascend to the left,
// those above to the right, and the answer is found by halving in both.
double KthDistance(std::span<const double> sorted, double centre, size_t k) {
  const auto split =
      static_cast<size_t>(std::lower_bound(sorted.begin(), sorted.end(), centre) - sorted.begin());
  const size_t left_size = split;
  const size_t right_size = sorted.size() - split;
  const auto left = [&](size_t i) { return std::fabs(sorted[split - 1 - i] - centre); };
  const auto right = [&](size_t i) { return std::fabs(sorted[split + i] - centre); };

  // How many of the k + 1 smallest come from the left.
  size_t low = k + 1 > right_size ? k + 1 - right_size : 0;
  size_t high = std::min(k + 1, left_size);
  while (low < high) {
    const size_t take = (low + high) / 2;
    if (left(take) < right(k - take)) {
      low = take + 1;
    } else {
      high = take;
    }
  }
  const double from_left = low > 0 ? left(low - 1) : 0;
  const double from_right = k + 1 > low ? right(k - low) : 0;
  return std::max(from_left, from_right);
}

double MedianAbsoluteDeviation(std::span<const double> sorted) {
  if (std::isnan(sorted.front())) return std::numeric_limits<double>::quiet_NaN();
  const double median = QuantileOfSorted(0.5, sorted);
  if (!std::isfinite(median)) return std::numeric_limits<double>::quiet_NaN();
  const QuantileRank rank = RankOf(0.5, sorted.size());
  return KthDistance(sorted, median, rank.lower) * (1 - rank.weight) +
         KthDistance(sorted, median, rank.upper) * rank.weight;
}

}  // namespace

Status QuantileOverTime(const RangeInput& input, std::span<double> out) {
  SortedWindow window(input);
  for (size_t step = 0; step < out.size(); ++step) {
    if (input.windows[step].size() == 0) {
      out[step] = kAbsent;
      continue;
    }
    const double q = input.scalars[0][step];
    if (!(q >= 0 && q <= 1)) {
      input.annotations->InvalidQuantile(q, input.position, input.position);
    }
    out[step] = QuantileOfSorted(q, TRY(window.MoveTo(input.windows[step])));
  }
  return {};
}

Status MadOverTime(const RangeInput& input, std::span<double> out) {
  SortedWindow window(input);
  for (size_t step = 0; step < out.size(); ++step) {
    out[step] = input.windows[step].size() == 0
                    ? kAbsent
                    : MedianAbsoluteDeviation(TRY(window.MoveTo(input.windows[step])));
  }
  return {};
}

}  // namespace barograph::promql
