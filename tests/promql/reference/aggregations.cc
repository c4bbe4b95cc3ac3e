#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/model/number.h"
#include "base/model/sample.h"
#include "tests/promql/reference/evaluator.h"

// sum by (...) and its kin.
namespace barograph::promql::reference {
namespace {

using Group = std::vector<const Sample*>;

std::vector<double> FloatsOf(const Group& group) {
  std::vector<double> floats;
  for (const Sample* sample : group) {
    if (sample->h == nullptr) floats.push_back(sample->f);
  }
  return floats;
}

double VarianceOf(const std::vector<double>& values) {
  long double sum = 0;
  for (const double value : values) sum += value;
  const long double mean = sum / static_cast<long double>(values.size());
  long double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return static_cast<double>(squares / static_cast<long double>(values.size()));
}

// Where a series lies in [0, 1) for limit_ratio: by its hash as Prometheus takes it, of names and
// values with their lengths before them.
double PlaceOf(const Labels& labels) {
  std::string text;
  const auto append = [&](std::string_view part) {
    if (part.size() < 255) {
      text.push_back(static_cast<char>(part.size()));
    } else {
      text.push_back('\xff');
      for (int byte = 0; byte < 3; ++byte) {
        text.push_back(static_cast<char>(part.size() >> (8 * byte)));
      }
    }
    text.append(part);
  };
  for (const Label label : labels) {
    append(label.name);
    append(label.value);
  }
  return static_cast<double>(XXH64(text.data(), text.size(), 0)) / 18446744073709551616.0;
}

bool IsIn(double ratio, double place) { return ratio >= 0 ? place < ratio : place >= 1 + ratio; }

}  // namespace

InstantVector Evaluator::Aggregate(const AggregateExpr& aggregate, int64_t ms) {
  using Op = AggregateOp;
  const Op op = aggregate.op;
  std::string value_label;
  double parameter = 0;
  if (op == Op::kCountValues) {
    value_label = StringOf(*aggregate.param, ms);
    if (!IsUtf8Name(value_label)) {
      throw QueryError(fmt::format("invalid label name {}", Quote(value_label)));
    }
  } else if (aggregate.param != nullptr) {
    parameter = ScalarOf(*aggregate.param, ms);
  }
  const InstantVector input = VectorOf(*aggregate.expr, ms);
  if (op == Op::kQuantile && !(parameter >= 0 && parameter <= 1)) {
    Warn(fmt::format("quantile value should be between 0 and 1, got {}", FormatShortest(parameter)),
         *aggregate.param);
  }
  if (op == Op::kLimitRatio) {
    if (std::isnan(parameter)) throw QueryError("Ratio value is NaN");
    const double capped = std::clamp(parameter, -1.0, 1.0);
    if (capped != parameter) {
      Warn(fmt::format("ratio value should be between -1 and 1, got {}, capping to {}",
                       FormatShortest(parameter), FormatShortest(capped)),
           *aggregate.param);
    }
    parameter = capped;
  }
  const bool takes_k = op == Op::kTopK || op == Op::kBottomK || op == Op::kLimitK;
  if (takes_k && std::isnan(parameter)) throw QueryError("Parameter value is NaN");
  if (takes_k && !(parameter > -9.3e18 && parameter < 9.3e18)) {
    throw QueryError(fmt::format("Scalar value {} overflows int64", FormatShortest(parameter)));
  }

  std::vector<std::string> names = aggregate.grouping;
  if (aggregate.without) names.emplace_back(kMetricName);
  std::ranges::sort(names);
  const auto labels_of = [&](const Labels& labels) {
    return aggregate.without ? DropLabels(labels, names) : KeepLabels(labels, names);
  };
  std::vector<std::pair<Labels, Group>> groups;  // in the order in which they come
  for (const Sample& sample : input) {
    const Labels labels = labels_of(sample.labels);
    const auto found = std::ranges::find(groups, labels, &std::pair<Labels, Group>::first);
    Group& group =
        found != groups.end() ? found->second : groups.emplace_back(labels, Group()).second;
    group.push_back(&sample);
  }

  InstantVector result;
  const std::string op_name(ToString(op));
  const auto ignore_histograms = [&](Group& group) {
    const auto is_histogram = [](const Sample* sample) { return sample->h != nullptr; };
    if (std::erase_if(group, is_histogram) > 0) {
      const bool ranks = op == Op::kTopK || op == Op::kBottomK;
      const Expr& where = ranks ? static_cast<const Expr&>(aggregate) : *aggregate.expr;
      Inform(fmt::format("ignored histogram in {} aggregation", op_name), where);
    }
  };
  for (auto& [labels, group] : groups) {
    const bool drop_name = std::ranges::any_of(group, &Sample::drop_name);
    const auto give = [&](double value) {
      result.push_back({labels, drop_name, value, nullptr, 0, 0});
    };
    switch (op) {
      case Op::kSum:
      case Op::kAvg: {
        const std::vector<double> floats = FloatsOf(group);
        if (floats.size() == group.size()) {
          CompensatedSum sum;
          for (const double value : floats) sum.Add(value);
          give(op == Op::kAvg ? Mean(floats) : sum.total());
          break;
        }
        // Histograms after a float are not added up, and nothing after one that cannot be added is
        // looked at.
        std::optional<Histogram> total;
        bool with_float = false, fits = true;
        for (const Sample* sample : group) {
          if (sample->h == nullptr) {
            with_float = true;
          } else if (total) {
            MergeOutcome outcome = Merge(*total, *sample->h, 1);
            if (!floats.empty()) outcome = WithoutCollision(outcome);
            fits = NoteMerge(outcome, "aggregation", *aggregate.expr);
            if (!fits) {
              Warn(fmt::format("vector contains a mix of histograms with exponential and custom "
                               "buckets schemas for metric name {}",
                               Quote(sample->labels.metric_name())),
                   *aggregate.expr);
              break;
            }
          } else if (sample == group.front()) {
            total = *sample->h;
          }
        }
        if (with_float) {
          Warn("encountered a mix of histograms and floats for aggregation", *aggregate.expr);
        }
        if (!fits || with_float) break;
        if (op == Op::kAvg) Divide(*total, static_cast<double>(group.size()));
        result.push_back(
            {labels, drop_name, 0, std::make_shared<Histogram>(Compact(*total)), 0, 0});
        break;
      }
      case Op::kCount: give(static_cast<double>(group.size())); break;
      case Op::kGroup: give(1); break;
      case Op::kMin:
      case Op::kMax: {
        ignore_histograms(group);
        std::optional<double> best;
        for (const double value : FloatsOf(group)) {
          const bool better =
              !best || std::isnan(*best) || (op == Op::kMin ? value < *best : value > *best);
          if (better) best = value;
        }
        if (best) give(*best);
        break;
      }
      case Op::kStddev:
      case Op::kStdvar: {
        ignore_histograms(group);
        if (group.empty()) break;
        const double variance = VarianceOf(FloatsOf(group));
        give(op == Op::kStddev ? std::sqrt(variance) : variance);
        break;
      }
      case Op::kQuantile:
        ignore_histograms(group);
        if (!group.empty()) give(QuantileOf(parameter, FloatsOf(group)));
        break;
      case Op::kTopK:
      case Op::kBottomK: {
        if (parameter < 1) break;
        ignore_histograms(group);
        // Of equal ones the first: their places tell.
        std::ranges::sort(group, [&](const Sample* a, const Sample* b) {
          if (std::isnan(a->f) != std::isnan(b->f)) return std::isnan(b->f);
          if (a->f == b->f || std::isnan(a->f)) return a < b;
          return op == Op::kTopK ? a->f > b->f : a->f < b->f;
        });
        const auto count = static_cast<size_t>(std::min(parameter, 1e9));
        for (size_t i = 0; i < std::min(count, group.size()); ++i) result.push_back(*group[i]);
        break;
      }
      case Op::kLimitK:
        if (parameter < 1) break;
        for (size_t i = 0;
             i < std::min(static_cast<size_t>(std::min(parameter, 1e9)), group.size()); ++i) {
          result.push_back(*group[i]);
        }
        break;
      case Op::kLimitRatio:
        for (const Sample* sample : group) {
          if (IsIn(parameter, PlaceOf(sample->labels))) result.push_back(*sample);
        }
        break;
      case Op::kCountValues: {
        std::map<std::string, double> counts;
        for (const Sample* sample : group) {
          ++counts[sample->h != nullptr ? sample->h->ToFloatHistogram().ToString()
                                        : FormatValue(sample->f)];
        }
        for (const auto& [value, count] : counts) {
          result.push_back({SetLabel(labels, value_label, value), false, count, nullptr, 0, 0});
        }
        break;
      }
    }
  }
  if (op != Op::kCountValues) return result;
  // Where the label is not among those that group, groups that differ in it alone are one.
  std::map<Labels, double> counts;
  for (const Sample& sample : result) counts[sample.labels] += sample.f;
  result.clear();
  for (const auto& [labels, count] : counts)
    result.push_back({labels, false, count, nullptr, 0, 0});
  return result;
}

}  // namespace barograph::promql::reference
