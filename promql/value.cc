#include "promql/value.h"

namespace barograph::promql {

ValueType TypeOf(const Value& value) {
  static constexpr ValueType kTypes[] = {ValueType::kScalar, ValueType::kString, ValueType::kVector,
                                         ValueType::kMatrix};
  return kTypes[value.index()];
}

}  // namespace barograph::promql
