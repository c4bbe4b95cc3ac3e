#pragma once

#include <unordered_map>

#include "promql/parse/ast.h"

namespace barograph::promql {

/// Whether an expression has the same value at every step of a query: all that it reads is pinned
/// by @, and no function in it looks at the step's time. As Prometheus decides
/// (promql/engine.go, preprocessExprHelper).
class StepInvariance {
 public:
  bool Holds(const Expr& expr);

 private:
  bool Decide(const Expr& expr);
  bool DecideCall(const Call& call);

  std::unordered_map<const Expr*, bool> known_;
};

/// start(), end(), range() and step(): fixed for a query.
bool IsQueryContextFunction(std::string_view name);

}  // namespace barograph::promql
