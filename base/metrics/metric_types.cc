#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "base/metrics/registry.h"
#include "base/model/sample.h"
#include "base/mutex.h"

namespace barograph {

HistogramMetric::HistogramMetric(std::vector<double> bounds)
    : bounds_(std::move(bounds)),
      counts_(std::make_unique<std::atomic<uint64_t>[]>(bounds_.size() + 1)) {}

void HistogramMetric::Observe(double value) {
  // Bounds are inclusive; NaN compares less than none and lands in +Inf.
  const auto bucket = std::ranges::find_if(bounds_, [&](double bound) { return value <= bound; });
  counts_[static_cast<size_t>(bucket - bounds_.begin())].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

HistogramMetric::Snapshot HistogramMetric::Take() const {
  Snapshot snapshot{.bounds = bounds_, .counts = {}, .sum = sum_.load(std::memory_order_relaxed)};
  uint64_t cumulative = 0;
  for (size_t i = 0; i <= bounds_.size(); ++i) {
    cumulative += counts_[i].load(std::memory_order_relaxed);
    snapshot.counts.push_back(cumulative);
  }
  return snapshot;
}

namespace {

constexpr size_t kParts = 5;
constexpr std::chrono::minutes kPartLength{2};
constexpr size_t kKeptValues = 512;

// A random choice of what was observed in one part of the window (Vitter 1985, algorithm R).
struct WindowPart {
  int64_t number = -1;  // which two minutes since the clock's origin
  uint64_t seen = 0;
  std::vector<double> kept;

  void Observe(double value, std::minstd_rand& random) {
    ++seen;
    if (kept.size() < kKeptValues) {
      kept.push_back(value);
      return;
    }
    const uint64_t slot = std::uniform_int_distribution<uint64_t>(0, seen - 1)(random);
    if (slot < kKeptValues) kept[slot] = value;
  }
};

struct WeightedValue {
  double value;
  double weight;
};

// The smallest value at which the weights from below reach the share `quantile` of all.
double QuantileOf(const std::vector<WeightedValue>& sorted, double quantile) {
  if (sorted.empty()) return kNormalNan;
  double total = 0;
  for (const WeightedValue& value : sorted) total += value.weight;
  double below = 0;
  for (const WeightedValue& value : sorted) {
    below += value.weight;
    if (below >= quantile * total) return value.value;
  }
  return sorted.back().value;
}

}  // namespace

struct SummaryMetric::Window {
  Window(std::span<const double> wanted, const Clock& time)
      : quantiles(wanted.begin(), wanted.end()), clock(time) {}

  int64_t PartNumber() const { return clock.Monotonic() / kPartLength; }

  const std::vector<double> quantiles;
  const Clock& clock;
  Mutex mutex;
  std::array<WindowPart, kParts> parts GUARDED_BY(mutex);
  std::minstd_rand random GUARDED_BY(mutex);
  uint64_t count GUARDED_BY(mutex) = 0;
  double sum GUARDED_BY(mutex) = 0;
};

SummaryMetric::SummaryMetric(std::span<const double> quantiles, const Clock& clock)
    : window_(std::make_unique<Window>(quantiles, clock)) {}

SummaryMetric::~SummaryMetric() = default;

void SummaryMetric::Observe(double value) {
  const int64_t number = window_->PartNumber();
  const MutexLock lock(window_->mutex);
  WindowPart& part = window_->parts[static_cast<size_t>(number) % kParts];
  if (part.number != number) part = WindowPart{.number = number, .seen = 0, .kept = {}};
  part.Observe(value, window_->random);
  ++window_->count;
  window_->sum += value;
}

SummaryMetric::Snapshot SummaryMetric::Take() const {
  const int64_t number = window_->PartNumber();
  Snapshot snapshot;
  std::vector<WeightedValue> values;
  {
    const MutexLock lock(window_->mutex);
    snapshot.count = window_->count;
    snapshot.sum = window_->sum;
    for (const WindowPart& part : window_->parts) {
      if (part.number + static_cast<int64_t>(kParts) <= number || part.kept.empty()) continue;
      const double weight = static_cast<double>(part.seen) / static_cast<double>(part.kept.size());
      for (const double value : part.kept) values.push_back({value, weight});
    }
  }
  std::erase_if(values, [](const WeightedValue& value) { return std::isnan(value.value); });
  std::ranges::sort(values, {}, &WeightedValue::value);
  for (const double quantile : window_->quantiles) {
    snapshot.quantiles.emplace_back(quantile, QuantileOf(values, quantile));
  }
  return snapshot;
}

}  // namespace barograph
