#include "promql/exec/vector_binary.h"

#include <fmt/format.h>

#include <algorithm>

#include "promql/func/histogram_binary.h"

namespace barograph::promql {
namespace {

void FillWhereAbsent(const StepSet& present, double value, size_t steps, Column& out) {
  out.Reset(steps);
  for (size_t step = 0; step < steps; ++step) {
    if (!present.contains(step)) out.values[step] = value;
  }
}

}  // namespace

VectorBinary::VectorBinary(QueryContext& context, const BinaryExpr& expr, OperatorPtr lhs,
                           OperatorPtr rhs)
    : Operator(context, lhs->grid()),
      expr_(expr),
      matching_(*expr.matching),
      lhs_(std::move(lhs)),
      rhs_(std::move(rhs)),
      swapped_(matching_.card == VectorCardinality::kOneToMany),
      locals_(context.lanes()),
      held_(context) {
  many_.input = swapped_ ? rhs_.get() : lhs_.get();
  one_.input = swapped_ ? lhs_.get() : rhs_.get();
}

const std::vector<uint32_t>& VectorBinary::many_of(const MatchGroup& group) const {
  return swapped_ ? group.right : group.left;
}

const std::vector<uint32_t>& VectorBinary::one_of(const MatchGroup& group) const {
  return swapped_ ? group.left : group.right;
}

Status VectorBinary::Start() {
  TRY(lhs_->Open());
  TRY(rhs_->Open());
  matched_ = TRY(MatchSeries(context(), matching_, lhs_->series(), rhs_->series()));
  many_.uses.assign(many_.input->series().size(), 0);
  one_.uses.assign(one_.input->series().size(), 0);
  MakePairs();
  TRY(CheckMatch());
  TRY(EvaluateUnmatched(many_));
  return EvaluateUnmatched(one_);
}

Status VectorBinary::EvaluateUnmatched(const Side& side) {
  if (!side.input->reports()) return {};
  Lane& lane = context().main();
  for (uint32_t i = 0; i < side.uses.size(); ++i) {
    if (side.uses[i] == 0) TRY(EvaluateForReports(lane, *side.input, i, locals_[lane].scratch));
  }
  return {};
}

// In the order of the many side, so that an instant query shows its order.
void VectorBinary::MakePairs() {
  const std::vector<uint32_t>& groups = swapped_ ? matched_.group_of_right : matched_.group_of_left;
  for (uint32_t many = 0; many < groups.size(); ++many) {
    for (const uint32_t one : one_of(matched_.groups[groups[many]])) {
      AddPair({many, one, groups[many]});
    }
    if (fill_one().has_value()) AddPair({many, kFilled, groups[many]});
  }
  if (!fill_many().has_value()) return;
  const std::vector<uint32_t>& one_groups =
      swapped_ ? matched_.group_of_left : matched_.group_of_right;
  for (uint32_t one = 0; one < one_groups.size(); ++one) AddPair({kFilled, one, one_groups[one]});
}

void VectorBinary::AddPair(Pair pair) {
  const auto& manys = many_.input->series();
  const auto& ones = one_.input->series();
  const Naming naming = context().naming();
  const Labels many_labels = pair.many == kFilled ? FilledLabels(ones[pair.one])  //
                                                  : naming.Visible(manys[pair.many]);
  const Labels one_labels =
      pair.one == kFilled ? FilledLabels(manys[pair.many]) : naming.Visible(ones[pair.one]);
  series_.push_back({context().Keep(ResultLabels(many_labels, one_labels)), expr_.return_bool});
  pairs_.push_back(pair);
  if (pair.many != kFilled) ++many_.uses[pair.many];
  if (pair.one != kFilled) ++one_.uses[pair.one];
}

Labels VectorBinary::FilledLabels(const SeriesMeta& partner) const {
  return MatchingLabels(matching_).Apply(partner, context().naming());
}

Labels VectorBinary::ResultLabels(const Labels& many, const Labels& one) const {
  const bool drop_name =
      ChangesMeaning(expr_.op) || (expr_.return_bool && !context().naming().delayed);
  Labels labels = drop_name ? WithoutMetadata(many) : many;
  if (one_to_one()) {
    const LabelSubset kept =
        matching_.on ? LabelSubset::Only(matching_.labels) : LabelSubset::Except(matching_.labels);
    labels = kept.Apply(labels);
  }
  if (matching_.include.empty()) return labels;
  LabelsBuilder builder(labels);
  for (const std::string& name : matching_.include) builder.Set(name, one.Get(name));
  return builder.Build();
}

Status VectorBinary::CheckMatch() {
  for (const MatchGroup& group : matched_.groups) {
    if (one_of(group).size() > 1) TRY(CheckOneSide(group));
    if (one_to_one() && many_of(group).size() > 1) TRY(CheckManySide(group));
  }
  if (!one_to_one()) TRY(CheckResults());
  if (conflict_.has_value()) return std::unexpected(std::move(conflict_->error));
  return {};
}

bool VectorBinary::WouldBeFirst(size_t step, ConflictKind kind) const {
  return !conflict_.has_value() ||
         std::pair(step, kind) < std::pair(conflict_->step, conflict_->kind);
}

void VectorBinary::Report(size_t step, const char* problem) {
  if (!WouldBeFirst(step, ConflictKind::kPairs)) return;
  conflict_ = {step,
               ConflictKind::kPairs,
               {ErrorCode::kExecution, fmt::format("multiple matches for labels: {}", problem)}};
}

// A group may have one sample a step on its one side, if the other vector has any sample at all.
Status VectorBinary::CheckOneSide(const MatchGroup& group) {
  std::vector<uint32_t> holder(steps(), kFilled);
  Column column;
  for (const uint32_t one : one_of(group)) {
    TRY(one_.input->Evaluate(context().main(), one, column));
    for (size_t step = 0; step < steps(); ++step) {
      if (!column.present(step)) continue;
      if (holder[step] != kFilled && WouldBeFirst(step, ConflictKind::kOneSide) &&
          TRY(AnyManyPresent(step))) {
        conflict_ = {step, ConflictKind::kOneSide, DuplicateError(holder[step], one)};
      }
      holder[step] = one;
    }
  }
  return {};
}

// Only asked on the way to an error.
Result<bool> VectorBinary::AnyManyPresent(size_t step) {
  if (fill_many().has_value() || fill_one().has_value()) return true;
  Column column;
  for (size_t i = 0; i < many_.input->series().size(); ++i) {
    TRY(many_.input->Evaluate(context().main(), i, column));
    if (column.present(step)) return true;
  }
  return false;
}

Error VectorBinary::DuplicateError(uint32_t a, uint32_t b) const {
  const Naming naming = context().naming();
  const SeriesMeta& meta = one_.input->series()[b];
  std::string first = FormatLabelSet(naming.Visible(one_.input->series()[a]));
  std::string second = FormatLabelSet(naming.Visible(meta));
  if (first > second) std::swap(first, second);
  return {ErrorCode::kExecution,
          fmt::format("found duplicate series for the match group {} on the {} hand-side of the "
                      "operation: [{}, {}];many-to-many matching not allowed: matching labels "
                      "must be unique on one side",
                      FormatLabelSet(MatchingLabels(matching_).Apply(meta, naming)),
                      swapped_ ? "left" : "right", first, second)};
}

// In one-to-one matching two samples of a group's many side must not meet one of the other side.
Status VectorBinary::CheckManySide(const MatchGroup& group) {
  if (one_of(group).empty() && !fill_one().has_value()) return {};
  Lane& lane = context().main();
  std::vector<Column> ones(one_of(group).size());
  for (size_t i = 0; i < ones.size(); ++i) {
    TRY(one_.input->Evaluate(lane, one_of(group)[i], ones[i]));
  }
  StepSet ones_present(steps());
  for (const Column& one : ones) ones_present.AddPresent(one);
  if (fill_one().has_value()) {
    FillWhereAbsent(ones_present, *fill_one(), steps(), ones.emplace_back());
  }
  StepSet taken(steps());
  Column column;
  for (const uint32_t many : many_of(group)) {
    TRY(many_.input->Evaluate(lane, many, column));
    for (size_t step = 0; step < steps(); ++step) {
      if (!column.present(step)) continue;
      if (std::ranges::none_of(ones, [&](const Column& one) { return Meets(column, one, step); })) {
        continue;
      }
      if (taken.contains(step)) {
        Report(step, "many-to-one matching must be explicit (group_left/group_right)");
      }
      taken.Add(step);
    }
  }
  return {};
}

// In many-to-one matching the results of a group must differ in their labels at each step, also
// those that a filter then takes out.
Status VectorBinary::CheckResults() {
  std::unordered_map<std::string, std::vector<size_t>> by_labels;
  for (size_t i = 0; i < pairs_.size(); ++i) {
    std::string key = std::to_string(pairs_[i].group) + ':';
    key += series_[i].labels->packed();
    by_labels[std::move(key)].push_back(i);
  }
  for (const auto& [labels, same] : by_labels) {
    if (same.size() < 2) continue;
    StepSet taken(steps());
    for (const size_t i : same) {
      const auto [many, one] = TRY(ReadPair(context().main(), pairs_[i]));
      for (size_t step = 0; step < steps(); ++step) {
        if (!Meets(*many, *one, step)) continue;
        if (taken.contains(step)) Report(step, "grouping labels must ensure unique matches");
        taken.Add(step);
      }
    }
  }
  return {};
}

// Whether a pair has samples at a step for which the operator is defined: others count as none.
bool VectorBinary::Meets(const Column& many, const Column& one, size_t step) const {
  if (!many.present(step) || !one.present(step)) return false;
  const Column& left = swapped_ ? one : many;
  const Column& right = swapped_ ? many : one;
  const BinaryOperand lhs{left.values[step], left.histogram(step)};
  const BinaryOperand rhs{right.values[step], right.histogram(step)};
  if (lhs.histogram == nullptr && rhs.histogram == nullptr) return !IsTrim(expr_.op);
  Annotator untold;
  return ApplyToHistograms(expr_.op, lhs, rhs, untold, expr_.position).kind !=
         HistogramOutcome::Kind::kInvalid;
}

Result<const Column*> VectorBinary::Read(Lane& lane, const Side& side, SideColumns& columns,
                                         uint32_t series) {
  if (side.uses[series] > 1) {
    const auto [entry, is_new] = columns.kept.try_emplace(series);
    if (is_new) {
      TRY(held_.Add(steps()));
      TRY(side.input->Evaluate(lane, series, entry->second));
    }
    return &entry->second;
  }
  if (columns.last != series) {
    columns.last = kFilled;
    TRY(side.input->Evaluate(lane, series, columns.column));
    columns.last = series;
  }
  return &columns.column;
}

Status VectorBinary::Compute(Lane& lane, size_t index, Column& out) {
  TRY(lane.Work(steps()));
  const auto [many, one] = TRY(ReadPair(lane, pairs_[index]));
  return Combine(lane, index, *many, *one, out);
}

// Both columns of a pair. The one that is filled in has its value where the other series' group
// found no partner.
Result<VectorBinary::PairColumns> VectorBinary::ReadPair(Lane& lane, Pair pair) {
  if (pair.many != kFilled && pair.one != kFilled) {
    return PairColumns{TRY(ReadMany(lane, pair.many)), TRY(ReadOne(lane, pair.one))};
  }
  const bool one_missing = pair.one == kFilled;
  const StepSet* partners =
      TRY(one_missing ? OnesOf(lane, pair.group) : MatchedOf(lane, pair.group));
  const double value = one_missing ? *fill_one() : *fill_many();
  Column& filled = locals_[lane].filled;
  FillWhereAbsent(*partners, value, steps(), filled);
  if (one_missing) return PairColumns{TRY(ReadMany(lane, pair.many)), &filled};
  return PairColumns{&filled, TRY(ReadOne(lane, pair.one))};
}

// Where a group has a sample on its one side.
Result<const StepSet*> VectorBinary::OnesOf(Lane& lane, uint32_t group) {
  const auto [entry, is_new] = locals_[lane].one.steps.try_emplace(group, steps());
  if (!is_new) return &entry->second;
  for (const uint32_t one : one_of(matched_.groups[group])) {
    entry->second.AddPresent(*TRY(ReadOne(lane, one)));
  }
  return &entry->second;
}

// Where the sample of a group's one side meets one of the many side.
Result<const StepSet*> VectorBinary::MatchedOf(Lane& lane, uint32_t group) {
  const auto [entry, is_new] = locals_[lane].many.steps.try_emplace(group, steps());
  if (!is_new) return &entry->second;
  for (const uint32_t many_series : many_of(matched_.groups[group])) {
    const Column* many = TRY(ReadMany(lane, many_series));
    for (const uint32_t one_series : one_of(matched_.groups[group])) {
      const Column* one = TRY(ReadOne(lane, one_series));
      for (size_t step = 0; step < steps(); ++step) {
        if (Meets(*many, *one, step)) entry->second.Add(step);
      }
    }
  }
  return &entry->second;
}

Status VectorBinary::Combine(Lane& lane, size_t index, const Column& many, const Column& one,
                             Column& out) const {
  const Column& left = swapped_ ? one : many;
  const Column& right = swapped_ ? many : one;
  out.Reset(steps());
  const auto result = expr_.return_bool ? ComparisonResult::kBool : ComparisonResult::kFilter;
  ApplyToColumns(expr_.op, result, left.values, right.values, out.values);
  if (!left.histograms.empty() || !right.histograms.empty())
    CombineHistograms(lane, index, left, right, out);
  if (IsTrim(expr_.op)) AnnotateTrimOfFloats(lane, index, left, right);
  return {};
}

void VectorBinary::AnnotateTrimOfFloats(Lane& lane, size_t index, const Column& left,
                                        const Column& right) const {
  Annotator notes;
  notes.IncompatibleTypes("float", ToString(expr_.op), "float", expr_.position);
  for (size_t step = 0; step < steps(); ++step) {
    const bool both = left.present(step) && right.present(step);
    if (!both || left.histogram(step) != nullptr || right.histogram(step) != nullptr) continue;
    lane.annotations().NoteAtStep(step, index, notes);
  }
}

// The steps at which either side has a histogram.
void VectorBinary::CombineHistograms(Lane& lane, size_t index, const Column& left,
                                     const Column& right, Column& out) const {
  for (size_t step = 0; step < steps(); ++step) {
    if (!left.present(step) || !right.present(step)) continue;
    const BinaryOperand lhs{left.values[step], left.histogram(step)};
    const BinaryOperand rhs{right.values[step], right.histogram(step)};
    if (lhs.histogram == nullptr && rhs.histogram == nullptr) continue;
    Annotator notes;
    HistogramOutcome outcome = ApplyToHistograms(expr_.op, lhs, rhs, notes, expr_.position);
    lane.annotations().NoteAtStep(step, index, notes);
    const bool is_true = outcome.kind == HistogramOutcome::Kind::kIsTrue;
    out.values[step] = kAbsent;
    if (outcome.histogram != nullptr) {
      out.SetHistogram(step, std::move(outcome.histogram));
    } else if (expr_.return_bool && outcome.kind != HistogramOutcome::Kind::kInvalid) {
      out.values[step] = is_true ? 1 : 0;
    } else if (is_true) {
      out.SetHistogram(step, left.histograms[step]);
    }
  }
}

}  // namespace barograph::promql
