#include "promql/exec/operator.h"

#include <algorithm>

namespace barograph::promql {
namespace {

void Explain(const Operator& node, size_t depth, std::string& out) {
  out.append(2 * depth, ' ');
  out += node.name();
  out += '\n';
  for (const Operator* input : node.inputs()) Explain(*input, depth + 1, out);
}

}  // namespace

bool Operator::reports() const {
  return std::ranges::any_of(inputs(), [](const Operator* input) { return input->reports(); });
}

Status EvaluateForReports(Operator& input, size_t index, Column& scratch) {
  if (!input.reports()) return {};
  return input.Evaluate(index, scratch);
}

std::string Explain(const Operator& root) {
  std::string out;
  Explain(root, 0, out);
  return out;
}

}  // namespace barograph::promql
