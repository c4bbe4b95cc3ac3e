#include "server/scrape/negotiation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/model/number.h"

namespace barograph::server {
namespace {

struct Media {
  ScrapeProtocol protocol;
  std::string_view accept;
  bool escaping;  // whether the version knows the parameter
};

// In the order of preference that holds where a job has none.
constexpr auto kMedia = std::to_array<Media>({
    {ScrapeProtocol::kOpenMetricsText1_0_0, "application/openmetrics-text;version=1.0.0", true},
    {ScrapeProtocol::kOpenMetricsText0_0_1, "application/openmetrics-text;version=0.0.1", false},
    {ScrapeProtocol::kPrometheusText1_0_0, "text/plain;version=1.0.0", true},
    {ScrapeProtocol::kPrometheusText0_0_4, "text/plain;version=0.0.4", false},
});
constexpr int kFirstWeight = 6;  // one more than there are protocols, the binary one included

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// RFC 9110, section 5.6.2.
bool IsToken(std::string_view text) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != kMarks.npos;
  });
}

// Takes `; name=value` or an empty parameter off `rest`; false when it is malformed.
bool TakeParameter(std::string_view& rest) {
  rest = Trim(rest.substr(1));
  if (rest.empty()) return true;
  const size_t equals = rest.find('=');
  if (equals == rest.npos || !IsToken(Trim(rest.substr(0, equals)))) return false;
  rest = Trim(rest.substr(equals + 1));
  size_t end;
  if (rest.starts_with('"')) {
    end = 1;
    while (end < rest.size() && rest[end] != '"') end += rest[end] == '\\' ? 2 : 1;
    if (end >= rest.size()) return false;
    ++end;
  } else {
    end = std::min(rest.find(';'), rest.size());
    if (!IsToken(Trim(rest.substr(0, end)))) return false;
  }
  rest = Trim(rest.substr(end));
  return rest.empty() || rest[0] == ';';
}

// type/subtype in lower case; the message of what is wrong otherwise.
Result<std::string> ParseMediaType(std::string_view text) {
  const size_t semicolon = std::min(text.find(';'), text.size());
  std::string type(Trim(text.substr(0, semicolon)));
  const size_t slash = type.find('/');
  if (slash == type.npos ? !IsToken(type)
                         : !IsToken(type.substr(0, slash)) || !IsToken(type.substr(slash + 1))) {
    return Fail(ErrorCode::kInvalidArgument, "mime: expected token after slash");
  }
  std::string_view rest = text.substr(semicolon);
  while (!rest.empty()) {
    if (!TakeParameter(rest)) {
      return Fail(ErrorCode::kInvalidArgument, "mime: invalid media parameter");
    }
  }
  std::ranges::transform(type, type.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  return type;
}

std::optional<PageFormat> FormatOf(std::string_view media_type) {
  if (media_type == "text/plain") return PageFormat::kPrometheusText;
  if (media_type == "application/openmetrics-text") return PageFormat::kOpenMetricsText;
  return std::nullopt;
}

std::optional<PageFormat> FormatOf(ScrapeProtocol protocol) {
  const auto media = std::ranges::find(kMedia, protocol, &Media::protocol);
  if (media == kMedia.end()) return std::nullopt;
  return FormatOf(media->accept.substr(0, media->accept.find(';')));
}

std::string Refusal(std::string_view content_type) {
  if (content_type.empty()) {
    return "non-compliant scrape target sending blank Content-Type and no "
           "fallback_scrape_protocol specified for target";
  }
  const auto media_type = ParseMediaType(content_type);
  if (!media_type) {
    return fmt::format(
        "cannot parse Content-Type {} and no fallback_scrape_protocol for target\n{}",
        Quote(content_type), media_type.error().message);
  }
  return fmt::format(
      "received unsupported Content-Type {} and no fallback_scrape_protocol specified for target",
      Quote(content_type));
}

}  // namespace

std::string AcceptHeader(const ScrapeConfig& config) {
  std::string header;
  int weight = kFirstWeight;
  const auto add = [&](const Media& media) {
    header += media.accept;
    if (media.escaping) header += fmt::format(";escaping={}", ToString(config.name_escaping));
    header += fmt::format(";q=0.{},", weight--);
  };
  for (const ScrapeProtocol protocol : config.scrape_protocols) {
    const auto media = std::ranges::find(kMedia, protocol, &Media::protocol);
    if (media != kMedia.end()) add(*media);
  }
  if (header.empty()) std::ranges::for_each(kMedia, add);
  return header + fmt::format("*/*;q=0.{}", weight);
}

Result<PageFormat> ChooseFormat(std::string_view content_type,
                                const std::optional<ScrapeProtocol>& fallback) {
  if (const auto media_type = ParseMediaType(content_type)) {
    if (const auto format = FormatOf(*media_type)) return *format;
  }
  if (fallback) {
    if (const auto format = FormatOf(*fallback)) return *format;
  }
  return Fail(ErrorCode::kInvalidArgument, Refusal(content_type));
}

}  // namespace barograph::server
