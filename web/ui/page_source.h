#pragma once

#include <string_view>

namespace barograph::web {

/// The text of web/ui/page.html.
std::string_view PageSource();

}  // namespace barograph::web
