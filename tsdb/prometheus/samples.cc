#include "tsdb/prometheus/samples.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

namespace barograph::tsdb::prometheus {

void SampleColumns::AddFloat(Timestamp timestamp, double value) {
  timestamps_.push_back(timestamp);
  values_.push_back(value);
  if (!histograms_.empty()) histograms_.push_back(nullptr);
}

void SampleColumns::AddHistogram(Timestamp timestamp, StoredHistogram histogram) {
  histograms_.resize(timestamps_.size());
  histograms_.push_back(std::make_unique<StoredHistogram>(std::move(histogram)));
  timestamps_.push_back(timestamp);
  values_.push_back(0);
}

void SampleColumns::Clear() {
  timestamps_.clear();
  values_.clear();
  histograms_.clear();
}

void SampleColumns::SortByTime() {
  const auto not_ascending = std::ranges::adjacent_find(timestamps_, std::greater_equal());
  if (not_ascending == timestamps_.end()) return;
  Order order(size());
  std::iota(order.begin(), order.end(), 0);
  const auto time_of = [this](size_t index) { return timestamps_[index]; };
  std::ranges::sort(order, {}, [&](size_t index) { return std::pair(time_of(index), index); });
  const auto repeated = std::ranges::unique(order, {}, time_of);
  order.erase(repeated.begin(), repeated.end());
  Take(order);
}

void SampleColumns::Remove(std::span<const TimeRange> ranges) {
  if (ranges.empty()) return;
  Order kept;
  for (size_t i = 0; i < size(); ++i) {
    const bool removed = std::ranges::any_of(
        ranges, [&](const TimeRange& range) { return range.Contains(timestamps_[i]); });
    if (!removed) kept.push_back(i);
  }
  if (kept.size() < size()) Take(kept);
}

void SampleColumns::Take(const Order& order) {
  SampleColumns taken;
  for (const size_t index : order) {
    if (histogram(index) != nullptr) {
      taken.AddHistogram(timestamps_[index], std::move(*histograms_[index]));
    } else {
      taken.AddFloat(timestamps_[index], values_[index]);
    }
  }
  *this = std::move(taken);
}

}  // namespace barograph::tsdb::prometheus
