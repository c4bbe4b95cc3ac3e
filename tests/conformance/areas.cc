#include "tests/conformance/areas.h"

#include <array>

namespace barograph::conformance {

std::span<const Area> Areas() {
  static constexpr auto kAreas = std::to_array<Area>({
      {"config", RunConfig},
      {"file_sd", RunFileSd},
      {"labels", RunLabels},
      {"openmetrics", RunOpenmetrics},
      {"promql", RunPromql},
      {"promql_parser", RunPromqlParser},
      {"relabel", RunRelabel},
      {"textparse", RunTextparse},
      {"tsdb", RunTsdb},
  });
  return kAreas;
}

}  // namespace barograph::conformance
