#include "promql/exec/operator.h"

namespace barograph::promql {
namespace {

void Explain(const Operator& node, size_t depth, std::string& out) {
  out.append(2 * depth, ' ');
  out += node.name();
  out += '\n';
  for (const Operator* input : node.inputs()) Explain(*input, depth + 1, out);
}

}  // namespace

std::string Explain(const Operator& root) {
  std::string out;
  Explain(root, 0, out);
  return out;
}

}  // namespace barograph::promql
