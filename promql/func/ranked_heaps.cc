#include "promql/func/ranked_heaps.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "promql/exec/column.h"

namespace barograph::promql {

RankedHeaps::RankedHeaps(bool top, std::span<const size_t> k)
    : top_(top), sizes_(k.size(), 0), thresholds_(k.size(), kNormalNan) {
  begins_.reserve(k.size() + 1);
  begins_.push_back(0);
  for (size_t step = 0; step < k.size(); ++step) {
    begins_.push_back(begins_.back() + k[step]);
    if (k[step] == 0) thresholds_[step] = top ? kInf : -kInf;
  }
  values_.resize(begins_.back());
}

void RankedHeaps::Offer(std::span<const double> values, uint32_t series) {
  for (size_t step = 0; step < values.size(); ++step) {
    const double value = values[step];
    const double threshold = thresholds_[step];
    const bool beaten = top_ ? threshold < value : threshold > value;
    if (beaten || std::isnan(threshold)) OfferAt(step, {value, series});
  }
}

void RankedHeaps::OfferAt(size_t step, RankedValue candidate) {
  if (IsAbsent(candidate.value)) return;
  const size_t k = begins_[step + 1] - begins_[step];
  if (sizes_[step] < k) {
    values_[begins_[step] + sizes_[step]++] = candidate;
    SiftUp(heap(step));
  } else {
    if (std::isnan(thresholds_[step]) && std::isnan(candidate.value)) return;
    heap(step)[0] = candidate;
    SiftDown(heap(step));
  }
  if (sizes_[step] == k) thresholds_[step] = heap(step)[0].value;
}

bool RankedHeaps::GivesWay(const RankedValue& a, const RankedValue& b) const {
  if (std::isnan(a.value)) return true;
  return top_ ? a.value < b.value : a.value > b.value;
}

void RankedHeaps::SiftUp(std::span<RankedValue> heap) const {
  size_t child = heap.size() - 1;
  while (child > 0) {
    const size_t parent = (child - 1) / 2;
    if (!GivesWay(heap[child], heap[parent])) break;
    std::swap(heap[child], heap[parent]);
    child = parent;
  }
}

void RankedHeaps::SiftDown(std::span<RankedValue> heap) const {
  size_t parent = 0;
  while (true) {
    size_t child = 2 * parent + 1;
    if (child >= heap.size()) break;
    if (child + 1 < heap.size() && GivesWay(heap[child + 1], heap[child])) ++child;
    if (!GivesWay(heap[child], heap[parent])) break;
    std::swap(heap[child], heap[parent]);
    parent = child;
  }
}

std::span<const RankedValue> RankedHeaps::Ranking(size_t step) {
  const std::span<RankedValue> ranking = heap(step);
  std::sort(ranking.begin(), ranking.end(), [&](const RankedValue& a, const RankedValue& b) {
    if (a.value == b.value || (std::isnan(a.value) && std::isnan(b.value))) {
      return a.series < b.series;
    }
    return std::isnan(b.value) || (!std::isnan(a.value) && GivesWay(b, a));
  });
  return ranking;
}

}  // namespace barograph::promql
