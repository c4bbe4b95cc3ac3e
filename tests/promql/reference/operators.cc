#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/model/number.h"
#include "base/model/sample.h"
#include "tests/promql/reference/evaluator.h"

// Binary operators.
namespace barograph::promql::reference {
namespace {

bool IsArithmetic(BinaryOp op) { return op <= BinaryOp::kAtan2; }

double Arithmetic(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::kAdd: return a + b;
    case BinaryOp::kSub: return a - b;
    case BinaryOp::kMul: return a * b;
    case BinaryOp::kDiv: return a / b;
    case BinaryOp::kMod: return std::fmod(a, b);
    case BinaryOp::kPow: return std::pow(a, b);
    case BinaryOp::kAtan2: return std::atan2(a, b);
    default: throw QueryError("not arithmetic");
  }
}

bool Holds(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::kEqual: return a == b;
    case BinaryOp::kNotEqual: return a != b;
    case BinaryOp::kGreater: return a > b;
    case BinaryOp::kLess: return a < b;
    case BinaryOp::kGreaterEqual: return a >= b;
    case BinaryOp::kLessEqual: return a <= b;
    default: throw QueryError("not a comparison");
  }
}

// The labels by which elements of two sides are matched.
Labels Signature(const VectorMatching& matching, const Labels& labels) {
  std::vector<std::string> names = matching.labels;
  if (!matching.on) names.emplace_back(kMetricName);
  std::ranges::sort(names);
  return matching.on ? KeepLabels(labels, names) : DropLabels(labels, names);
}

// As an element that is not there would be called: by what is matched.
Labels FilledLabels(const VectorMatching& matching, const Labels& other) {
  return Signature(matching, other);
}

Labels ResultLabels(const BinaryExpr& binary, const Labels& many, const Labels& one) {
  const VectorMatching& matching = *binary.matching;
  Labels labels = IsArithmetic(binary.op) ? WithoutName(many) : many;
  if (matching.card == VectorCardinality::kOneToOne) {
    std::vector<std::string> names = matching.labels;
    std::ranges::sort(names);
    labels = matching.on ? KeepLabels(labels, names) : DropLabels(labels, names);
  }
  for (const std::string& name : matching.include) labels = SetLabel(labels, name, one.Get(name));
  return labels;
}

}  // namespace

std::string ListLabels(const Labels& labels) {
  std::string text;
  for (const Label label : labels) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", label.name, Quote(label.value));
  }
  return "{" + text + "}";
}

Evaluator::Outcome Evaluator::Operate(const BinaryExpr& binary, Operand left, Operand right) {
  const BinaryOp op = binary.op;
  const bool trims = op == BinaryOp::kTrimUpper || op == BinaryOp::kTrimLower;
  const auto warn = [&](std::string text) { operator_note_ = {true, std::move(text)}; };
  const auto inform = [&](std::string text) { operator_note_ = {false, std::move(text)}; };
  const auto incompatible = [&] {
    const auto kind = [](const Operand& o) { return o.h != nullptr ? "histogram" : "float"; };
    inform(fmt::format("incompatible sample types encountered for binary operator {}: {} {} {}",
                       Quote(ToString(op)), kind(left), ToString(op), kind(right)));
    return Outcome{std::nullopt, false};
  };
  const auto give = [](Histogram h) {
    return Outcome{Operand{0, std::make_shared<Histogram>(Compact(std::move(h)))}};
  };
  if (left.h == nullptr && right.h == nullptr) {
    if (trims) return incompatible();
    if (IsArithmetic(op)) return {Operand{Arithmetic(op, left.f, right.f), nullptr}};
    const bool holds = Holds(op, left.f, right.f);
    if (binary.return_bool) return {Operand{holds ? 1.0 : 0.0, nullptr}};
    return {holds ? std::optional(left) : std::nullopt};
  }
  if (left.h != nullptr && right.h != nullptr) {
    if (op == BinaryOp::kEqual || op == BinaryOp::kNotEqual) {
      const bool holds = Equal(*left.h, *right.h) == (op == BinaryOp::kEqual);
      if (binary.return_bool) return {Operand{holds ? 1.0 : 0.0, nullptr}};
      return {holds ? std::optional(left) : std::nullopt};
    }
    if (op != BinaryOp::kAdd && op != BinaryOp::kSub) return incompatible();
    Histogram merged = *left.h;
    const bool add = op == BinaryOp::kAdd;
    const std::string what = add ? "addition" : "subtraction";
    const MergeOutcome outcome = Merge(merged, *right.h, add ? 1 : -1);
    if (outcome.incompatible) {
      warn(fmt::format("incompatible bucket layout encountered for binary operator {}",
                       ToString(op)));
      return Outcome{std::nullopt, false};
    }
    if (outcome.collision) {
      warn("conflicting counter resets during histogram " + what);
      return Outcome{std::nullopt, false};
    }
    if (outcome.reconciled) inform("mismatched custom buckets were reconciled during " + what);
    if (!add) merged.hint = CounterResetHint::kGauge;
    return give(merged);
  }
  Histogram histogram = left.h != nullptr ? *left.h : *right.h;
  if (left.h != nullptr && trims) {
    return give(Trim(histogram, right.f, op == BinaryOp::kTrimUpper));
  }
  if (op == BinaryOp::kMul) {
    Scale(histogram, left.h != nullptr ? right.f : left.f);
    return give(histogram);
  }
  if (op == BinaryOp::kDiv && left.h != nullptr) {
    Divide(histogram, right.f);
    return give(histogram);
  }
  return incompatible();
}

// An operator gives one error a step, the last of its pairs.
void Evaluator::NoteOfOperator(const BinaryExpr& binary) {
  if (operator_note_) Note(operator_note_->first, operator_note_->second, binary);
  operator_note_.reset();
}

AnyValue Evaluator::Binary(const BinaryExpr& binary, int64_t ms) {
  const HistogramUse outer = use_;
  use_.buckets |= binary.op == BinaryOp::kTrimUpper || binary.op == BinaryOp::kTrimLower;
  AnyValue left = Eval(*binary.lhs, ms);
  AnyValue right = Eval(*binary.rhs, ms);
  use_ = outer;
  auto* a = std::get_if<double>(&left);
  auto* b = std::get_if<double>(&right);
  if (a != nullptr && b != nullptr) {
    if (binary.op == BinaryOp::kTrimUpper || binary.op == BinaryOp::kTrimLower) {
      throw QueryError(
          fmt::format("operator {} not allowed for Scalar operations", Quote(ToString(binary.op))));
    }
    if (IsArithmetic(binary.op)) return Arithmetic(binary.op, *a, *b);
    return Holds(binary.op, *a, *b) ? 1.0 : 0.0;
  }
  if (b != nullptr) return WithScalar(binary, std::get<InstantVector>(left), *b, false);
  if (a != nullptr) return WithScalar(binary, std::get<InstantVector>(right), *a, true);
  auto& lhs = std::get<InstantVector>(left);
  auto& rhs = std::get<InstantVector>(right);
  if (IsSetOperator(binary.op)) return SetOperation(binary, lhs, rhs);
  return Match(binary, lhs, rhs);
}

InstantVector Evaluator::WithScalar(const BinaryExpr& binary, InstantVector vector, double scalar,
                                    bool scalar_left) {
  InstantVector result;
  for (Sample& sample : vector) {
    const Operand of_vector{sample.f, sample.h}, of_scalar{scalar, nullptr};
    const auto value = scalar_left ? Operate(binary, of_scalar, of_vector).value
                                   : Operate(binary, of_vector, of_scalar).value;
    if (!value.has_value()) continue;
    const bool keeps_element = !IsArithmetic(binary.op) && !binary.return_bool && scalar_left;
    if (!keeps_element) sample.f = value->f, sample.h = value->h;
    if (IsArithmetic(binary.op) || binary.return_bool) DropName(sample);
    result.push_back(sample);
  }
  NoteOfOperator(binary);
  CheckUnique(result);
  return result;
}

InstantVector Evaluator::SetOperation(const BinaryExpr& binary, InstantVector left,
                                      InstantVector right) {
  const VectorMatching& matching = *binary.matching;
  std::set<Labels> in_left, in_right;
  for (const Sample& sample : left) in_left.insert(Signature(matching, sample.labels));
  for (const Sample& sample : right) in_right.insert(Signature(matching, sample.labels));
  if (binary.op == BinaryOp::kOr) {
    for (const Sample& sample : right) {
      if (!in_left.contains(Signature(matching, sample.labels))) left.push_back(sample);
    }
    CheckUnique(left);
    return left;
  }
  std::erase_if(left, [&](const Sample& sample) {
    return in_right.contains(Signature(matching, sample.labels)) ==
           (binary.op == BinaryOp::kUnless);
  });
  return left;
}

InstantVector Evaluator::Match(const BinaryExpr& binary, InstantVector left, InstantVector right) {
  const VectorMatching& matching = *binary.matching;
  const bool swapped = matching.card == VectorCardinality::kOneToMany;
  const bool one_to_one = matching.card == VectorCardinality::kOneToOne;
  InstantVector& many = swapped ? right : left;
  InstantVector& one = swapped ? left : right;
  // With group_right, too, fill_left is of the side of many: in Prometheus the sides are swapped
  // and the values are not.
  const auto fill_many = matching.fill_left, fill_one = matching.fill_right;
  if (left.empty() && right.empty()) return {};
  if ((left.empty() || right.empty()) && !fill_many && !fill_one) return {};

  std::map<Labels, const Sample*> ones;
  for (const Sample& sample : one) {
    const Labels signature = Signature(matching, sample.labels);
    if (ones.emplace(signature, &sample).second) continue;
    throw QueryError(fmt::format(
        "found duplicate series for the match group {} on the {} hand-side of the operation: "
        "[{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
        ListLabels(signature), swapped ? "left" : "right", ListLabels(ones.at(signature)->labels),
        ListLabels(sample.labels)));
  }
  InstantVector result;
  std::map<Labels, std::set<Labels>> results_of;  // by signature
  const auto add = [&](const Labels& signature, const Sample& m, const Sample& o) {
    const Operand of_many{m.f, m.h}, of_one{o.f, o.h};
    const auto [value, defined] =
        swapped ? Operate(binary, of_one, of_many) : Operate(binary, of_many, of_one);
    if (!defined) return;  // and the two are not matched
    const Labels labels = ResultLabels(binary, m.labels, o.labels);
    std::set<Labels>& seen = results_of[signature];
    if (one_to_one && !seen.empty()) {
      throw QueryError(
          "multiple matches for labels: many-to-one matching must be explicit "
          "(group_left/group_right)");
    }
    if (!one_to_one && seen.contains(labels)) {
      throw QueryError("multiple matches for labels: grouping labels must ensure unique matches");
    }
    seen.insert(labels);
    if (!value.has_value()) return;
    Sample sample{labels, false, value->f, value->h, 0, 0};
    if (binary.return_bool) DropName(sample);
    result.push_back(sample);
  };
  for (const Sample& sample : many) {
    const Labels signature = Signature(matching, sample.labels);
    const auto found = ones.find(signature);
    if (found != ones.end()) {
      add(signature, sample, *found->second);
    } else if (fill_one) {
      add(signature, sample,
          Sample{FilledLabels(matching, sample.labels), false, *fill_one, {}, 0, 0});
    }
  }
  if (fill_many) {
    for (const Sample& sample : one) {
      const Labels signature = Signature(matching, sample.labels);
      if (results_of.contains(signature)) continue;
      add(signature, Sample{FilledLabels(matching, sample.labels), false, *fill_many, {}, 0, 0},
          sample);
    }
  }
  NoteOfOperator(binary);
  CheckUnique(result);
  return result;
}

}  // namespace barograph::promql::reference
