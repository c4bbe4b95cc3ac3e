#pragma once

#include <cstddef>

namespace barograph {

/// Makes room in a vector for `size` elements, and an eighth more: where there are many of them for
/// long, the doubling of push_back and resize would leave up to half of the memory unused.
template <typename Vector>
void GrowTight(Vector& vector, size_t size) {
  if (size > vector.capacity()) vector.reserve(size + size / 8 + 8);
}

/// Empties a container and gives its memory back. `container = {}` keeps it: that assigns an empty
/// list of elements.
template <typename Container>
void FreeMemory(Container& container) {
  Container().swap(container);
}

}  // namespace barograph
