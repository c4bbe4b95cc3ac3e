#include "server/features.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace barograph::server {
namespace {

// The two encodings are how Prometheus makes room for start timestamps in its chunks.
constexpr std::array<std::string_view, 9> kAlwaysOn = {
    "histograms-st-encoding",          "native-histograms",     "ooo-native-histograms",
    "promql-binop-fill-modifiers",     "promql-duration-expr",  "promql-experimental-functions",
    "promql-extended-range-selectors", "promql-per-step-stats", "xor2-encoding"};

constexpr std::array<std::string_view, 11> kNotYet = {"concurrent-rule-eval",
                                                      "delayed-compaction",
                                                      "fast-startup",
                                                      "memory-snapshot-on-shutdown",
                                                      "old-ui",
                                                      "otlp-deltatocumulative",
                                                      "otlp-native-delta-ingestion",
                                                      "search-api",
                                                      "st-synthesis",
                                                      "type-and-unit-labels",
                                                      "use-uncached-io"};

// Prometheus keeps metadata in its log for a sender of remote write 2.0 to read it there. What
// /api/v1/metadata shows comes, here and there, from the pages and requests since the start.
constexpr std::string_view kMetadataInLog = "metadata-wal-records";

void Enable(std::string_view name, Features& features, const Logger& logger) {
  if (name == "promql-delayed-name-removal") {
    features.delayed_name_removal = true;
  } else if (name == "exemplar-storage") {
    features.exemplar_storage = true;
  } else if (name == "extra-scrape-metrics") {
    features.extra_scrape_metrics = true;
  } else if (name == "auto-reload-config") {
    features.auto_reload = true;
  } else if (name == "st-storage") {
    features.st_storage = true;
  } else if (name == "created-timestamp-zero-ingestion") {
    features.zeros_at_starts = true;
  } else if (name == "use-start-timestamps") {
    features.use_start_timestamps = true;
  } else if (name == kMetadataInLog) {
    logger.Warn(
        "This option for --enable-feature has no effect: metadata is told anew after a start",
        {{"option", name}});
  } else if (std::ranges::count(kNotYet, name) > 0) {
    logger.Warn("This option for --enable-feature is not supported yet", {{"option", name}});
  } else if (std::ranges::count(kAlwaysOn, name) == 0) {
    logger.Warn("Unknown option for --enable-feature", {{"option", name}});
  }
}

}  // namespace

Features ParseFeatures(const std::vector<std::string>& lists, const Logger& logger) {
  Features features;
  for (std::string_view rest : lists) {
    while (!rest.empty()) {
      const size_t comma = std::min(rest.find(','), rest.size());
      if (comma > 0) Enable(rest.substr(0, comma), features, logger);
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return features;
}

}  // namespace barograph::server
