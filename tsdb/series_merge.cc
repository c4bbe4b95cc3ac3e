#include "tsdb/series_merge.h"

#include <algorithm>
#include <optional>

#include "tsdb/chunk/histogram_hints.h"

namespace barograph::tsdb {

SeriesSamples SeriesMerge::Merge(std::span<const SeriesPart> parts) {
  order_.clear();
  std::ranges::copy_if(parts, std::back_inserter(order_),
                       [](const SeriesPart& part) { return part.samples.size() > 0; });
  key_.clear();
  if (order_.empty()) return {};
  has_histograms_ = std::ranges::any_of(
      order_, [](const SeriesPart& part) { return !part.samples.histograms.empty(); });
  const auto begins_earlier = [](const SeriesPart& a, const SeriesPart& b) {
    return a.samples.timestamps.front() < b.samples.timestamps.front();
  };
  if (order_.size() > 1) {
    std::vector<SeriesPart> by_time = order_;
    std::ranges::sort(by_time, begins_earlier);
    for (size_t i = 1; i < by_time.size(); ++i) {
      if (by_time[i].samples.timestamps.front() <= by_time[i - 1].samples.timestamps.back()) {
        return Interleave(order_);
      }
    }
    order_.swap(by_time);
  }
  return Concatenate(order_);
}

SeriesSamples SeriesMerge::Concatenate(std::span<const SeriesPart> parts) {
  const bool shared = std::ranges::all_of(
      parts, [](const SeriesPart& part) { return part.samples.timestamp_column != 0; });
  if (shared) {
    for (const SeriesPart& part : parts)
      key_.push_back({part.source, part.samples.timestamp_column});
  }
  if (parts.size() == 1) {
    SeriesSamples only = parts[0].samples;
    only.timestamp_column = 0;
    return only;
  }
  if (!shared || key_ != timestamps_key_) {
    timestamps_.clear();
    for (const SeriesPart& part : parts) {
      timestamps_.insert(timestamps_.end(), part.samples.timestamps.begin(),
                         part.samples.timestamps.end());
    }
    timestamps_key_ = key_;
  }
  values_.clear();
  histograms_.clear();
  for (const auto& [source, samples] : parts) {
    values_.insert(values_.end(), samples.values.begin(), samples.values.end());
    if (!has_histograms_) continue;
    for (size_t i = 0; i < samples.size(); ++i) AppendHistogram(samples, i);
  }
  return Result();
}

void SeriesMerge::AppendHistogram(const SeriesSamples& samples, size_t index) {
  histograms_.push_back(samples.histograms.empty() ? nullptr : samples.histograms[index]);
}

// Overlapping parts: the earliest of their next timestamps, each time, from the last part with it.
SeriesSamples SeriesMerge::Interleave(std::span<const SeriesPart> parts) {
  timestamps_key_.clear();
  timestamps_.clear();
  values_.clear();
  histograms_.clear();
  next_.assign(parts.size(), 0);
  while (true) {
    std::optional<Timestamp> earliest;
    for (size_t p = 0; p < parts.size(); ++p) {
      if (next_[p] == parts[p].samples.size()) continue;
      const Timestamp t = parts[p].samples.timestamps[next_[p]];
      if (!earliest || t < *earliest) earliest = t;
    }
    if (!earliest) {
      if (has_histograms_) HintAnew();
      return Result();
    }
    const SeriesSamples* taken = nullptr;
    size_t index = 0;
    for (size_t p = 0; p < parts.size(); ++p) {
      const SeriesSamples& samples = parts[p].samples;
      if (next_[p] == samples.size() || samples.timestamps[next_[p]] != *earliest) continue;
      taken = &samples;
      index = next_[p]++;
    }
    timestamps_.push_back(*earliest);
    values_.push_back(taken->values[index]);
    if (has_histograms_) AppendHistogram(*taken, index);
  }
}

// Their hints were found beside other neighbours.
void SeriesMerge::HintAnew() {
  hinted_.clear();
  hinted_.reserve(histograms_.size());
  hinted_pointers_.clear();
  for (const FloatHistogram*& histogram : histograms_) {
    FloatHistogram* hinted = nullptr;
    if (histogram != nullptr) {
      hinted = &hinted_.emplace_back(*histogram);
      if (hinted->counter_reset_hint != CounterResetHint::kGauge) {
        hinted->counter_reset_hint = CounterResetHint::kUnknown;
      }
    }
    histogram = hinted;
    hinted_pointers_.push_back(hinted);
  }
  HintCounterResets(hinted_pointers_);
}

SeriesSamples SeriesMerge::Result() const {
  SeriesSamples samples;
  samples.timestamps = timestamps_;
  samples.values = values_;
  if (has_histograms_) samples.histograms = histograms_;
  return samples;
}

}  // namespace barograph::tsdb
