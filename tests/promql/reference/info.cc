#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "tests/promql/reference/evaluator.h"

namespace barograph::promql::reference {
namespace {

// The selector that is written first in an expression.
const VectorSelector* FirstSelector(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kVectorSelector: return &As<VectorSelector>(expr);
    case ExprKind::kMatrixSelector: return As<MatrixSelector>(expr).vector.get();
    case ExprKind::kParen: return FirstSelector(*As<ParenExpr>(expr).expr);
    case ExprKind::kSubquery: return FirstSelector(*As<SubqueryExpr>(expr).expr);
    case ExprKind::kAggregate: return FirstSelector(*As<AggregateExpr>(expr).expr);
    case ExprKind::kUnary: return FirstSelector(*As<UnaryExpr>(expr).expr);
    case ExprKind::kBinary: {
      const auto& binary = As<BinaryExpr>(expr);
      const VectorSelector* left = FirstSelector(*binary.lhs);
      return left != nullptr ? left : FirstSelector(*binary.rhs);
    }
    case ExprKind::kCall:
      for (const ExprPtr& arg : As<promql::Call>(expr).args) {
        if (const VectorSelector* found = FirstSelector(*arg)) return found;
      }
      return nullptr;
    default: return nullptr;
  }
}

}  // namespace

// info(): adds the labels of info metrics with the same job and instance.
InstantVector Evaluator::Info(const promql::Call& call, int64_t ms) {
  Matchers names, data;
  if (call.args.size() > 1) {
    for (const Matcher& matcher : As<VectorSelector>(UnwrapParens(*call.args[1])).matchers) {
      (matcher.name() == kMetricName ? names : data).push_back(matcher);
    }
  }
  const auto is_positive = [](const Matcher& matcher) {
    return matcher.type() == MatchType::kEqual || matcher.type() == MatchType::kRegex;
  };
  if (names.empty()) {
    names.push_back(Matcher::Equal("__name__", "target_info"));
  } else if (std::ranges::none_of(names, is_positive)) {
    names.push_back(*Matcher::Make(MatchType::kRegex, "__name__", ".+_info"));
  }
  const auto is_info = [&](const Labels& labels) { return MatchesAll(names, labels); };
  const auto identity = [](const Labels& labels) {
    return KeepLabels(labels, {"instance", "job"});
  };
  VectorSelector selector;
  selector.matchers = names;
  selector.matchers.insert(selector.matchers.end(), data.begin(), data.end());
  if (const VectorSelector* base = FirstSelector(*call.args[0])) {
    const TimeModifiers& time = base->time;
    selector.time.at = time.at;
    selector.time.offset = Duration(DurationMs(time.offset, time.offset_expr.get(), true));
  }
  const InstantVector base_vector = VectorOf(*call.args[0], ms);
  if (base_vector.empty()) return {};
  // Of the identifying labels that any series has that is not an info metric itself, an info metric
  // must have a value that one of them has.
  std::map<std::string, std::set<std::string>> wanted;
  for (const Sample& sample : base_vector) {
    if (is_info(sample.labels)) continue;
    for (const char* label : {"instance", "job"}) {
      const std::string value(sample.labels.Get(label));
      if (!value.empty()) wanted[label].insert(value);
    }
  }
  const auto is_wanted = [&](const Labels& labels) {
    return !wanted.empty() && std::ranges::all_of(wanted, [&](const auto& entry) {
      return entry.second.contains(std::string(labels.Get(entry.first)));
    });
  };
  // By identity and name: the newest.
  std::map<Labels, std::map<std::string, Sample>> infos;
  for (const Sample& sample : Select(selector, ms)) {
    if (!is_wanted(sample.labels)) continue;
    if (sample.h != nullptr) {
      throw QueryError("this should be an info metric, with float samples: " +
                       ListLabels(sample.labels));
    }
    auto& of_identity = infos[identity(sample.labels)];
    const auto [entry, is_new] =
        of_identity.try_emplace(std::string(sample.labels.metric_name()), sample);
    if (is_new) continue;
    if (entry->second.ms == sample.ms) {
      throw QueryError(fmt::format(
          "found duplicate series for info metric: existing {} @ {}, new {} @ {}",
          ListLabels(entry->second.labels), sample.ms, ListLabels(sample.labels), sample.ms));
    }
    if (entry->second.ms < sample.ms) entry->second = sample;
  }
  const bool may_lack = std::ranges::all_of(data, &Matcher::MatchesEmpty);
  InstantVector result;
  for (Sample sample : base_vector) {
    if (is_info(sample.labels)) {
      result.push_back(sample);
      continue;
    }
    const auto found = infos.find(identity(sample.labels));
    if (found == infos.end()) {
      if (may_lack) result.push_back(sample);
      continue;
    }
    LabelsBuilder builder(sample.labels);
    std::map<std::string, std::string> added;
    for (const auto& [name, info] : found->second) {
      for (const Label label : info.labels) {
        const bool asked = data.empty() || std::ranges::any_of(data, [&](const Matcher& matcher) {
                             return matcher.name() == label.name;
                           });
        if (label.name == kMetricName || !asked || sample.labels.Has(label.name)) continue;
        const auto [entry, is_new] =
            added.try_emplace(std::string(label.name), std::string(label.value));
        if (!is_new && entry->second != label.value) {
          throw QueryError("conflicting label: " + std::string(label.name));
        }
        builder.Set(label.name, label.value);
      }
    }
    sample.labels = builder.Build();
    result.push_back(sample);
  }
  CheckUnique(result);
  return result;
}

}  // namespace barograph::promql::reference
