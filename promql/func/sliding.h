#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "promql/exec/windows.h"

/// Folds over windows that slide forward, each sample combined about twice whatever the overlap.
namespace barograph::promql {

/// Two stacks: suffixes of the older part of a window, folded once when it was the newer part, and
/// one running fold of the newer. Nothing is ever subtracted, so a huge value, an infinity or a
/// NaN is forgotten when it leaves the window.
///
/// `State` is default-constructed empty; `leaf(i)` makes the state of sample i; `merge(a, b)` folds
/// b, which follows a, into a; `emit(step, state)` takes the result of each step whose window is
/// not empty.
template <typename State, typename Leaf, typename Merge, typename Emit>
void SlideWindows(std::span<const Window> windows, Leaf leaf, Merge merge, Emit emit) {
  std::vector<State> suffixes;  // suffixes[i] folds samples [base + i, middle)
  uint32_t base = 0;
  uint32_t middle = 0;
  uint32_t end = 0;
  State newer;
  for (size_t step = 0; step < windows.size(); ++step) {
    const Window window = windows[step];
    if (window.begin == window.end) continue;
    if (window.begin >= middle) {
      const uint32_t from = window.begin;
      const uint32_t until = std::max(end, window.begin);
      if (suffixes.size() < until - from) suffixes.resize(until - from);
      for (uint32_t i = until; i > from; --i) {
        State state = leaf(i - 1);
        if (i < until) merge(state, suffixes[i - from]);
        suffixes[i - 1 - from] = state;
      }
      base = from;
      middle = end = until;
      newer = State();
    }
    for (; end < window.end; ++end) {
      if (end == middle) {
        newer = leaf(end);
      } else {
        merge(newer, leaf(end));
      }
    }
    if (window.begin >= middle) {
      emit(step, newer);
      continue;
    }
    State state = suffixes[window.begin - base];
    if (end > middle) merge(state, newer);
    emit(step, state);
  }
}

/// Runs of samples between which no window begins or ends, and the windows counted in them.
struct WindowBlocks {
  std::vector<uint32_t> bounds;  ///< block b is samples [bounds[b], bounds[b + 1])
  std::vector<Window> windows;
};

inline void CutIntoBlocks(std::span<const Window> windows, WindowBlocks& blocks) {
  std::vector<uint32_t>& bounds = blocks.bounds;
  bounds.resize(2 * windows.size());
  blocks.windows.resize(windows.size());
  uint32_t count = 0;
  size_t begun = 0;
  size_t ended = 0;
  while (ended < windows.size()) {
    const uint32_t next_end = windows[ended].end;
    const bool all_begun = begun == windows.size();
    const uint32_t bound = all_begun ? next_end : std::min(windows[begun].begin, next_end);
    for (; begun < windows.size() && windows[begun].begin == bound; ++begun) {
      blocks.windows[begun].begin = count;
    }
    for (; ended < windows.size() && windows[ended].end == bound; ++ended) {
      blocks.windows[ended].end = count;
    }
    bounds[count++] = bound;
  }
  bounds.resize(count);
}

}  // namespace barograph::promql
