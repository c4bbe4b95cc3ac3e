#include "promql/script/compare.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/model/number.h"
#include "base/model/sample.h"

namespace barograph::promql::script {
namespace {

using Problem = std::optional<std::string>;

std::string Describe(const FloatHistogram* histogram, double value) {
  return histogram != nullptr ? histogram->TestExpression() : FormatShortest(value);
}

const FloatHistogram* HistogramAt(const ResultSeries& series, size_t i) {
  if (series.histograms.empty() || !series.histograms[i].has_value()) return nullptr;
  return &*series.histograms[i];
}

std::string Describe(const ResultSeries& series) {
  std::string text;
  for (size_t i = 0; i < series.size(); ++i) {
    text +=
        fmt::format("{}{} @[{}]", i > 0 ? " " : "",
                    Describe(HistogramAt(series, i), series.values[i]), ToMs(series.timestamps[i]));
  }
  return text;
}

bool AllEqual(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), AlmostEqual);
}

bool SameHistogram(FloatHistogram a, FloatHistogram b) {
  a.Compact(0);
  b.Compact(0);
  return a.schema == b.schema && AlmostEqual(a.count, b.count) && AlmostEqual(a.sum, b.sum) &&
         a.zero_threshold == b.zero_threshold && AlmostEqual(a.zero_count, b.zero_count) &&
         a.positive_spans == b.positive_spans && a.negative_spans == b.negative_spans &&
         AllEqual(a.positive_buckets, b.positive_buckets) &&
         AllEqual(a.negative_buckets, b.negative_buckets) && a.custom_values == b.custom_values;
}

bool SamePoint(const SequenceValue& expected, const FloatHistogram* histogram, double value) {
  if (expected.histogram.has_value() != (histogram != nullptr)) return false;
  if (histogram == nullptr) return AlmostEqual(expected.value, value);
  const bool same_hint = expected.histogram->counter_reset_hint == histogram->counter_reset_hint;
  return SameHistogram(*expected.histogram, *histogram) &&
         (same_hint || !expected.counter_reset_hint_set);
}

std::string Describe(const SequenceValue& expected) {
  return Describe(expected.histogram.has_value() ? &*expected.histogram : nullptr, expected.value);
}

const ExpectedSeries* Find(const Expectation& expected, const Labels& labels) {
  // Of two lines with the same labels the last one counts.
  const auto found = std::find_if(expected.series.rbegin(), expected.series.rend(),
                                  [&](const ExpectedSeries& s) { return s.labels == labels; });
  return found == expected.series.rend() ? nullptr : &*found;
}

Problem CompareSeries(const ExpectedSeries& expected, const QueryTimes& times,
                      const ResultSeries& actual) {
  size_t next = 0;
  for (size_t i = 0; i < expected.values.size(); ++i) {
    if (expected.values[i].omitted) continue;
    const Timestamp at = times.start + static_cast<int64_t>(i) * times.step;
    const bool there = next < actual.size() && actual.timestamps[next] == at;
    if (!there || !SamePoint(expected.values[i], HistogramAt(actual, next), actual.values[next])) {
      return fmt::format("expected {} at {} ms for {}, but got {}", Describe(expected.values[i]),
                         ToMs(at), expected.labels.ToString(), Describe(actual));
    }
    ++next;
  }
  if (next == actual.size()) return std::nullopt;
  return fmt::format("{} has {} points more than expected: {}", expected.labels.ToString(),
                     actual.size() - next, Describe(actual));
}

Problem FindMissing(const Expectation& expected, const std::vector<ResultSeries>& actual) {
  for (const ExpectedSeries& series : expected.series) {
    const bool there = std::ranges::any_of(
        actual, [&](const ResultSeries& s) { return s.labels == series.labels; });
    const bool nothing = std::ranges::all_of(series.values, &SequenceValue::omitted);
    if (!there && !nothing) {
      return fmt::format("expected metric {} not found", series.labels.ToString());
    }
  }
  return std::nullopt;
}

Problem CompareMatrix(const Expectation& expected, const QueryTimes& times, const Matrix& matrix) {
  if (expected.ordered) return "expected ordered result, but query returned a matrix";
  if (expected.scalar.has_value()) return "expected scalar result, but got a matrix";
  for (size_t i = 0; i < matrix.series.size(); ++i) {
    const ResultSeries& series = matrix.series[i];
    if (i > 0 && series.labels < matrix.series[i - 1].labels) {
      return "matrix is not sorted by labels";
    }
    const ExpectedSeries* wanted = Find(expected, series.labels);
    if (wanted == nullptr) {
      return fmt::format("unexpected metric {} in result, has {}", series.labels.ToString(),
                         Describe(series));
    }
    if (Problem problem = CompareSeries(*wanted, times, series)) return problem;
  }
  return FindMissing(expected, matrix.series);
}

Problem CompareVector(const Expectation& expected, const Vector& vector) {
  if (expected.scalar.has_value()) return "expected scalar result, but got a vector";
  for (size_t i = 0; i < vector.series.size(); ++i) {
    const ResultSeries& series = vector.series[i];
    const ExpectedSeries* wanted = Find(expected, series.labels);
    if (wanted == nullptr) {
      return fmt::format("unexpected metric {} in result, has {}", series.labels.ToString(),
                         Describe(series));
    }
    if (expected.ordered && wanted != &expected.series[std::min(i, expected.series.size() - 1)]) {
      return fmt::format("metric {} is at position {}", series.labels.ToString(), i + 1);
    }
    if (wanted->values.empty() ||
        !SamePoint(wanted->values[0], HistogramAt(series, 0), series.values[0])) {
      return fmt::format("expected {} for {} but got {}",
                         wanted->values.empty() ? "nothing" : Describe(wanted->values[0]),
                         series.labels.ToString(), Describe(series));
    }
  }
  return FindMissing(expected, vector.series);
}

Problem CompareTexts(std::string_view kind, const std::vector<TextExpectation>& expected,
                     const std::vector<std::string>& actual) {
  if (expected.empty()) return std::nullopt;
  for (const TextExpectation& wanted : expected) {
    const bool found =
        std::ranges::any_of(actual, [&](const std::string& text) { return wanted.Matches(text); });
    if (!found) {
      return fmt::format("expected {} annotation {}, but found: {}", kind, Quote(wanted.text),
                         fmt::join(actual, "; "));
    }
  }
  for (const std::string& text : actual) {
    const bool wanted =
        std::ranges::any_of(expected, [&](const TextExpectation& e) { return e.Matches(text); });
    if (!wanted) return fmt::format("unexpected {} annotation {}", kind, Quote(text));
  }
  return std::nullopt;
}

}  // namespace

bool AlmostEqual(double a, double b) {
  constexpr double kEpsilon = 1e-6;
  constexpr double kMinNormal = std::numeric_limits<double>::min();
  constexpr double kMax = std::numeric_limits<double>::max();
  if (IsStale(a) || IsStale(b)) return IsStale(a) && IsStale(b);
  if (std::isnan(a) && std::isnan(b)) return true;
  if (a == b) return true;
  const double sum = std::fabs(a) + std::fabs(b);
  const double diff = std::fabs(a - b);
  if (a == 0 || b == 0 || sum < kMinNormal) return diff < kEpsilon * kMinNormal;
  return diff / std::min(sum, kMax) < kEpsilon;
}

Problem CompareValue(const Expectation& expected, const QueryTimes& sample_times,
                     const Value& actual) {
  if (const auto* matrix = std::get_if<Matrix>(&actual)) {
    return CompareMatrix(expected, sample_times, *matrix);
  }
  if (const auto* vector = std::get_if<Vector>(&actual)) return CompareVector(expected, *vector);
  if (const auto* text = std::get_if<StringValue>(&actual)) {
    if (expected.string.value_or("") == text->value) return std::nullopt;
    return fmt::format("expected string {} but got {}", Quote(expected.string.value_or("")),
                       Quote(text->value));
  }
  const double value = std::get<Scalar>(actual).value;
  if (!expected.scalar.has_value()) {
    return fmt::format("expected vector or matrix result, but got {}", FormatShortest(value));
  }
  if (AlmostEqual(*expected.scalar, value)) return std::nullopt;
  return fmt::format("expected scalar {} but got {}", FormatShortest(*expected.scalar),
                     FormatShortest(value));
}

Problem CompareAnnotations(const Expectation& expected, const Annotations& actual) {
  if (expected.any_warning && actual.warnings.empty()) return "expected warnings but got none";
  if (expected.any_info && actual.infos.empty()) return "expected infos but got none";
  if (Problem p = CompareTexts("warn", expected.warnings, actual.warnings)) return p;
  if (Problem p = CompareTexts("info", expected.infos, actual.infos)) return p;
  if (expected.no_warnings && !actual.warnings.empty()) {
    return fmt::format("unexpected warnings: {}", fmt::join(actual.warnings, "; "));
  }
  if (expected.no_infos && !actual.infos.empty()) {
    return fmt::format("unexpected infos: {}", fmt::join(actual.infos, "; "));
  }
  return std::nullopt;
}

}  // namespace barograph::promql::script
