// The codec of native histograms on made-up series: bytes a histogram, and time to encode and to
// decode. The arguments are the series and the histograms a run. "naive" is the size of all fields
// as they lie in memory: 8 bytes a number and a span.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tsdb/chunk/histogram_codec.h"

namespace barograph {
namespace {

constexpr size_t kSamples = 480;

enum Kind : int64_t {
  kBusy,     // 300 requests a scrape, log-normal latencies, schema 3
  kQuiet,    // 2 requests a scrape
  kGauge,    // a distribution anew at each scrape
  kRates,    // of kBusy: full doubles
  kClassic,  // kBusy in eleven custom buckets
};
constexpr const char* kNames[] = {"busy", "quiet", "gauge", "rates", "classic"};

/// Observations by bucket, as a client library keeps them.
class Observed {
 public:
  explicit Observed(Kind kind) : kind_(kind) {}

  void Observe(int count) {
    for (int i = 0; i < count; ++i) {
      const double value = std::exp(distribution_(random_));
      sum_ += value;
      counts_[IndexOf(value)] += 1;
    }
  }
  void Clear() {
    sum_ = 0;
    counts_.clear();
  }

  FloatHistogram Histogram(double factor) const {
    FloatHistogram histogram;
    histogram.schema = 3;
    histogram.zero_threshold = std::ldexp(1, -128);
    if (kind_ == kClassic) {
      histogram.schema = kCustomBucketsSchema;
      histogram.zero_threshold = 0;
      histogram.custom_values = kBounds;
    }
    histogram.sum = sum_ * factor;
    int64_t next = 0;
    for (const auto& [index, count] : counts_) {
      if (histogram.positive_spans.empty() || index != next) {
        histogram.positive_spans.push_back({static_cast<int32_t>(index - next), 0});
      }
      ++histogram.positive_spans.back().length;
      histogram.positive_buckets.push_back(count * factor);
      histogram.count += count * factor;
      next = index + 1;
    }
    return histogram;
  }

 private:
  int64_t IndexOf(double value) const {
    if (kind_ == kClassic) {
      return std::ranges::lower_bound(kBounds, value) - kBounds.begin();
    }
    return static_cast<int64_t>(std::ceil(std::log2(value) * 8));
  }

  static inline const std::vector<double> kBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                     0.5,   1,    2.5,   5,    10};
  Kind kind_;
  double sum_ = 0;
  std::map<int64_t, double> counts_;
  std::mt19937_64 random_{1};
  std::normal_distribution<> distribution_{-2.5, 0.8};
};

std::vector<FloatHistogram> MakeSeries(Kind kind) {
  Observed observed(kind);
  std::vector<FloatHistogram> series;
  for (size_t i = 0; i < kSamples; ++i) {
    if (kind == kGauge || kind == kRates) observed.Clear();
    observed.Observe(kind == kQuiet ? 2 : 300);
    series.push_back(observed.Histogram(kind == kRates ? 1 / 15.0 : 1));
    if (kind == kGauge) series.back().counter_reset_hint = CounterResetHint::kGauge;
  }
  return series;
}

size_t NaiveBytes(const FloatHistogram& histogram) {
  const size_t numbers = 5 + histogram.positive_spans.size() + histogram.negative_spans.size() +
                         histogram.positive_buckets.size() + histogram.negative_buckets.size() +
                         histogram.custom_values.size();
  return numbers * 8;
}

/// A series cut into runs.
struct Encoded {
  Encoded(Kind kind, size_t run_size) : series(MakeSeries(kind)) {
    for (size_t i = 0; i < series.size(); i += run_size) {
      runs.emplace_back();
      for (size_t j = i; j < std::min(i + run_size, series.size()); ++j) {
        runs.back().push_back(&series[j]);
        naive_bytes += NaiveBytes(series[j]);
      }
      encoder.Encode(runs.back(), bytes.emplace_back());
      encoded_bytes += bytes.back().size();
    }
  }

  tsdb::HistogramEncoder encoder;
  std::vector<FloatHistogram> series;
  std::vector<std::vector<const FloatHistogram*>> runs;
  std::vector<std::string> bytes;
  size_t naive_bytes = 0, encoded_bytes = 0;
};

void Report(benchmark::State& state, const Encoded& encoded) {
  state.SetLabel(kNames[state.range(0)]);
  state.counters["bytes/histogram"] = static_cast<double>(encoded.encoded_bytes) / kSamples;
  state.counters["naive"] = static_cast<double>(encoded.naive_bytes) / kSamples;
  state.counters["time/histogram"] = benchmark::Counter(
      kSamples, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void Encode(benchmark::State& state) {
  Encoded encoded(static_cast<Kind>(state.range(0)), static_cast<size_t>(state.range(1)));
  std::string out;
  for (auto _ : state) {
    for (const auto& run : encoded.runs) {
      out.clear();
      encoded.encoder.Encode(run, out);
    }
  }
  Report(state, encoded);
}

void Decode(benchmark::State& state) {
  const Encoded encoded(static_cast<Kind>(state.range(0)), static_cast<size_t>(state.range(1)));
  std::vector<FloatHistogram> out;
  for (auto _ : state) {
    for (size_t i = 0; i < encoded.runs.size(); ++i) {
      out.resize(encoded.runs[i].size());
      if (!tsdb::DecodeHistograms(encoded.bytes[i], out)) return state.SkipWithError("decode");
    }
  }
  Report(state, encoded);
}

BENCHMARK(Encode)->ArgsProduct({{kBusy, kQuiet, kGauge, kRates, kClassic}, {1, 8, 32, 120}});
BENCHMARK(Decode)->ArgsProduct({{kBusy, kQuiet, kGauge, kRates, kClassic}, {1, 120}});

}  // namespace
}  // namespace barograph

BENCHMARK_MAIN();
