#include "tests/tsdb/prometheus_samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

namespace barograph::tsdb::prometheus::test {
namespace {

using Random = std::mt19937_64;

size_t Below(Random& random, size_t bound) { return random() % bound; }

double RandomValue(Random& random, double before) {
  switch (Below(random, 12)) {
    case 0: return kStaleNan;
    case 1: return std::bit_cast<double>(0x7ff8000000000000 | (random() & 0xffff));
    case 2: return Below(random, 2) == 0 ? kInf : -kInf;
    case 3: return -0.0;
    case 4: return 0;  // a reset
    case 5: return std::bit_cast<double>(random());
    case 6: return before;
    default: return std::isfinite(before) ? before + static_cast<double>(Below(random, 1000)) : 1;
  }
}

Timestamp NextTime(Random& random, Timestamp before) {
  if (Below(random, 10) == 0) return before + Duration(1 + Below(random, 100'000'000));
  if (Below(random, 3) == 0) return before + Duration(14'990 + Below(random, 20));
  return before + Duration(15'000);
}

// A histogram that grows, and sometimes starts anew or changes its form.
class RandomHistogram {
 public:
  explicit RandomHistogram(Random& random) : random_(random) { Begin(); }

  StoredHistogram Next() {
    if (Below(random_, 40) == 0) Begin();
    if (Below(random_, 25) == 0) return Stale();
    Observe(positive_spans_, positive_);
    if (!custom()) Observe(negative_spans_, negative_);
    return Histogram();
  }

 private:
  bool custom() const { return schema_ == kCustomBucketsSchema; }

  void Begin() {
    integer_ = Below(random_, 2) == 0;
    gauge_ = Below(random_, 4) == 0;
    schema_ = Below(random_, 3) == 0 ? kCustomBucketsSchema
                                     : static_cast<int32_t>(Below(random_, 13)) - 4;
    constexpr double kThresholds[] = {0, 0x1p-128, 0.001, 1024, 0x1p-243, 0x1p-244};
    zero_threshold_ = custom() ? 0 : kThresholds[Below(random_, 6)];
    positive_.assign(custom() ? 5 : 1 + Below(random_, 12), 0);
    negative_.assign(custom() ? 0 : Below(random_, 5), 0);
    positive_spans_.assign(1, {custom() ? 0 : static_cast<int32_t>(Below(random_, 20)) - 10,
                               static_cast<uint32_t>(positive_.size())});
    negative_spans_.clear();
    if (!negative_.empty()) {
      negative_spans_.push_back({-3, static_cast<uint32_t>(negative_.size())});
    }
  }

  // More observations, and sometimes a bucket that was not there.
  void Observe(std::vector<BucketSpan>& spans, std::vector<double>& counts) {
    if (!custom() && Below(random_, 20) == 0) {
      spans.push_back({static_cast<int32_t>(1 + Below(random_, 5)), 1});
      counts.push_back(0);
    }
    for (double& count : counts) {
      const double more = integer_ ? static_cast<double>(Below(random_, 5))
                                   : static_cast<double>(Below(random_, 500)) / 7;
      count = gauge_ ? more : count + more;
    }
  }

  StoredHistogram Histogram() const {
    FloatHistogram histogram;
    histogram.schema = schema_;
    histogram.counter_reset_hint = gauge_ ? CounterResetHint::kGauge : CounterResetHint::kUnknown;
    histogram.zero_threshold = zero_threshold_;
    histogram.positive_spans = positive_spans_;
    histogram.negative_spans = negative_spans_;
    histogram.positive_buckets = positive_;
    histogram.negative_buckets = negative_;
    if (custom()) histogram.custom_values = {0.005, 1, 33554.43, 1e9};
    for (const double count : positive_) histogram.count += count;
    for (const double count : negative_) histogram.count += count;
    histogram.zero_count = custom() ? 0 : std::floor(histogram.count / 3);
    histogram.sum = histogram.count * 1.5;
    return {histogram, integer_};
  }

  StoredHistogram Stale() const {
    FloatHistogram histogram;
    histogram.sum = kStaleNan;
    return {histogram, integer_};
  }

  Random& random_;
  bool integer_ = false;
  bool gauge_ = false;
  int32_t schema_ = 0;
  double zero_threshold_ = 0;
  std::vector<BucketSpan> positive_spans_, negative_spans_;
  std::vector<double> positive_, negative_;
};

FloatHistogram Observations(FloatHistogram histogram) {
  if (histogram.counter_reset_hint != CounterResetHint::kGauge) {
    histogram.counter_reset_hint = CounterResetHint::kUnknown;
  }
  return histogram.Compact(0);
}

std::string Describe(const SampleColumns& samples, size_t index) {
  const StoredHistogram* histogram = samples.histogram(index);
  const int64_t ms = ToMs(samples.timestamps()[index]);
  if (histogram == nullptr) {
    return fmt::format("{} {:x}", ms, std::bit_cast<uint64_t>(samples.values()[index]));
  }
  return fmt::format("{} {} {}", ms, histogram->integer ? "integer" : "float",
                     Observations(histogram->histogram).ToString());
}

bool Same(const SampleColumns& got, const SampleColumns& want, size_t index) {
  if (got.timestamps()[index] != want.timestamps()[index]) return false;
  const StoredHistogram* a = got.histogram(index);
  const StoredHistogram* b = want.histogram(index);
  if ((a == nullptr) != (b == nullptr)) return false;
  if (a == nullptr) return SameBits(got.values()[index], want.values()[index]);
  return a->integer == b->integer && Observations(a->histogram) == Observations(b->histogram);
}

}  // namespace

SampleColumns RandomSamples(Random& random, size_t count, Shape shape) {
  SampleColumns samples;
  RandomHistogram histogram(random);
  Timestamp time = FromMs(static_cast<int64_t>(Below(random, 2'000'000'000'000)) - 1'000'000'000);
  double value = 0;
  bool in_histograms = !shape.floats;
  for (size_t i = 0; i < count; ++i) {
    if (shape.floats && shape.histograms && Below(random, 50) == 0) in_histograms = !in_histograms;
    if (in_histograms) {
      samples.AddHistogram(time, histogram.Next());
    } else {
      value = RandomValue(random, value);
      samples.AddFloat(time, value);
    }
    time = NextTime(random, time);
  }
  return samples;
}

std::string Difference(const SampleColumns& got, const SampleColumns& want) {
  for (size_t i = 0; i < std::min(got.size(), want.size()); ++i) {
    if (Same(got, want, i)) continue;
    return fmt::format("sample {}:\ngot:  {}\nwant: {}", i, Describe(got, i), Describe(want, i));
  }
  if (got.size() == want.size()) return "";
  return fmt::format("{} samples instead of {}", got.size(), want.size());
}

}  // namespace barograph::tsdb::prometheus::test
