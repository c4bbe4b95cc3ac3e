#include <catch2/catch.hpp>
#include <string>

#include "server/scrape/negotiation.h"

namespace barograph::server {
namespace {

std::string Choose(std::string_view content_type,
                   std::optional<ScrapeProtocol> fallback = std::nullopt) {
  const auto format = ChooseFormat(content_type, fallback);
  if (!format) return format.error().message;
  return *format == PageFormat::kPrometheusText ? "text" : "openmetrics";
}

TEST_CASE("the Accept header lists the protocols by preference") {
  ScrapeConfig config;
  const std::string all =
      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
      "application/openmetrics-text;version=0.0.1;q=0.5,"
      "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,"
      "*/*;q=0.2";
  CHECK(AcceptHeader(config) == all);
  config.scrape_protocols = {ScrapeProtocol::kPrometheusProto,
                             ScrapeProtocol::kPrometheusText0_0_4};
  CHECK(AcceptHeader(config) == "text/plain;version=0.0.4;q=0.6,*/*;q=0.5");
  config.scrape_protocols = {ScrapeProtocol::kPrometheusText1_0_0};
  config.name_escaping = NameEscaping::kUnderscores;
  CHECK(AcceptHeader(config) == "text/plain;version=1.0.0;escaping=underscores;q=0.6,*/*;q=0.5");
}

TEST_CASE("the content type decides the format") {
  CHECK(Choose("text/plain") == "text");
  CHECK(Choose("text/plain; version=0.0.4; charset=utf-8") == "text");
  CHECK(Choose("TEXT/Plain ;version=\"1.0;0\"") == "text");
  CHECK(Choose("text/plain;") == "text");
  CHECK(Choose("application/openmetrics-text; version=1.0.0") == "openmetrics");
}

TEST_CASE("another content type needs a fallback") {
  const auto text = ScrapeProtocol::kPrometheusText0_0_4;
  CHECK(Choose("") ==
        "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol "
        "specified for target");
  CHECK(Choose("text/html") ==
        "received unsupported Content-Type \"text/html\" and no fallback_scrape_protocol "
        "specified for target");
  CHECK(Choose("text/plain; a")
            .starts_with("cannot parse Content-Type \"text/plain; a\" and no "
                         "fallback_scrape_protocol for target"));
  CHECK(Choose("", text) == "text");
  CHECK(Choose("text/html", text) == "text");
  CHECK(Choose("/", ScrapeProtocol::kOpenMetricsText1_0_0) == "openmetrics");
  CHECK(Choose("text/html", ScrapeProtocol::kPrometheusProto).starts_with("received unsupported"));
}

}  // namespace
}  // namespace barograph::server
