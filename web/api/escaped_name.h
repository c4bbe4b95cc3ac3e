#pragma once

#include <string>
#include <string_view>

namespace barograph::web {

/// Undoes the "values" escaping of names (Prometheus, "UTF-8 in Prometheus"), with which a URL can
/// carry any name in one path segment: U__ in front, two underscores for one, and _hex_ for every
/// other character that a legacy name cannot have. Text that is not so escaped is returned as it
/// is.
std::string UnescapeName(std::string_view escaped);

}  // namespace barograph::web
