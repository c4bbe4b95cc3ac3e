#include "web/ui/page.h"

#include "web/ui/page_source.h"

namespace barograph::web {
namespace {

constexpr std::string_view kTitle = "PAGE_TITLE";

std::string EscapeHtml(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '&': escaped += "&amp;"; break;
      case '"': escaped += "&quot;"; break;
      default: escaped += c;
    }
  }
  return escaped;
}

}  // namespace

std::string RenderPage(std::string_view title) {
  std::string page(PageSource());
  const size_t at = page.find(kTitle);
  if (at != page.npos) page.replace(at, kTitle.size(), EscapeHtml(title));
  return page;
}

}  // namespace barograph::web
