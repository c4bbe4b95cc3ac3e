#pragma once

#include <span>
#include <string_view>

#include "promql/parse/ast.h"

/// The functions of PromQL by name, with the types of their arguments (Prometheus 3.14,
/// promql/parser/functions).
namespace barograph::promql {

struct FunctionSignature {
  std::string_view name;
  std::span<const ValueType> arguments;
  /// 0: exactly `arguments`. n > 0: the last argument may lack, or repeat up to n times. -1: it may
  /// lack, or repeat without limit.
  int variadic = 0;
  ValueType returns = ValueType::kVector;
  bool experimental = false;
};

/// nullptr when there is no such function.
const FunctionSignature* FindFunction(std::string_view name);

/// Every function, in name order.
std::span<const FunctionSignature> AllFunctions();

}  // namespace barograph::promql
