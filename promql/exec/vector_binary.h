#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "promql/exec/matching.h"
#include "promql/exec/operator.h"
#include "promql/func/binary.h"

namespace barograph::promql {

/// Arithmetic and comparison between two vectors. One side of the match is the "one" side, on
/// which a match group may have one sample at a step; the other is the "many" side (the left one,
/// but with group_right).
class VectorBinary final : public Operator {
 public:
  VectorBinary(QueryContext& context, const BinaryExpr& expr, OperatorPtr lhs, OperatorPtr rhs);

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override { return std::string(ToString(expr_.op)); }
  std::vector<const Operator*> inputs() const override { return {lhs_.get(), rhs_.get()}; }
  bool reports() const override {
    return IsTrim(expr_.op) || may_have_histograms() || Operator::reports();
  }

 private:
  // One output series: a series of the many side with one of the one side, or one of them with
  // the fill value for the other where the other's group is absent.
  static constexpr uint32_t kFilled = UINT32_MAX;
  struct Pair {
    uint32_t many;
    uint32_t one;
    uint32_t group;
  };

  struct Side {
    Operator* input = nullptr;
    std::vector<uint32_t> uses;  // by series
  };

  // A side's columns that several pairs need, and what is known of its groups.
  struct SideColumns {
    std::unordered_map<uint32_t, Column> kept;
    uint32_t last = kFilled;  // the series that `column` is of
    Column column;
    std::unordered_map<uint32_t, StepSet> steps;  // by group: where nothing is to be filled in
  };
  struct Local {
    SideColumns many;
    SideColumns one;
    Column filled;
    Column scratch;
  };
  struct PairColumns {
    const Column* many;
    const Column* one;
  };

  // Why the vectors do not match at a step. Of all such the first one is told: the earliest step's,
  // and there what is wrong with the one side.
  enum class ConflictKind : uint8_t { kOneSide, kPairs };
  struct Conflict {
    size_t step;
    ConflictKind kind;
    Error error;
  };

  bool one_to_one() const { return matching_.card == VectorCardinality::kOneToOne; }
  const std::vector<uint32_t>& many_of(const MatchGroup& group) const;
  const std::vector<uint32_t>& one_of(const MatchGroup& group) const;
  std::optional<double> fill_many() const { return matching_.fill_left; }
  std::optional<double> fill_one() const { return matching_.fill_right; }

  void MakePairs();
  void AddPair(Pair pair);
  Labels ResultLabels(const Labels& many, const Labels& one) const;
  Labels FilledLabels(const SeriesMeta& partner) const;

  Status CheckMatch();
  Status CheckOneSide(const MatchGroup& group);
  Status CheckManySide(const MatchGroup& group);
  Status CheckResults();
  bool WouldBeFirst(size_t step, ConflictKind kind) const;
  void Report(size_t step, const char* problem);
  Status EvaluateUnmatched(const Side& side);
  Result<bool> AnyManyPresent(size_t step);
  Error DuplicateError(uint32_t a, uint32_t b) const;

  Result<const Column*> Read(Lane& lane, const Side& side, SideColumns& columns, uint32_t series);
  Result<const Column*> ReadMany(Lane& lane, uint32_t series) {
    return Read(lane, many_, locals_[lane].many, series);
  }
  Result<const Column*> ReadOne(Lane& lane, uint32_t series) {
    return Read(lane, one_, locals_[lane].one, series);
  }
  Result<PairColumns> ReadPair(Lane& lane, Pair pair);
  Result<const StepSet*> OnesOf(Lane& lane, uint32_t group);
  Result<const StepSet*> MatchedOf(Lane& lane, uint32_t group);
  bool Meets(const Column& many, const Column& one, size_t step) const;
  Status Combine(Lane& lane, size_t index, const Column& many, const Column& one,
                 Column& out) const;
  void CombineHistograms(Lane& lane, size_t index, const Column& left, const Column& right,
                         Column& out) const;
  void AnnotateTrimOfFloats(Lane& lane, size_t index, const Column& left,
                            const Column& right) const;

  const BinaryExpr& expr_;
  const VectorMatching& matching_;
  OperatorPtr lhs_;
  OperatorPtr rhs_;
  bool swapped_;  // group_right: the many side is the right one
  Matched matched_;
  std::optional<Conflict> conflict_;
  std::vector<Pair> pairs_;
  Side many_;
  Side one_;
  PerLane<Local> locals_;
  HeldSamples held_;
};

}  // namespace barograph::promql
