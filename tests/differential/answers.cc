#include "tests/differential/answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/model/number.h"

namespace barograph::differential {
namespace {

using promql::QueryResult;
using promql::ResultSeries;
using Problem = std::optional<std::string>;

class Comparison {
 public:
  explicit Comparison(const Leniency& leniency) : leniency_(leniency) {}

  Problem Values(const promql::Value& ours, const promql::Value& theirs) const {
    if (ours.index() != theirs.index()) return "another kind of value";
    if (const auto* scalar = std::get_if<promql::Scalar>(&ours)) {
      return Numbers(scalar->value, std::get<promql::Scalar>(theirs).value);
    }
    if (const auto* vector = std::get_if<promql::Vector>(&ours)) {
      return AllSeries(vector->series, std::get<promql::Vector>(theirs).series);
    }
    if (const auto* matrix = std::get_if<promql::Matrix>(&ours)) {
      return AllSeries(matrix->series, std::get<promql::Matrix>(theirs).series);
    }
    const bool same =
        std::get<promql::StringValue>(ours).value == std::get<promql::StringValue>(theirs).value;
    return same ? Problem() : "another string";
  }

  Problem Notes(const promql::Annotations& ours, const promql::Annotations& theirs) const {
    for (const auto kind : {&promql::Annotations::warnings, &promql::Annotations::infos}) {
      const auto left = Texts(ours.*kind), right = Texts(theirs.*kind);
      for (const std::string& text : left) {
        if (!right.contains(text) && !leniency_.tell_more) return "only ours says: " + text;
      }
      for (const std::string& text : right) {
        if (!left.contains(text) && !leniency_.tell_less) return "only the reference says: " + text;
      }
    }
    return std::nullopt;
  }

 private:
  bool Close(double a, double b) const {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
    if (std::isinf(a) || std::isinf(b)) return a == b;
    const double larger = std::max(std::abs(a), std::abs(b));
    return std::abs(a - b) <= leniency_.absolute + leniency_.relative * larger;
  }

  Problem Numbers(double a, double b) const {
    if (Close(a, b)) return std::nullopt;
    return fmt::format("{:.17g} against {:.17g}", a, b);
  }

  Problem Histograms(const FloatHistogram& a, const FloatHistogram& b) const {
    const auto side = [](const std::vector<BucketSpan>& spans, const std::vector<double>& counts) {
      std::map<int64_t, double> buckets;
      ForEachBucket(spans, counts, [&](int64_t index, double count) { buckets[index] = count; });
      return buckets;
    };
    // A bucket that is not there is empty; what is nearly nothing of all is noise.
    const double noise =
        1e-12 * std::max({std::abs(a.count), std::abs(b.count), leniency_.absolute});
    const auto same_side = [&](std::map<int64_t, double> x, std::map<int64_t, double> y) {
      for (const auto& [index, count] : x) y.try_emplace(index, 0);
      for (const auto& [index, count] : y) {
        const double other = x[index];
        if (!Close(count, other) && !(std::abs(count - other) <= noise)) return false;
      }
      return true;
    };
    const bool same =
        a.schema == b.schema && a.zero_threshold == b.zero_threshold &&
        a.custom_values == b.custom_values && Close(a.count, b.count) && Close(a.sum, b.sum) &&
        (Close(a.zero_count, b.zero_count) || std::abs(a.zero_count - b.zero_count) <= noise) &&
        same_side(side(a.positive_spans, a.positive_buckets),
                  side(b.positive_spans, b.positive_buckets)) &&
        same_side(side(a.negative_spans, a.negative_buckets),
                  side(b.negative_spans, b.negative_buckets)) &&
        (leniency_.skip_hints || a.counter_reset_hint == b.counter_reset_hint);
    if (same) return std::nullopt;
    const auto show = [](const FloatHistogram& h) {
      return fmt::format("{} (hint {})", h.TestExpression(),
                         static_cast<int>(h.counter_reset_hint));
    };
    return show(a) + "\n    against " + show(b);
  }

  Problem Points(const ResultSeries& a, const ResultSeries& b) const {
    for (size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
      if (i >= a.size() || i >= b.size() || a.timestamps[i] != b.timestamps[i]) {
        const bool ours = i < a.size() && (i >= b.size() || a.timestamps[i] < b.timestamps[i]);
        return fmt::format("at {} a point only {}", ToMs((ours ? a : b).timestamps[i]),
                           ours ? "of ours" : "of the reference");
      }
      const auto histogram_of = [i](const ResultSeries& series) {
        return series.histograms.empty() || !series.histograms[i] ? nullptr
                                                                  : &*series.histograms[i];
      };
      const FloatHistogram *x = histogram_of(a), *y = histogram_of(b);
      Problem problem;
      if ((x == nullptr) != (y == nullptr)) {
        problem = "a histogram against a float";
      } else {
        problem = x != nullptr ? Histograms(*x, *y) : Numbers(a.values[i], b.values[i]);
      }
      if (problem) return fmt::format("at {}: {}", ToMs(a.timestamps[i]), *problem);
    }
    return std::nullopt;
  }

  Problem AllSeries(const std::vector<ResultSeries>& ours,
                    const std::vector<ResultSeries>& theirs) const {
    std::map<Labels, const ResultSeries*> left, right;
    for (const ResultSeries& series : ours) left[series.labels] = &series;
    for (const ResultSeries& series : theirs) right[series.labels] = &series;
    for (const auto& [labels, series] : left) {
      if (!right.contains(labels)) return labels.ToString() + " only in ours";
    }
    for (const auto& [labels, series] : right) {
      if (!left.contains(labels)) return labels.ToString() + " only in the reference";
      if (Problem problem = Points(*left.at(labels), *series)) {
        return labels.ToString() + " " + *problem;
      }
    }
    return std::nullopt;
  }

  // Without positions, and without the details of repairs, which the reference does not tell.
  std::set<std::string> Texts(const std::vector<std::string>& annotations) const {
    std::set<std::string> texts;
    for (const std::string& annotation : annotations) {
      std::string text = annotation.substr(0, annotation.rfind(" ("));
      const size_t repair = text.find("needed to be fixed for monotonicity");
      if (repair != std::string::npos) text.resize(repair);
      // A series that an operator needs twice is counted twice.
      const size_t count = text.rfind(" occurrences)");
      if (count != std::string::npos) text.resize(text.rfind(" ("));
      texts.insert(text);
    }
    return texts;
  }

  const Leniency leniency_;
};

}  // namespace

std::optional<std::string> Difference(const Result<QueryResult>& ours,
                                      const Result<QueryResult>& theirs, const Leniency& leniency) {
  if (!ours.has_value() && theirs.has_value() && leniency.tell_more) return std::nullopt;
  if (ours.has_value() != theirs.has_value()) {
    return ours.has_value() ? "only the reference fails: " + theirs.error().message
                            : "only ours fails: " + ours.error().message;
  }
  if (!ours.has_value()) return std::nullopt;
  const auto collides = [](const QueryResult& result) {
    return std::ranges::any_of(result.annotations.warnings, [](const std::string& warning) {
      return warning.contains("conflicting counter resets");
    });
  };
  if (leniency.skip_hints && (collides(*ours) || collides(*theirs))) return std::nullopt;
  const Comparison comparison(leniency);
  if (Problem problem = comparison.Values(ours->value, theirs->value)) return problem;
  return comparison.Notes(ours->annotations, theirs->annotations);
}

}  // namespace barograph::differential
