#pragma once

#include <string>
#include <vector>

#include "base/model/labels.h"

namespace barograph::discovery {

/// Targets that a mechanism found together, such as one file or one Kubernetes object. `source`
/// names the group within its provider; a later group of the same source replaces it, and one
/// without targets removes it.
struct TargetGroup {
  std::string source;
  std::vector<Labels> targets;  ///< each has at least __address__
  Labels labels;                ///< common to all targets; a target's own labels win

  bool operator==(const TargetGroup&) const = default;
};

}  // namespace barograph::discovery
