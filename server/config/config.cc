#include "server/config/config.h"

#include <algorithm>
#include <array>
#include <utility>

namespace barograph::server {
namespace {

constexpr std::array<std::pair<ScrapeProtocol, std::string_view>, 5> kProtocolNames = {{
    {ScrapeProtocol::kOpenMetricsText0_0_1, "OpenMetricsText0.0.1"},
    {ScrapeProtocol::kOpenMetricsText1_0_0, "OpenMetricsText1.0.0"},
    {ScrapeProtocol::kPrometheusProto, "PrometheusProto"},
    {ScrapeProtocol::kPrometheusText0_0_4, "PrometheusText0.0.4"},
    {ScrapeProtocol::kPrometheusText1_0_0, "PrometheusText1.0.0"},
}};

constexpr std::array<std::string_view, 4> kEscapingNames = {"allow-utf-8", "underscores", "dots",
                                                            "values"};

}  // namespace

std::string_view ToString(NameEscaping escaping) {
  return kEscapingNames[static_cast<size_t>(escaping)];
}

std::optional<NameEscaping> ParseNameEscaping(std::string_view name) {
  const auto found = std::ranges::find(kEscapingNames, name);
  if (found == kEscapingNames.end()) return std::nullopt;
  return static_cast<NameEscaping>(found - kEscapingNames.begin());
}

std::string_view ToString(ScrapeProtocol protocol) {
  return std::ranges::find(kProtocolNames, protocol,
                           &std::pair<ScrapeProtocol, std::string_view>::first)
      ->second;
}

std::optional<ScrapeProtocol> ParseScrapeProtocol(std::string_view name) {
  for (const auto& [protocol, text] : kProtocolNames) {
    if (text == name) return protocol;
  }
  return std::nullopt;
}

}  // namespace barograph::server
