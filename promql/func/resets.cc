#include "promql/func/resets.h"

#include <algorithm>

#include "promql/func/column_loops.h"
#include "promql/func/sliding.h"

namespace barograph::promql {
namespace {

// Blocks without a reset, nearly all, are passed over quickly.
constexpr uint32_t kBlock = 256;

}  // namespace

void FindResets(std::span<const double> values, uint32_t first, uint32_t last,
                std::vector<uint32_t>& indexes) {
  indexes.clear();
  for (uint32_t begin = std::max(first, 1u); begin < last; begin += kBlock) {
    const uint32_t end = std::min(begin + kBlock, last);
    if (!AnyDecrease(values, begin, end)) continue;
    for (uint32_t i = begin; i < end; ++i) {
      if (values[i] < values[i - 1]) indexes.push_back(i);
    }
  }
}

void FindResets(std::span<const double> values, StartedSamples started, uint32_t first,
                uint32_t last, std::vector<uint32_t>& indexes) {
  indexes.clear();
  for (uint32_t i = std::max(first, 1u); i < last; ++i) {
    if (values[i] < values[i - 1] || started.IsResetAt(i)) indexes.push_back(i);
  }
}

ResetSums::ResetSums(const RangeInput& input)
    : input_(input), indexes_(input.scratch->indexes), windows_(input.scratch->windows) {
  if (input.starts.empty()) {
    FindResets(input.values, input.first(), input.last(), input.scratch->indexes);
  } else {
    FindResets(input.values, input.started(), input.first(), input.last(), input.scratch->indexes);
  }
  if (!few()) FindWindowsOfResets();
}

void ResetSums::FindWindowsOfResets() {
  windows_.resize(input_.windows.size());
  const auto size = static_cast<uint32_t>(indexes_.size());
  uint32_t begin = 0;
  uint32_t end = 0;
  uint64_t total = 0;
  for (size_t step = 0; step < windows_.size(); ++step) {
    const Window window = input_.windows[step];
    // A reset counts when both of its samples are inside.
    while (begin < size && indexes_[begin] <= window.begin) ++begin;
    end = std::max(end, begin);
    while (end < size && indexes_[end] < window.end) ++end;
    windows_[step] = {begin, end};
    total += end - begin;
    if (end - begin > kFew && input_.lane != nullptr) input_.lane->NoteDependentSteps();
  }
  if (total > 4 * (indexes_.size() + windows_.size())) SumWindows();
}

void ResetSums::SumWindows() {
  sums_.assign(windows_.size(), KahanSum());
  SlideWindows<KahanSum>(
      windows_, [&](uint32_t i) { return KahanSum{input_.values[indexes_[i] - 1], 0}; },
      [](KahanSum& into, const KahanSum& next) { into.Merge(next); },
      [&](size_t step, const KahanSum& sum) { sums_[step] = sum; });
}

double ResetSums::AddTo(double increase, size_t step) const {
  if (few()) {
    const Window samples = input_.windows[step];
    for (const uint32_t reset : indexes_) {
      const bool inside = samples.begin < reset && reset < samples.end;
      if (inside) increase += input_.values[reset - 1];
    }
    return increase;
  }
  const Window window = windows_[step];
  if (window.size() > kFew && !sums_.empty()) {
    KahanSum total{increase, 0};
    total.Merge(sums_[step]);
    return total.result();
  }
  for (uint32_t i = window.begin; i < window.end; ++i) {
    increase += input_.values[indexes_[i] - 1];
  }
  return increase;
}

}  // namespace barograph::promql
