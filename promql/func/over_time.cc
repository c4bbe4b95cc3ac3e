#include <cmath>

#include "promql/exec/column.h"
#include "promql/func/kahan.h"
#include "promql/func/range_function.h"
#include "promql/func/sliding.h"

/// The *_over_time functions. Where windows overlap little, each is computed from scratch in
/// Prometheus's order of operations; where they overlap much, they slide (func/sliding.h), which
/// may differ in the last bits of sums.
namespace barograph::promql {
namespace {

// result(begin, end) of every window that holds samples.
template <typename F>
void EachWindow(const RangeInput& input, std::span<double> out, F result) {
  for (size_t step = 0; step < out.size(); ++step) {
    const Window window = input.windows[step];
    out[step] = window.begin == window.end ? kAbsent : result(window.begin, window.end);
  }
}

// Folds each window into an accumulator with Add().
template <typename Accumulator>
void AddUp(const RangeInput& input, std::span<double> out) {
  EachWindow(input, out, [&](uint32_t begin, uint32_t end) {
    Accumulator accumulator;
    for (uint32_t i = begin; i < end; ++i) accumulator.Add(input.values[i]);
    return accumulator.result();
  });
}

const WindowBlocks& FindBlocks(const RangeInput& input) {
  const size_t steps = input.windows.size();
  return input.scratch->blocks.Find(
      input.timestamp_column, (2 * sizeof(uint32_t) + sizeof(Window)) * steps,
      [&](WindowBlocks& made) { CutIntoBlocks(input.windows, made); });
}

// Calls emit(step, sum) for each window that holds samples, where windows overlap much. Between two
// bounds of windows samples are added up once.
template <typename Emit>
void SlideSums(const RangeInput& input, Emit emit) {
  const WindowBlocks& blocks = FindBlocks(input);
  if (blocks.bounds.size() < 2) return;  // all windows are empty
  std::vector<double>& sums = input.scratch->values;
  std::vector<double>& compensations = input.scratch->more_values;
  sums.resize(blocks.bounds.size() - 1);
  compensations.resize(sums.size());
  SumRuns(input.values, blocks.bounds, sums, compensations);
  SlideWindows<KahanSum>(
      blocks.windows, [&](uint32_t b) { return KahanSum{sums[b], compensations[b]}; },
      [](KahanSum& into, const KahanSum& next) { into.Merge(next); }, emit);
}

// The count, mean and sum of squared differences of some values.
struct Moments {
  double count = 0;
  double mean = 0;
  double squares = 0;
};

// Chan, Golub and LeVeque 1979.
void MergeMoments(Moments& into, const Moments& next) {
  const double count = into.count + next.count;
  const double delta = next.mean - into.mean;
  into.mean += delta * (next.count / count);
  into.squares += next.squares + delta * delta * (into.count * next.count / count);
  into.count = count;
}

class KahanVariance {
 public:
  void Add(double value) {
    ++count_;
    const double delta = value - (mean_.sum + mean_.compensation);
    mean_.Add(delta / count_);
    squares_.Add(delta * (value - (mean_.sum + mean_.compensation)));
  }
  double result() const { return (squares_.sum + squares_.compensation) / count_; }

 private:
  double count_ = 0;
  KahanSum mean_;
  KahanSum squares_;
};

// The extreme sample of a window. `Better(candidate, best)`: a NaN only stays where all are NaN.
struct Extreme {
  double value;
  uint32_t index;
};

template <typename Better, typename Result>
void FindExtremes(const RangeInput& input, std::span<double> out, Better better, Result result) {
  const auto take = [&](Extreme& best, const Extreme& candidate) {
    if (better(candidate.value, best.value) || std::isnan(best.value)) best = candidate;
  };
  if (input.sparse()) {
    return EachWindow(input, out, [&](uint32_t begin, uint32_t end) {
      Extreme best{input.values[begin], begin};
      for (uint32_t i = begin; i < end; ++i) take(best, {input.values[i], i});
      return result(best);
    });
  }
  std::fill(out.begin(), out.end(), kAbsent);
  // Between two bounds of windows samples are looked at once.
  const WindowBlocks& blocks = FindBlocks(input);
  const auto best_of_block = [&](uint32_t b) {
    Extreme best{input.values[blocks.bounds[b]], blocks.bounds[b]};
    for (uint32_t i = best.index + 1; i < blocks.bounds[b + 1]; ++i) {
      take(best, {input.values[i], i});
    }
    return best;
  };
  SlideWindows<Extreme>(blocks.windows, best_of_block, take,
                        [&](size_t step, const Extreme& best) { out[step] = result(best); });
}

// The same of values alone.
template <typename Better>
void FindExtremeValues(const RangeInput& input, std::span<double> out, Better better) {
  const auto take = [&](double& best, double candidate) {
    const double kept = std::isnan(best) ? candidate : best;
    best = better(candidate, best) ? candidate : kept;
  };
  const auto best_of = [&](uint32_t begin, uint32_t end) {
    double best = input.values[begin];
    for (uint32_t i = begin + 1; i < end; ++i) take(best, input.values[i]);
    return best;
  };
  if (input.sparse()) return EachWindow(input, out, best_of);
  std::fill(out.begin(), out.end(), kAbsent);
  const WindowBlocks& blocks = FindBlocks(input);
  if (blocks.bounds.size() < 2) return;  // all windows are empty
  std::vector<double>& best = input.scratch->values;
  best.resize(blocks.bounds.size() - 1);
  for (size_t b = 0; b < best.size(); ++b)
    best[b] = best_of(blocks.bounds[b], blocks.bounds[b + 1]);
  SlideWindows<double>(
      blocks.windows, [&](uint32_t b) { return best[b]; }, take,
      [&](size_t step, double value) { out[step] = value; });
}

double ToSecondsAt(const RangeInput& input, uint32_t index) {
  return static_cast<double>(ToMs(input.timestamps[index])) / 1000;
}

}  // namespace

Status SumOverTime(const RangeInput& input, std::span<double> out) {
  if (input.sparse()) {
    AddUp<KahanSum>(input, out);
    return {};
  }
  std::fill(out.begin(), out.end(), kAbsent);
  SlideSums(input, [&](size_t step, const KahanSum& sum) { out[step] = sum.result(); });
  return {};
}

Status AvgOverTime(const RangeInput& input, std::span<double> out) {
  if (input.sparse()) {
    AddUp<KahanMean>(input, out);
    return {};
  }
  std::fill(out.begin(), out.end(), kAbsent);
  const auto mean_from_scratch = [&](Window window) {
    KahanMean mean;
    for (uint32_t i = window.begin; i < window.end; ++i) mean.Add(input.values[i]);
    return mean.result();
  };
  SlideSums(input, [&](size_t step, const KahanSum& sum) {
    const Window window = input.windows[step];
    const double count = window.size();
    // An overflow is rare, and the only case in which the mean is not the sum's.
    out[step] = std::isinf(sum.sum) ? mean_from_scratch(window)
                                    : sum.sum / count + sum.compensation / count;
  });
  return {};
}

Status MinOverTime(const RangeInput& input, std::span<double> out) {
  FindExtremeValues(input, out, [](double a, double b) { return a < b; });
  return {};
}

Status MaxOverTime(const RangeInput& input, std::span<double> out) {
  FindExtremeValues(input, out, [](double a, double b) { return a > b; });
  return {};
}

Status TimeOfMinOverTime(const RangeInput& input, std::span<double> out) {
  FindExtremes(
      input, out, [](double a, double b) { return a <= b; },
      [&](const Extreme& best) { return ToSecondsAt(input, best.index); });
  return {};
}

Status TimeOfMaxOverTime(const RangeInput& input, std::span<double> out) {
  FindExtremes(
      input, out, [](double a, double b) { return a >= b; },
      [&](const Extreme& best) { return ToSecondsAt(input, best.index); });
  return {};
}

Status CountOverTime(const RangeInput& input, std::span<double> out) {
  EachWindow(input, out, [](uint32_t begin, uint32_t end) -> double { return end - begin; });
  return {};
}

Status PresentOverTime(const RangeInput& input, std::span<double> out) {
  EachWindow(input, out, [](uint32_t, uint32_t) { return 1.0; });
  return {};
}

Status FirstOverTime(const RangeInput& input, std::span<double> out) {
  EachWindow(input, out, [&](uint32_t begin, uint32_t) { return input.values[begin]; });
  return {};
}

Status LastOverTime(const RangeInput& input, std::span<double> out) {
  EachWindow(input, out, [&](uint32_t, uint32_t end) { return input.values[end - 1]; });
  return {};
}

Status TimeOfFirstOverTime(const RangeInput& input, std::span<double> out) {
  EachWindow(input, out, [&](uint32_t begin, uint32_t) { return ToSecondsAt(input, begin); });
  return {};
}

Status TimeOfLastOverTime(const RangeInput& input, std::span<double> out) {
  EachWindow(input, out, [&](uint32_t, uint32_t end) { return ToSecondsAt(input, end - 1); });
  return {};
}

Status StdvarOverTime(const RangeInput& input, std::span<double> out) {
  if (input.sparse()) {
    AddUp<KahanVariance>(input, out);
    return {};
  }
  std::fill(out.begin(), out.end(), kAbsent);
  SlideWindows<Moments>(
      input.windows,
      [&](uint32_t i) {
        const double value = input.values[i];
        return Moments{1, value, value - value};  // not a number for what is not finite
      },
      MergeMoments,
      [&](size_t step, const Moments& moments) { out[step] = moments.squares / moments.count; });
  return {};
}

Status StddevOverTime(const RangeInput& input, std::span<double> out) {
  TRY(StdvarOverTime(input, out));
  for (double& value : out) {
    if (!IsAbsent(value)) value = std::sqrt(value);
  }
  return {};
}

}  // namespace barograph::promql
