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
  if (order_.size() == 1) return Only(order_.front());
  has_histograms_ = std::ranges::any_of(
      order_, [](const SeriesPart& part) { return !part.samples.histograms.empty(); });
  const auto begins_earlier = [](const SeriesPart& a, const SeriesPart& b) {
    return a.samples.timestamps.front() < b.samples.timestamps.front();
  };
  by_time_ = order_;
  std::ranges::sort(by_time_, begins_earlier);
  for (size_t i = 1; i < by_time_.size(); ++i) {
    if (by_time_[i].samples.timestamps.front() <= by_time_[i - 1].samples.timestamps.back()) {
      return Interleave(order_);
    }
  }
  return Concatenate(by_time_);
}

SeriesSamples SeriesMerge::Only(const SeriesPart& part) {
  SeriesSamples only = part.samples;
  if (only.timestamp_column != 0) {
    key_.push_back({part.source, only.timestamp_column});
    FindKey();
  }
  only.timestamp_column = 0;
  return only;
}

SeriesSamples SeriesMerge::Concatenate(std::span<const SeriesPart> parts) {
  const bool shared = std::ranges::all_of(
      parts, [](const SeriesPart& part) { return part.samples.timestamp_column != 0; });
  if (shared) {
    for (const SeriesPart& part : parts) {
      key_.push_back({part.source, part.samples.timestamp_column});
    }
  }
  SeriesSamples merged;
  merged.timestamps = TimestampsOf(parts);
  merged.values = ValuesOf(parts);
  if (!has_histograms_) return merged;
  histograms_.clear();
  for (const auto& [source, samples] : parts) {
    for (size_t i = 0; i < samples.size(); ++i) AppendHistogram(samples, i);
  }
  merged.histograms = histograms_;
  return merged;
}

std::span<const Timestamp> SeriesMerge::TimestampsOf(std::span<const SeriesPart> parts) {
  const bool known = !key_.empty() && FindKey();
  std::vector<Timestamp>& all = key_.empty() ? timestamps_ : known_[last_known_].timestamps;
  if (known) return all;
  size_t size = 0;
  for (const auto& [source, samples] : parts) size += samples.size();
  all.clear();
  all.reserve(size);
  for (const auto& [source, samples] : parts) {
    const Timestamp* const begin = samples.timestamps.data();
    all.insert(all.end(), begin, begin + samples.size());
  }
  if (!key_.empty()) known_timestamps_ += all.size();
  return all;
}

/// Sets last_known_. False where the key was not known: nothing is remembered of it then.
bool SeriesMerge::FindKey() {
  // Most often that of the series before, or the one that came behind that the last time.
  size_t at = last_known_;
  for (size_t tries = 0; tries < known_.size(); ++tries, at = at + 1 < known_.size() ? at + 1 : 0) {
    if (known_[at].key != key_) continue;
    last_known_ = at;
    return true;
  }
  if (known_.size() >= kKnownKeys || known_timestamps_ >= kKnownTimestamps) {
    known_.clear();
    known_timestamps_ = 0;
  }
  last_known_ = known_.size();
  known_.push_back({key_, {}, 0});
  return false;
}

std::span<const double> SeriesMerge::ValuesOf(std::span<const SeriesPart> parts) {
  const double* const begin = parts[0].samples.values.data();
  size_t size = 0;
  bool adjacent = true;
  for (const auto& [source, samples] : parts) {
    adjacent &= samples.values.data() == begin + size;
    size += samples.size();
  }
  if (adjacent) return {begin, size};
  values_.clear();
  for (const auto& [source, samples] : parts) {
    values_.insert(values_.end(), samples.values.begin(), samples.values.end());
  }
  return values_;
}

void SeriesMerge::AppendHistogram(const SeriesSamples& samples, size_t index) {
  histograms_.push_back(samples.histograms.empty() ? nullptr : samples.histograms[index]);
}

// Overlapping parts: the earliest of their next timestamps, each time, from the last part with it.
SeriesSamples SeriesMerge::Interleave(std::span<const SeriesPart> parts) {
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
      SeriesSamples merged;
      merged.timestamps = timestamps_;
      merged.values = values_;
      if (has_histograms_) merged.histograms = histograms_;
      return merged;
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

}  // namespace barograph::tsdb
