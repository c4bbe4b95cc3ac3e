#include "promql/func/column_loops.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "base/model/kahan_sum.h"
#include "base/model/sample.h"
#include "promql/exec/column.h"
#include "promql/func/classic_histogram.h"
#include "promql/func/extrapolation.h"
#include "promql/func/range_function.h"
#include "promql/func/ranked_heaps.h"

/// What is computed for many steps at once against the same one step at a time, to the bit.
namespace barograph::promql {
namespace {

constexpr double kOdd[] = {kAbsent, kNormalNan, kInf, -kInf, 0.0, -0.0, 1e300, -1e300, 1e-320};

class RandomValues {
 public:
  explicit RandomValues(uint32_t seed) : random_(seed) {}

  size_t Below(size_t bound) { return random_() % bound; }
  double Ordinary() { return static_cast<double>(random_() % 100'000) / 7 - 3000; }
  double Any() { return Below(8) == 0 ? kOdd[Below(std::size(kOdd))] : Ordinary(); }
  std::vector<double> Column(size_t steps) {
    std::vector<double> values(steps);
    for (double& value : values) value = Any();
    return values;
  }

 private:
  std::mt19937 random_;
};

void CheckSame(const std::vector<double>& expected, const std::vector<double>& actual) {
  REQUIRE(expected.size() == actual.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    INFO("at " << i << ": " << expected[i] << " and " << actual[i]);
    const bool both_nan = std::isnan(expected[i]) && std::isnan(actual[i]) &&
                          IsAbsent(expected[i]) == IsAbsent(actual[i]);
    CHECK((both_nan || SameBits(expected[i], actual[i])));
  }
}

TEST_CASE("sums of columns are the compensated sums of their steps") {
  constexpr size_t kSteps = 203;
  RandomValues random(1);
  std::vector<double> sums(kSteps, kAbsent);
  std::vector<double> compensations(kSteps, 0);
  std::vector<KahanSum> expected(kSteps);
  std::vector<bool> any(kSteps, false);
  for (int round = 0; round < 20; ++round) {
    const std::vector<double> column = random.Column(kSteps);
    AddToSums(column, sums.data(), compensations.data());
    for (size_t step = 0; step < kSteps; ++step) {
      if (IsAbsent(column[step])) continue;
      if (any[step]) {
        expected[step].Add(column[step]);
      } else {
        expected[step].sum = column[step];
      }
      any[step] = true;
    }
  }
  std::vector<double> wanted;
  std::vector<double> got;
  for (size_t step = 0; step < kSteps; ++step) {
    wanted.push_back(any[step] ? expected[step].sum + expected[step].compensation : kAbsent);
    got.push_back(any[step] ? sums[step] + compensations[step] : sums[step]);
  }
  CheckSame(wanted, got);
}

TEST_CASE("sums of runs of values are their compensated sums") {
  for (uint32_t seed = 1; seed <= 30; ++seed) {
    RandomValues random(seed);
    std::vector<uint32_t> bounds = {static_cast<uint32_t>(random.Below(5))};
    const size_t longest = seed % 3 == 0 ? 30 : 5;
    for (size_t run = 0; run < 1 + random.Below(400); ++run) {
      bounds.push_back(bounds.back() + 1 + static_cast<uint32_t>(random.Below(longest)));
    }
    std::vector<double> values = random.Column(bounds.back());
    std::ranges::replace_if(values, IsAbsent, 0.25);
    std::vector<double> sums(bounds.size() - 1), compensations(bounds.size() - 1);
    SumRuns(values, bounds, sums, compensations);
    std::vector<double> expected_sums, expected_compensations;
    for (size_t b = 0; b + 1 < bounds.size(); ++b) {
      KahanSum sum;
      for (uint32_t i = bounds[b]; i < bounds[b + 1]; ++i) sum.Add(values[i]);
      expected_sums.push_back(sum.sum);
      expected_compensations.push_back(sum.compensation);
    }
    CheckSame(expected_sums, sums);
    CheckSame(expected_compensations, compensations);
  }
}

// A counter or gauge with irregular samples, and the windows of a grid over it.
struct RangeCase {
  std::vector<Timestamp> timestamps;
  std::vector<double> values;
  Windows windows;
  RangeScratch scratch;
  StepGrid grid;
  int64_t range_ms = 0;

  RangeInput Input() {
    RangeInput input;
    input.timestamps = timestamps;
    input.values = values;
    input.windows = windows.steps;
    input.total = windows.total;
    input.grid = grid;
    input.range_ms = range_ms;
    input.scratch = &scratch;
    return input;
  }
};

RangeCase MakeRangeCase(uint32_t seed) {
  RandomValues random(seed);
  RangeCase made;
  const size_t resets_one_in = seed % 3 == 0 ? 4 : 90;
  double value = 0;
  int64_t time = 0;
  for (size_t i = 0; i < random.Below(400); ++i) {
    time += 1 + static_cast<int64_t>(random.Below(30'000));
    value = random.Below(resets_one_in) == 0 ? static_cast<double>(random.Below(3))
                                             : value + static_cast<double>(random.Below(50)) / 3;
    made.timestamps.push_back(FromMs(time));
    made.values.push_back(random.Below(60) == 0 ? kOdd[1 + random.Below(8)] : value);
  }
  made.grid = {-20'000, 1 + static_cast<int64_t>(random.Below(60'000)), 150};
  made.range_ms = 1 + static_cast<int64_t>(random.Below(300'000));
  FindWindows(made.timestamps, {made.grid, {}, made.range_ms, 0}, made.windows);
  return made;
}

// As Prometheus's extrapolatedRate is written: one window at a time.
double RateOfWindow(const RangeInput& input, size_t step, RateKind kind) {
  const Window window = input.windows[step];
  if (window.size() < 2) return kAbsent;
  const auto timestamps = input.timestamps.subspan(window.begin, window.size());
  const auto values = input.values.subspan(window.begin, window.size());
  double increase = values.back() - values.front();
  for (size_t i = 1; kind.is_counter && i < values.size(); ++i) {
    if (values[i] < values[i - 1]) increase += values[i - 1];
  }
  const RateGeometry geometry = GeometryOf(timestamps, input.grid.at(step), input.range_ms);
  return increase * ExtrapolationFactor(geometry, values.front(), increase, kind,
                                        static_cast<double>(input.range_ms) / 1000);
}

TEST_CASE("rate, increase and delta are to the bit what each window alone gives") {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    INFO("seed " << seed);
    RangeCase made = MakeRangeCase(seed);
    const RangeInput input = made.Input();
    // Where windows overlap much and resets are many, sums of resets slide.
    const bool slides = seed % 3 == 0;
    const auto expect = [&](RateKind kind) {
      std::vector<double> expected;
      for (size_t i = 0; i < made.grid.count; ++i) expected.push_back(RateOfWindow(input, i, kind));
      return expected;
    };
    std::vector<double> out(made.grid.count);
    REQUIRE(Delta(input, out).has_value());
    CheckSame(expect({false, false}), out);
    if (slides) continue;
    REQUIRE(Rate(input, out).has_value());
    CheckSame(expect({true, true}), out);
    made.scratch = {};
    REQUIRE(Increase(input, out).has_value());
    CheckSame(expect({true, false}), out);
  }
}

TEST_CASE("quantiles of buckets at many steps are those of each step") {
  constexpr size_t kSteps = 400;
  const std::vector<double> bounds = {-1, 0.5, 1, 2.5, 10, kInf};
  RandomValues random(5);
  std::vector<double> counts(bounds.size() * kSteps);
  std::vector<double> q(kSteps);
  for (size_t step = 0; step < kSteps; ++step) {
    q[step] = random.Below(9) == 0 ? random.Any() : static_cast<double>(random.Below(101)) / 100;
    double count = random.Below(5) == 0 ? 0 : static_cast<double>(random.Below(10));
    const bool idle = random.Below(6) == 0;
    for (size_t b = 0; b < bounds.size(); ++b) {
      if (!idle && random.Below(3) != 0) count += static_cast<double>(random.Below(900)) / 7;
      double& cell = counts[b * kSteps + step];
      cell = idle ? 0 : count;
      if (random.Below(25) == 0) cell *= 1 + 1e-13;    // a rounding error
      if (random.Below(40) == 0) cell = random.Any();  // anything
    }
  }
  std::vector<double> out(kSteps, 17);
  std::vector<uint32_t> left;
  BucketQuantiles(q, {bounds, counts, kSteps}, out, left);
  CHECK(left.size() < kSteps * 3 / 4);
  for (const uint32_t step : left) CHECK(out[step] == 17);
  std::vector<double> expected = out;
  for (size_t step = 0; step < kSteps; ++step) {
    if (std::ranges::find(left, step) != left.end()) continue;
    std::vector<Bucket> buckets;
    for (size_t b = 0; b < bounds.size(); ++b) {
      REQUIRE_FALSE(IsAbsent(counts[b * kSteps + step]));
      buckets.push_back({bounds[b], counts[b * kSteps + step]});
    }
    BucketRepair repair;
    expected[step] = BucketQuantile(q[step], buckets, repair);
    CHECK_FALSE(repair.forced);
  }
  CheckSame(expected, out);
}

TEST_CASE("topk and bottomk keep the best values of each step") {
  constexpr size_t kSteps = 50;
  for (const bool top : {true, false}) {
    RandomValues random(top ? 7 : 8);
    std::vector<size_t> k(kSteps);
    for (size_t& count : k) count = random.Below(5);
    RankedHeaps heaps(top, k);
    std::vector<std::vector<double>> columns;
    for (uint32_t series = 0; series < 30; ++series) {
      columns.push_back(random.Column(kSteps));
      heaps.Offer(columns.back(), series);
    }
    for (size_t step = 0; step < kSteps; ++step) {
      std::vector<double> values;
      for (const auto& column : columns) {
        if (!IsAbsent(column[step])) values.push_back(column[step]);
      }
      std::ranges::sort(values, [top](double a, double b) {
        if (std::isnan(a) || std::isnan(b)) return !std::isnan(a) && std::isnan(b);
        return top ? a > b : a < b;
      });
      values.resize(std::min(values.size(), k[step]));
      const auto ranking = heaps.Ranking(step);
      REQUIRE(ranking.size() == values.size());
      for (size_t i = 0; i < values.size(); ++i) {
        const bool both_nan = std::isnan(values[i]) && std::isnan(ranking[i].value);
        CHECK((both_nan || values[i] == ranking[i].value));
        CHECK(SameBits(columns[ranking[i].series][step], ranking[i].value));
      }
    }
  }
}

}  // namespace
}  // namespace barograph::promql
