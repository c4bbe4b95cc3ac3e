#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/model/labels.h"
#include "base/result.h"
#include "base/time.h"
#include "server/config/config.h"

/// From what discovery found to something that can be scraped.
namespace barograph::server {

/// A value; two with the same labels and URL are the same target.
struct Target {
  Labels labels;         ///< after relabelling, with those that start with __
  Labels public_labels;  ///< those on its series
  std::string url;
  Duration interval{0};
  Duration timeout{0};

  /// The same in every process.
  uint64_t Hash() const;
};

/// What a target has before relabelling: its own labels, its group's, then job, __scheme__,
/// __metrics_path__, __scrape_interval__, __scrape_timeout__ and __param_* from the job where they
/// are not set.
Labels DiscoveredLabels(const Labels& own, const Labels& group, const ScrapeConfig& config);

/// Relabels and checks. nullopt when a rule drops it. InvalidArgument, with Prometheus's message,
/// for a target without an address, or with an interval, timeout or label that cannot be.
Result<std::optional<Target>> MakeTarget(const Labels& discovered, const ScrapeConfig& config);

/// What a target's phase within its interval is made of, beside the target.
struct PhaseRule {
  uint64_t seed = 0;
  std::chrono::nanoseconds grid{1};  ///< phases are multiples of it
};

/// The grid for one of `targets` targets that are scraped each `interval`. Waking up costs as much
/// as parsing a thousand samples, so that targets of about the same phase share one: about
/// sixteen of them, where that moves none by more than 100 ms or a tenth of its interval. Where
/// more come together the last would start late, and the grid is finer.
std::chrono::nanoseconds PhaseGrid(std::chrono::nanoseconds interval, size_t targets);

/// How long after `since_epoch` the target is due: at the same phase of its interval at all times,
/// spread over the interval by its hash and the rule's seed.
std::chrono::nanoseconds TimeToFirstScrape(const Target& target, const PhaseRule& rule,
                                           std::chrono::nanoseconds since_epoch);

/// `url` with a loopback host replaced by `host_name`, so that it means the same elsewhere.
std::string GlobalUrl(std::string_view url, std::string_view host_name);

}  // namespace barograph::server
