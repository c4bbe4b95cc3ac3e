#pragma once

#include <string>
#include <string_view>

namespace barograph::web {

/// The one page of the first user interface: targets, a query box, a table and a graph. It is
/// web/ui/page.html, put into the binary by web/ui/embed.cmake, and needs nothing but the API.
std::string RenderPage(std::string_view title);

}  // namespace barograph::web
