#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// topk and bottomk over columns.
namespace barograph::promql {

struct RankedValue {
  double value;
  uint32_t series;
};

/// The k best values of each step: binary heaps with the value that gives way first on top, with
/// the sifting of Go's container/heap, so that equal values fall out as they do in Prometheus.
class RankedHeaps {
 public:
  /// `k` is by step. `top` keeps the largest values, else the smallest.
  RankedHeaps(bool top, std::span<const size_t> k);

  /// Takes a series' present values in.
  void Offer(std::span<const double> values, uint32_t series);

  /// What is kept at a step, best first; NaN last.
  std::span<const RankedValue> Ranking(size_t step);

 private:
  bool GivesWay(const RankedValue& a, const RankedValue& b) const;
  void OfferAt(size_t step, RankedValue candidate);
  void SiftUp(std::span<RankedValue> heap) const;
  void SiftDown(std::span<RankedValue> heap) const;
  std::span<RankedValue> heap(size_t step) {
    return std::span(values_).subspan(begins_[step], sizes_[step]);
  }

  bool top_;
  std::vector<size_t> begins_;  // of the heaps in values_, and the end of all
  std::vector<uint32_t> sizes_;
  std::vector<RankedValue> values_;

  // What a value must beat at a step; NaN where any may be taken.
  std::vector<double> thresholds_;
};

}  // namespace barograph::promql
