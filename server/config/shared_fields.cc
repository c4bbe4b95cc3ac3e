#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/model/number.h"
#include "server/config/sections.h"

namespace barograph::server {

std::string ResolvePath(const SectionContext& context, const std::string& path) {
  if (path.empty() || path.front() == '/') return path;
  return (context.folder / path).lexically_normal().string();
}

Status ReadLimits(StrictMap& map, ScrapeLimits& limits) {
  TRY(map.ReadBytes("body_size_limit", limits.body_bytes));
  TRY(map.Read("sample_limit", limits.samples));
  TRY(map.Read("target_limit", limits.targets));
  TRY(map.Read("series_limit", limits.series));
  TRY(map.Read("label_limit", limits.labels));
  TRY(map.Read("label_name_length_limit", limits.label_name_length));
  TRY(map.Read("label_value_length_limit", limits.label_value_length));
  TRY(map.Read("keep_dropped_targets", limits.keep_dropped_targets));
  return {};
}

Status ReadProtocols(StrictMap& map, std::vector<ScrapeProtocol>& out, std::string_view whose) {
  const YamlNode* node = map.Take("scrape_protocols");
  if (node == nullptr || node->null()) return {};
  std::vector<std::string> names;
  TRY(ReadYaml(*node, names));
  if (names.empty()) {
    return FailAt(node->position, fmt::format("scrape_protocols cannot be empty for {}", whose));
  }
  out.clear();
  for (size_t i = 0; i < names.size(); ++i) {
    const std::optional<ScrapeProtocol> protocol = ParseScrapeProtocol(names[i]);
    if (!protocol) {
      return FailAt(node->items[i].position,
                    fmt::format("scrape_protocols: unknown scrape protocol {}, supported: "
                                "[OpenMetricsText0.0.1 OpenMetricsText1.0.0 PrometheusProto "
                                "PrometheusText0.0.4 PrometheusText1.0.0] for {}",
                                names[i], whose));
    }
    if (std::ranges::count(out, *protocol) > 0) {
      return FailAt(node->items[i].position,
                    fmt::format("duplicated protocol in scrape_protocols, got [{}] for {}",
                                fmt::join(names, " "), whose));
    }
    out.push_back(*protocol);
  }
  return {};
}

Status ReadNameValidation(StrictMap& map, std::optional<NameValidation>& out) {
  std::string name;
  TRY(map.Read("metric_name_validation_scheme", name));
  out.reset();
  if (name == "utf8") out = NameValidation::kUtf8;
  if (name == "legacy") out = NameValidation::kLegacy;
  if (!out && !name.empty()) {
    return FailAt(map.PositionOf("metric_name_validation_scheme"),
                  "unrecognized ValidationScheme: " + Quote(name));
  }
  return {};
}

Status ReadNameEscaping(StrictMap& map, std::optional<NameEscaping>& out) {
  std::string name;
  TRY(map.Read("metric_name_escaping_scheme", name));
  out = ParseNameEscaping(name);
  if (!out && !name.empty()) {
    return FailAt(map.PositionOf("metric_name_escaping_scheme"),
                  "unknown name escaping method specified, must be one of 'allow-utf-8', "
                  "'underscores', 'dots', or 'values', got " +
                      Quote(name));
  }
  return {};
}

Status RejectNativeHistograms(StrictMap& map) {
  static constexpr std::array<std::string_view, 3> kSwitches = {
      "scrape_native_histograms", "always_scrape_classic_histograms",
      "convert_classic_histograms_to_nhcb"};
  for (const std::string_view key : kSwitches) {
    bool on = false;
    TRY(map.Read(key, on));
    if (on) return FailAt(map.PositionOf(key), fmt::format("{} is not supported yet", key));
  }
  return {};
}

}  // namespace barograph::server
