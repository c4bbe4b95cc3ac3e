#include "tests/conformance/areas.h"

#include <array>

namespace barograph::conformance {

std::span<const Area> Areas() {
  static constexpr auto kAreas = std::to_array<Area>({
      {"labels", RunLabels},
      {"relabel", RunRelabel},
  });
  return kAreas;
}

}  // namespace barograph::conformance
