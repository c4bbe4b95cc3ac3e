#include "promql/func/binary.h"

#include <cmath>

#include "promql/exec/column.h"

namespace barograph::promql {
namespace {

template <typename F>
void Combine(std::span<const double> lhs, std::span<const double> rhs, std::span<double> out,
             F compute) {
  for (size_t i = 0; i < out.size(); ++i) {
    const double result = compute(lhs[i], rhs[i]);
    out[i] = IsAbsent(lhs[i]) || IsAbsent(rhs[i]) ? kAbsent : result;
  }
}

template <typename Holds>
void Compare(ComparisonResult kind, std::span<const double> lhs, std::span<const double> rhs,
             std::span<double> out, Holds holds) {
  switch (kind) {
    case ComparisonResult::kFilter:
      return Combine(lhs, rhs, out, [&](double a, double b) { return holds(a, b) ? a : kAbsent; });
    case ComparisonResult::kFilterRight:
      return Combine(lhs, rhs, out, [&](double a, double b) { return holds(a, b) ? b : kAbsent; });
    case ComparisonResult::kBool:
      return Combine(lhs, rhs, out, [&](double a, double b) { return holds(a, b) ? 1.0 : 0.0; });
  }
}

}  // namespace

double ApplyToScalars(BinaryOp op, double lhs, double rhs) {
  double result = 0;
  ApplyToColumns(op, ComparisonResult::kBool, {&lhs, 1}, {&rhs, 1}, {&result, 1});
  return result;
}

void ApplyToColumns(BinaryOp op, ComparisonResult result, std::span<const double> lhs,
                    std::span<const double> rhs, std::span<double> out) {
  using D = double;
  switch (op) {
    case BinaryOp::kAdd: return Combine(lhs, rhs, out, [](D a, D b) { return a + b; });
    case BinaryOp::kSub: return Combine(lhs, rhs, out, [](D a, D b) { return a - b; });
    case BinaryOp::kMul: return Combine(lhs, rhs, out, [](D a, D b) { return a * b; });
    case BinaryOp::kDiv: return Combine(lhs, rhs, out, [](D a, D b) { return a / b; });
    case BinaryOp::kMod: return Combine(lhs, rhs, out, [](D a, D b) { return std::fmod(a, b); });
    case BinaryOp::kPow: return Combine(lhs, rhs, out, [](D a, D b) { return std::pow(a, b); });
    case BinaryOp::kAtan2: return Combine(lhs, rhs, out, [](D a, D b) { return std::atan2(a, b); });
    case BinaryOp::kEqual: return Compare(result, lhs, rhs, out, [](D a, D b) { return a == b; });
    case BinaryOp::kNotEqual:
      return Compare(result, lhs, rhs, out, [](D a, D b) { return a != b; });
    case BinaryOp::kGreater: return Compare(result, lhs, rhs, out, [](D a, D b) { return a > b; });
    case BinaryOp::kLess: return Compare(result, lhs, rhs, out, [](D a, D b) { return a < b; });
    case BinaryOp::kGreaterEqual:
      return Compare(result, lhs, rhs, out, [](D a, D b) { return a >= b; });
    case BinaryOp::kLessEqual:
      return Compare(result, lhs, rhs, out, [](D a, D b) { return a <= b; });
    case BinaryOp::kAnd:
    case BinaryOp::kOr:
    case BinaryOp::kUnless:
    case BinaryOp::kTrimUpper:
    case BinaryOp::kTrimLower: return Combine(lhs, rhs, out, [](D, D) { return kAbsent; });
  }
}

bool IsTrim(BinaryOp op) { return op == BinaryOp::kTrimUpper || op == BinaryOp::kTrimLower; }

bool ChangesMeaning(BinaryOp op) {
  switch (op) {
    case BinaryOp::kAdd:
    case BinaryOp::kSub:
    case BinaryOp::kMul:
    case BinaryOp::kDiv:
    case BinaryOp::kMod:
    case BinaryOp::kPow:
    case BinaryOp::kAtan2: return true;
    default: return false;
  }
}

}  // namespace barograph::promql
