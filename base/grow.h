#pragma once

#include <cstddef>

namespace barograph {

/// Makes room in a vector for `size` elements, and an eighth more: where there are many of them for
/// long, the doubling of push_back and resize would leave up to half of the memory unused.
template <typename Vector>
void GrowTight(Vector& vector, size_t size) {
  if (size > vector.capacity()) vector.reserve(size + size / 8 + 8);
}

}  // namespace barograph
