#include "server/scrape/target.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/model/duration.h"
#include "base/model/number.h"
#include "net/http_message.h"

namespace barograph::server {
namespace {

constexpr std::string_view kAddress = "__address__";
constexpr std::string_view kScheme = "__scheme__";
constexpr std::string_view kMetricsPath = "__metrics_path__";
constexpr std::string_view kScrapeInterval = "__scrape_interval__";
constexpr std::string_view kScrapeTimeout = "__scrape_timeout__";
constexpr std::string_view kParamPrefix = "__param_";
constexpr std::string_view kMetaPrefix = "__meta_";
constexpr std::string_view kReservedPrefix = "__";

std::unexpected<Error> Invalid(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

Result<Duration> ParseInterval(std::string_view what, std::string_view text) {
  const auto duration = ParseDuration(text);
  if (!duration) {
    return Invalid(fmt::format("error parsing scrape {}: {}", what, duration.error().message));
  }
  if (*duration == Duration(0)) return Invalid(fmt::format("scrape {} cannot be 0", what));
  return *duration;
}

// As Go's url.URL prints a path.
std::string EscapePath(std::string_view path) {
  constexpr std::string_view kPlain = "-_.~$&+,/:;=@";
  std::string out;
  if (!path.starts_with('/')) out += '/';
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       kPlain.find(c) != kPlain.npos;
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string EncodeParams(const Labels& labels, const ScrapeConfig& config) {
  std::map<std::string, std::vector<std::string>, std::less<>> params(config.params.begin(),
                                                                      config.params.end());
  for (const auto& [name, value] : labels) {
    if (!name.starts_with(kParamPrefix)) continue;
    auto& values = params[std::string(name.substr(kParamPrefix.size()))];
    if (values.empty()) values.emplace_back();
    values[0] = value;
  }
  net::FormValues form;
  for (const auto& [name, values] : params) {
    for (const std::string& value : values) form.Add(name, value);
  }
  return form.Encode();
}

std::string MakeUrl(const Labels& labels, const ScrapeConfig& config) {
  std::string url = fmt::format("{}://{}{}", labels.Get(kScheme), labels.Get(kAddress),
                                EscapePath(labels.Get(kMetricsPath)));
  const std::string query = EncodeParams(labels, config);
  if (!query.empty()) url += "?" + query;
  return url;
}

Status CheckValues(const Labels& labels) {
  for (const auto& [name, value] : labels) {
    if (IsValidUtf8(value)) continue;
    return Invalid(fmt::format("invalid label value for {}: {}", Quote(name), Quote(value)));
  }
  return {};
}

// Without the labels that discovery left for relabelling.
Labels WithoutMeta(const LabelsBuilder& builder) {
  LabelsBuilder kept;
  builder.ForEach([&](std::string_view name, std::string_view value) {
    if (!name.starts_with(kMetaPrefix)) kept.Set(name, value);
  });
  if (kept.Get(kInstanceLabel).empty()) kept.Set(kInstanceLabel, builder.Get(kAddress));
  return kept.Build();
}

Labels PublicLabels(const Labels& labels) {
  LabelsBuilder kept;
  for (const auto& [name, value] : labels) {
    if (!name.starts_with(kReservedPrefix)) kept.Set(name, value);
  }
  return kept.Build();
}

}  // namespace

uint64_t Target::Hash() const {
  return XXH3_64bits_withSeed(url.data(), url.size(), labels.Hash());
}

Labels DiscoveredLabels(const Labels& own, const Labels& group, const ScrapeConfig& config) {
  LabelsBuilder builder(own);
  const auto set_default = [&builder](std::string_view name, std::string_view value) {
    if (builder.Get(name).empty()) builder.Set(name, value);
  };
  for (const auto& [name, value] : group) set_default(name, value);
  set_default(kJobLabel, config.job_name);
  set_default(kScrapeInterval, FormatDuration(config.scrape_interval));
  set_default(kScrapeTimeout, FormatDuration(config.scrape_timeout));
  set_default(kMetricsPath, config.metrics_path);
  set_default(kScheme, config.scheme);
  for (const auto& [name, values] : config.params) {
    if (!values.empty()) set_default(std::string(kParamPrefix) + name, values[0]);
  }
  return builder.Build();
}

Result<std::optional<Target>> MakeTarget(const Labels& discovered, const ScrapeConfig& config) {
  LabelsBuilder builder(discovered);
  if (!Relabel(config.relabel_configs, builder)) return std::nullopt;
  const std::string_view address = builder.Get(kAddress);
  if (address.empty()) return Invalid("no address");
  if (address.find('/') != address.npos) {
    return Invalid(Quote(address) + " is not a valid hostname");
  }
  Target target;
  const std::string_view interval = builder.Get(kScrapeInterval);
  const std::string_view timeout = builder.Get(kScrapeTimeout);
  target.interval = TRY(ParseInterval("interval", interval));
  target.timeout = TRY(ParseInterval("timeout", timeout));
  if (target.timeout > target.interval) {
    return Invalid(fmt::format("scrape timeout cannot be greater than scrape interval ({} > {})",
                               Quote(timeout), Quote(interval)));
  }
  target.labels = WithoutMeta(builder);
  TRY(CheckValues(target.labels));
  target.public_labels = PublicLabels(target.labels);
  target.url = MakeUrl(target.labels, config);
  return target;
}

std::chrono::nanoseconds PhaseGrid(std::chrono::nanoseconds interval, size_t targets) {
  constexpr int64_t kTargetsAWakeup = 16;
  const auto sharers = std::max<int64_t>(static_cast<int64_t>(targets), 1);
  const auto widest = std::min(interval / 10, interval / sharers * kTargetsAWakeup);
  // A few widths only, each of which divides usual intervals.
  for (const int width_ms : {100, 50, 20, 10, 5, 2, 1}) {
    if (const std::chrono::milliseconds width(width_ms); width <= widest) return width;
  }
  return std::chrono::nanoseconds(1);
}

std::chrono::nanoseconds TimeToFirstScrape(const Target& target, const PhaseRule& rule,
                                           std::chrono::nanoseconds since_epoch) {
  const std::chrono::nanoseconds interval = target.interval;
  const auto spread = (target.Hash() ^ rule.seed) % static_cast<uint64_t>(interval.count());
  const std::chrono::nanoseconds phase =
      static_cast<int64_t>(spread) / rule.grid.count() * rule.grid;
  auto now_phase = since_epoch % interval;
  if (now_phase.count() < 0) now_phase += interval;
  return phase >= now_phase ? phase - now_phase : phase - now_phase + interval;
}

std::string GlobalUrl(std::string_view url, std::string_view host_name) {
  const size_t scheme = url.find("://");
  if (scheme == url.npos || host_name.empty()) return std::string(url);
  const size_t begin = scheme + 3;
  for (const std::string_view loopback : {"localhost", "127.0.0.1", "[::1]"}) {
    const std::string_view rest = url.substr(begin);
    if (!rest.starts_with(loopback)) continue;
    const std::string_view after = rest.substr(loopback.size());
    if (!after.empty() && after[0] != ':' && after[0] != '/') continue;
    return fmt::format("{}{}{}", url.substr(0, begin), host_name, after);
  }
  return std::string(url);
}

}  // namespace barograph::server
