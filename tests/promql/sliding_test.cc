#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <set>

#include "promql/exec/column.h"
#include "promql/func/quantile.h"
#include "promql/func/range_function.h"
#include "promql/func/resets.h"

/// Kernels that slide over overlapping windows against the same kernels on one window at a time.
namespace barograph::promql {
namespace {

struct Series {
  std::vector<Timestamp> timestamps;
  std::vector<double> values;
};

enum class Shape { kPlain, kCounter, kWild };

Series RandomSeries(Shape shape, std::mt19937& random) {
  Series series;
  double counter = 0;
  for (int i = 0; i < 400; ++i) {
    if (random() % 20 == 0) continue;  // a gap
    series.timestamps.push_back(FromMs(i * 1000 + static_cast<int>(random() % 300)));
    double value = static_cast<double>(random() % 1000);
    if (shape == Shape::kCounter) value = counter = random() % 10 == 0 ? 0 : counter + value;
    if (shape == Shape::kWild && random() % 30 == 0) value = kInf;
    if (shape == Shape::kWild && random() % 30 == 0) value = kNormalNan;
    if (shape == Shape::kWild && random() % 30 == 0) value = 1e300;
    series.values.push_back(value);
  }
  return series;
}

std::vector<double> Compute(RangeKernel kernel, const Series& series, StepGrid grid,
                            int64_t range_ms) {
  Windows windows;
  FindWindows(series.timestamps, {grid, {}, range_ms, 0}, windows);
  const std::vector<double> first(grid.count, 0.3);
  const std::vector<double> second(grid.count, 0.7);
  Annotator annotator;
  RangeScratch scratch;
  RangeInput input;
  input.timestamps = series.timestamps;
  input.values = series.values;
  input.windows = windows.steps;
  input.total = windows.total;
  input.grid = grid;
  input.range_ms = range_ms;
  input.scalars = {first, second};
  input.annotations = &annotator;
  input.scratch = &scratch;
  std::vector<double> out(grid.count);
  REQUIRE(kernel(input, out).has_value());
  return out;
}

bool Same(double a, double b) {
  if (IsAbsent(a) || IsAbsent(b)) return IsAbsent(a) && IsAbsent(b);
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return true;
  return std::fabs(a - b) <= 1e-9 * std::max(1.0, std::fabs(a) + std::fabs(b));
}

void CheckSliding(std::string_view name, Shape shape) {
  const RangeFunction* function = FindRangeFunction(name);
  REQUIRE(function != nullptr);
  std::mt19937 random(7);
  for (const int64_t range_ms : {500, 1500, 30'000, 120'000, 1'000'000}) {
    const Series series = RandomSeries(shape, random);
    const StepGrid grid{-5000, 777, 550};
    const auto together = Compute(function->kernels.floats, series, grid, range_ms);
    for (size_t step = 0; step < grid.count; step += 7) {
      const auto alone = Compute(function->kernels.floats, series, {grid.at(step), 1, 1}, range_ms);
      INFO(name << " range " << range_ms << " step " << step);
      INFO(together[step] << " and alone " << alone[0]);
      CHECK(Same(together[step], alone[0]));
    }
  }
}

TEST_CASE("a range function gives the same over sliding windows as over each alone") {
  for (const std::string_view name : {"sum_over_time",
                                      "avg_over_time",
                                      "min_over_time",
                                      "max_over_time",
                                      "count_over_time",
                                      "stdvar_over_time",
                                      "stddev_over_time",
                                      "quantile_over_time",
                                      "mad_over_time",
                                      "ts_of_min_over_time",
                                      "ts_of_max_over_time",
                                      "first_over_time",
                                      "last_over_time",
                                      "rate",
                                      "increase",
                                      "delta",
                                      "irate",
                                      "idelta",
                                      "changes",
                                      "resets",
                                      "deriv",
                                      "predict_linear",
                                      "double_exponential_smoothing"}) {
    CheckSliding(name, Shape::kPlain);
    CheckSliding(name, Shape::kCounter);
  }
}

TEST_CASE("infinities, NaNs and huge values are forgotten when they leave the window") {
  for (const std::string_view name :
       {"min_over_time", "max_over_time", "sum_over_time", "avg_over_time", "quantile_over_time",
        "changes", "resets", "increase"}) {
    CheckSliding(name, Shape::kWild);
  }
}

TEST_CASE("windows are left-open, and pinned ones are all the same") {
  const std::vector<Timestamp> timestamps = {FromMs(0), FromMs(10), FromMs(20), FromMs(30)};
  Windows windows;
  FindWindows(timestamps, {{10, 10, 3}, {}, 10, 0}, windows);
  CHECK(windows.total == 3);
  CHECK(windows.steps[0].begin == 1);
  CHECK(windows.steps[0].end == 2);
  FindWindows(timestamps, {{10, 10, 3}, {.at_ms = 30, .offset_ms = 10}, 15, 0}, windows);
  CHECK(windows.total == 6);
  CHECK(windows.steps[2].begin == 1);
  CHECK(windows.steps[2].end == 3);
  FindWindows({}, {{10, 10, 3}, {}, 10, 0}, windows);
  CHECK(windows.total == 0);
}

TEST_CASE("windows over even and uneven timestamps are those that a search finds") {
  std::mt19937_64 random(11);
  for (int round = 0; round < 300; ++round) {
    const int64_t interval = 1 + static_cast<int64_t>(random() % 20);
    // Mostly even, in some rounds with gaps or jitter, in others with none.
    const uint64_t rarity = round % 3 == 0 ? ~uint64_t{0} : 1 + random() % 300;
    std::vector<Timestamp> timestamps;
    int64_t time = static_cast<int64_t>(random() % 500);
    for (size_t i = random() % 900; i > 0; --i) {
      timestamps.push_back(FromMs(time));
      time += interval + (random() % rarity == 0 ? 1 + static_cast<int64_t>(random() % 100) : 0);
    }
    WindowSpec spec;
    spec.grid = {static_cast<int64_t>(random() % 600),
                 interval * static_cast<int64_t>(random() % 5) + 1, 2 + random() % 900, true};
    if (round % 4 != 0) --spec.grid.step_ms;
    if (spec.grid.step_ms == 0) spec.grid.step_ms = interval;
    spec.before_ms = static_cast<int64_t>(random() % 200);
    spec.after_ms = round % 5 == 0 ? static_cast<int64_t>(random() % 100) : 0;
    Windows windows;
    FindWindows(timestamps, spec, windows);
    uint64_t total = 0;
    std::set<uint32_t> covered;
    const auto up_to = [&](int64_t ms) {
      return static_cast<uint32_t>(std::ranges::upper_bound(timestamps, FromMs(ms)) -
                                   timestamps.begin());
    };
    for (size_t step = 0; step < spec.grid.count; ++step) {
      const uint32_t begin = up_to(spec.grid.at(step) - spec.before_ms);
      const uint32_t end = up_to(spec.grid.at(step) + spec.after_ms);
      REQUIRE(windows.steps[step].begin == begin);
      REQUIRE(windows.steps[step].end == end);
      total += end - begin;
      for (uint32_t i = begin; i < end; ++i) covered.insert(i);
    }
    REQUIRE(windows.total == total);
    REQUIRE(windows.covered == covered.size());
  }
}

TEST_CASE("quantiles of values in any order are those of sorted ones") {
  std::mt19937_64 random(12);
  for (int round = 0; round < 3000; ++round) {
    std::vector<double> values(1 + random() % 40);
    for (double& value : values) {
      value = random() % 15 == 0 ? kNormalNan : static_cast<double>(random() % 30) - 10;
      if (random() % 25 == 0) value = random() % 2 == 0 ? kInf : -kInf;
    }
    std::vector<double> sorted = values;
    std::ranges::sort(sorted, OrderedBefore);
    const double q = static_cast<double>(random() % 21) / 20;
    const double expected = QuantileOfSorted(q, sorted);
    const double found = Quantile(q, values);
    REQUIRE((found == expected || (std::isnan(found) && std::isnan(expected))));
  }
}

TEST_CASE("quantiles interpolate between ranks") {
  std::vector<double> values = {4, 1, 3, 2};
  CHECK(Quantile(0, values) == 1);
  CHECK(Quantile(1, values) == 4);
  CHECK(Quantile(0.5, values) == 2.5);
  CHECK(Quantile(-1, values) == -kInf);
  CHECK(Quantile(2, values) == kInf);
  CHECK(std::isnan(Quantile(kNormalNan, values)));
  CHECK(std::isnan(Quantile(0.5, {})));
}

TEST_CASE("resets are found across block borders") {
  std::vector<double> values(300, 5);
  values[64] = 4;
  values[65] = 3;
  values[299] = 0;
  std::vector<uint32_t> indexes;
  FindResets(values, 0, 300, indexes);
  CHECK(indexes == std::vector<uint32_t>{64, 65, 299});
  FindResets(values, 65, 299, indexes);
  CHECK(indexes == std::vector<uint32_t>{65});
}

}  // namespace
}  // namespace barograph::promql
