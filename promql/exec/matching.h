#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "promql/exec/operator.h"
#include "promql/parse/ast.h"

/// Which series of two vectors belong together: a hash join on the matching labels, done once a
/// query.
namespace barograph::promql {

/// The labels that on(...) or ignoring(...) match on.
LabelSubset MatchingLabels(const VectorMatching& matching);

/// The series of both sides that have the same matching labels.
struct MatchGroup {
  std::vector<uint32_t> left;
  std::vector<uint32_t> right;
};

struct Matched {
  std::vector<MatchGroup> groups;       // in order of first appearance, left before right
  std::vector<uint32_t> group_of_left;  // by series
  std::vector<uint32_t> group_of_right;
};

Result<Matched> MatchSeries(QueryContext& context, const VectorMatching& matching,
                            const std::vector<SeriesMeta>& left,
                            const std::vector<SeriesMeta>& right);

/// One bit a step.
class StepSet {
 public:
  explicit StepSet(size_t steps) : words_((steps + 63) / 64) {}

  bool contains(size_t step) const { return (words_[step / 64] >> (step % 64) & 1) != 0; }
  void Add(size_t step) { words_[step / 64] |= uint64_t{1} << (step % 64); }
  void AddPresent(const Column& column);

 private:
  std::vector<uint64_t> words_;
};

}  // namespace barograph::promql
