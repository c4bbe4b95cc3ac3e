#include "tests/differential/random_data.h"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <random>
#include <string>

namespace barograph::differential {
namespace {

class Filler {
 public:
  Filler(Appendable& storage, uint64_t seed) : storage_(storage), random_(seed) {}

  void Run() {
    on_the_dot_ = Chance(2);
    for (const char* job : {"api", "db"}) {
      for (const char* instance : {"a:80", "b:80"}) {
        phase_ms_ = on_the_dot_ ? 0 : Below(900);
        FillTarget({{"job", job}, {"instance", instance}});
      }
    }
  }

 private:
  using Value = std::function<void(Appender&, SeriesId, Timestamp)>;

  int64_t Below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }
  bool Chance(int64_t one_in) { return Below(one_in) == 0; }

  static Labels With(const Labels& base, std::initializer_list<Label> more) {
    LabelsBuilder builder(base);
    for (const Label label : more) builder.Set(label.name, label.value);
    return builder.Build();
  }

  void FillTarget(const Labels& base) {
    for (const char* path : {"/", "/x"}) {
      AddFloats(With(base, {{"__name__", "c_total"}, {"path", path}}), Counter(), Starts());
    }
    AddFloats(With(base, {{"__name__", "g"}}), [this] { return Gauge(); });
    AddFloats(With(base, {{"__name__", "h"}, {"zone", Chance(2) ? "x" : "y"}}),
              [this] { return Gauge(); });
    AddFloats(With(base, {{"__name__", "odd"}}), [this] { return Odd(); });
    AddFloats(With(base, {{"__name__", "target_info"}, {"version", Chance(2) ? "1" : "2"}}),
              [] { return 1.0; });
    if (Chance(2)) {
      AddFloats(With(base, {{"__name__", "build_info"}, {"commit", "c0ffee"}}), [] { return 1.0; });
    }
    AddClassic(base);
    AddHistograms(With(base, {{"__name__", "nh"}}), Exponential(false, true));
    AddHistograms(With(base, {{"__name__", "ng"}}), Exponential(true, false));
    AddHistograms(With(base, {{"__name__", "nc"}}), Custom());
    AddMixed(With(base, {{"__name__", "mix"}}));
  }

  // Calls `add` for each sample of a series; between them are gaps, some marked stale.
  void ForEachTime(const std::function<void(int64_t ms)>& add,
                   const std::function<void(int64_t ms)>& add_stale) {
    for (int i = 0; i < kPoints; ++i) {
      const int64_t jitter = on_the_dot_ ? 0 : Below(90);
      const int64_t ms = kBeginMs + i * kIntervalMs + phase_ms_ + jitter;
      if (Chance(40)) {
        if (Chance(2)) add_stale(ms);
        i += static_cast<int>(Below(30));
        continue;
      }
      add(ms);
    }
  }

  void AddFloats(const Labels& labels, const std::function<double()>& value,
                 const std::function<Timestamp(int64_t ms)>& start = NoStart) {
    const auto appender = storage_.NewAppender();
    const SeriesId id = *appender->Resolve(labels);
    ForEachTime([&](int64_t ms) { appender->Append(id, {FromMs(ms), value()}, start(ms)); },
                [&](int64_t ms) { appender->Append(id, {FromMs(ms), kStaleNan}); });
    (void)appender->Commit();
  }

  static Timestamp NoStart(int64_t) { return kUnknownStart; }

  // When what the samples of a counter count began: known of none, as it may be of a cumulative
  // one, of one that gives deltas, and with every mistake that senders make.
  std::function<Timestamp(int64_t)> Starts() {
    const int64_t kind = Below(4);
    if (kind == 0) return NoStart;
    return [this, kind, begin = kBeginMs - Below(60'000), last = int64_t{0}](int64_t ms) mutable {
      if (Chance(20)) begin = ms - Below(kIntervalMs);
      const int64_t before = last;
      last = ms;
      if (kind == 1) return FromMs(begin);
      if (kind == 2) return before == 0 ? kUnknownStart : FromMs(before);
      static constexpr std::array<int64_t, 5> kOff = {-kIntervalMs, -1, 0, 1, kIntervalMs};
      if (Chance(3)) return kUnknownStart;
      return FromMs((Chance(2) ? before : ms) + kOff[static_cast<size_t>(Below(kOff.size()))]);
    };
  }

  std::function<double()> Counter() {
    // Near zero, where extrapolation ends.
    return [this, value = static_cast<double>(Below(20))]() mutable {
      value = Chance(25) ? static_cast<double>(Below(5)) : value + static_cast<double>(Below(50));
      return value;
    };
  }
  double Gauge() { return static_cast<double>(Below(1 << 22) - (1 << 21)) / 1024; }
  double Odd() {
    static constexpr std::array kOdd = {kNormalNan, kInf, -kInf, 0.0,    -0.0,  1.0,
                                        1.0,        2.5,  -3.0,  5e-324, 1e-300};
    return kOdd[static_cast<size_t>(Below(kOdd.size()))];
  }

  // lat_bucket with one series that is not a bucket, and both: classic and native under one name.
  void AddClassic(const Labels& base) {
    static constexpr std::array kBounds = {"-1", "0.1", "0.5", "1", "5", "+Inf"};
    const auto appender = storage_.NewAppender();
    const auto append = [&](const Labels& labels, int64_t ms, double value) {
      appender->Append(*appender->Resolve(labels), {FromMs(ms), value});
    };
    for (const char* name : {"lat_bucket", "both"}) {
      std::array<double, kBounds.size()> counts{};
      const size_t first = Chance(2) ? 0 : 1;
      for (int i = 0; i < kPoints; ++i) {
        if (Chance(60)) counts.fill(0);
        for (int64_t n = Below(20); n > 0; --n) {
          for (size_t b = static_cast<size_t>(Below(kBounds.size())); b < counts.size(); ++b) {
            ++counts[b];
          }
        }
        for (size_t b = first; b < counts.size(); ++b) {
          // Now and then one falls behind those below it.
          const double count = Chance(200) ? counts[b] - 3 : counts[b];
          append(With(base, {{"__name__", name}, {"le", kBounds[b]}}),
                 kBeginMs + i * kIntervalMs + phase_ms_, count);
        }
      }
    }
    if (Chance(2)) {
      append(With(base, {{"__name__", "lat_bucket"}, {"le", "wide"}}), kBeginMs, 1);
    }
    (void)appender->Commit();
    if (Chance(2)) AddHistograms(With(base, {{"__name__", "both"}}), Exponential(false, true));
  }

  using HistogramSource = std::function<FloatHistogram()>;

  void AddHistograms(const Labels& labels, const HistogramSource& next) {
    const auto appender = storage_.NewAppender();
    const SeriesId id = *appender->Resolve(labels);
    const auto start = Starts();
    ForEachTime([&](int64_t ms) { appender->AppendHistogram(id, FromMs(ms), next(), start(ms)); },
                [&](int64_t ms) {
                  FloatHistogram stale;
                  stale.sum = kStaleNan;
                  appender->AppendHistogram(id, FromMs(ms), stale);
                });
    (void)appender->Commit();
  }

  void AddMixed(const Labels& labels) {
    const auto appender = storage_.NewAppender();
    const SeriesId id = *appender->Resolve(labels);
    const HistogramSource exponential = Exponential(Chance(2), true);
    const HistogramSource custom = Custom();
    const auto start = Starts();
    int64_t kind = 0;
    ForEachTime(
        [&](int64_t ms) {
          if (Chance(6)) kind = Below(3);
          if (kind == 0) appender->Append(id, {FromMs(ms), Gauge()}, start(ms));
          if (kind == 1) appender->AppendHistogram(id, FromMs(ms), exponential(), start(ms));
          if (kind == 2) appender->AppendHistogram(id, FromMs(ms), custom(), start(ms));
        },
        [&](int64_t ms) { appender->Append(id, {FromMs(ms), kStaleNan}); });
    (void)appender->Commit();
  }

  // A histogram with 6 positive and 4 negative buckets at places of its own. A counter grows and
  // is reset at times; its schema and its zero bucket change, too.
  HistogramSource Exponential(bool gauge, bool only_positive) {
    struct State {
      std::array<double, 6> positive{};
      std::array<double, 4> negative{};
      double zero = 0;
      double sum = 0;
      int32_t schema, offset;
      double threshold = 0x1p-10;
    };
    State state;
    state.schema = static_cast<int32_t>(Below(5)) - 1;
    state.offset = static_cast<int32_t>(Below(5)) - 1;
    const bool changes = Chance(2);
    return [this, gauge, only_positive, changes, state]() mutable {
      if (Chance(30) || gauge) {
        state.positive = {};
        state.negative = {};
        state.zero = state.sum = 0;
      }
      if (changes && Chance(12)) state.schema = static_cast<int32_t>(Below(5)) - 1;
      if (changes && Chance(12)) state.threshold = Chance(2) ? 0x1p-10 : 0x1p-8;
      for (double& bucket : state.positive) bucket += static_cast<double>(Below(4));
      if (!only_positive) {
        for (double& bucket : state.negative) bucket += static_cast<double>(Below(4));
      }
      state.zero += static_cast<double>(Below(3));
      state.sum += static_cast<double>(Below(4096) - (only_positive ? 0 : 2048)) / 64;
      FloatHistogram histogram;
      histogram.counter_reset_hint = gauge ? CounterResetHint::kGauge : CounterResetHint::kUnknown;
      histogram.schema = state.schema;
      histogram.zero_threshold = state.threshold;
      histogram.zero_count = state.zero;
      histogram.sum = Chance(60) ? kNormalNan : state.sum;
      SetBuckets(state.positive, state.offset, histogram.positive_spans,
                 histogram.positive_buckets);
      SetBuckets(state.negative, state.offset, histogram.negative_spans,
                 histogram.negative_buckets);
      histogram.count = histogram.zero_count;
      for (const double count : histogram.positive_buckets) histogram.count += count;
      for (const double count : histogram.negative_buckets) histogram.count += count;
      if (std::isnan(histogram.sum)) histogram.count += 1;  // an observation of NaN
      return histogram;
    };
  }

  HistogramSource Custom() {
    struct State {
      std::array<double, 5> buckets{};
      double sum = 0;
    };
    static const std::array<std::vector<double>, 3> kBounds = {
        std::vector{0.5, 1.0, 2.5, 10.0}, {1.0, 2.5, 5.0}, {-2.0, 0.0, 1.0, 2.5}};
    auto bounds = kBounds[static_cast<size_t>(Below(kBounds.size()))];
    const bool changes = Chance(3);
    return [this, bounds, changes, state = State()]() mutable {
      if (Chance(30)) state = State();
      if (changes && Chance(15)) bounds = kBounds[static_cast<size_t>(Below(kBounds.size()))];
      for (size_t i = 0; i <= bounds.size(); ++i) state.buckets[i] += static_cast<double>(Below(4));
      state.sum += static_cast<double>(Below(4096)) / 64;
      FloatHistogram histogram;
      histogram.schema = kCustomBucketsSchema;
      histogram.custom_values = bounds;
      histogram.sum = state.sum;
      const std::vector<double> buckets(
          state.buckets.begin(),
          state.buckets.begin() + static_cast<std::ptrdiff_t>(bounds.size() + 1));
      SetBuckets(buckets, 0, histogram.positive_spans, histogram.positive_buckets);
      for (const double count : histogram.positive_buckets) histogram.count += count;
      return histogram;
    };
  }

  static void SetBuckets(const auto& counts, int32_t offset, std::vector<BucketSpan>& spans,
                         std::vector<double>& buckets) {
    int32_t gap = offset;
    for (const double count : counts) {
      if (count == 0) {
        ++gap;
        continue;
      }
      if (spans.empty() || gap > 0) spans.push_back({gap, 0});
      gap = 0;
      ++spans.back().length;
      buckets.push_back(count);
    }
  }

  Appendable& storage_;
  std::mt19937_64 random_;
  bool on_the_dot_ = false;
  int64_t phase_ms_ = 0;
};

}  // namespace

void Fill(Appendable& storage, uint64_t seed) { Filler(storage, seed).Run(); }

}  // namespace barograph::differential
