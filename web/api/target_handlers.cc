#include <algorithm>
#include <map>
#include <set>

#include "base/model/duration.h"
#include "web/api/go_time.h"
#include "web/api/handlers.h"
#include "web/api/json_writer.h"

namespace barograph::web {
namespace {

constexpr std::string_view kNever = "0001-01-01T00:00:00Z";  // Go's zero time

std::string_view ToString(TargetHealth health) {
  switch (health) {
    case TargetHealth::kUnknown: return "unknown";
    case TargetHealth::kUp: return "up";
    case TargetHealth::kDown: return "down";
  }
  return "unknown";
}

void WriteActive(JsonWriter& json, const ActiveTarget& target) {
  json.BeginObject();
  json.Key("discoveredLabels");
  json.LabelSet(target.discovered_labels);
  json.Key("labels");
  json.LabelSet(target.labels);
  json.Key("scrapePool");
  json.String(target.scrape_pool);
  json.Key("scrapeUrl");
  json.String(target.scrape_url);
  json.Key("globalUrl");
  json.String(target.global_url);
  json.Key("lastError");
  json.String(target.last_error);
  json.Key("lastScrape");
  json.String(ToMs(target.last_scrape) == 0 ? std::string(kNever)
                                            : FormatGoTime(target.last_scrape));
  json.Key("lastScrapeDuration");
  json.Number(target.last_scrape_seconds);
  json.Key("health");
  json.String(ToString(target.health));
  json.Key("scrapeInterval");
  json.String(FormatDuration(target.scrape_interval));
  json.Key("scrapeTimeout");
  json.String(FormatDuration(target.scrape_timeout));
  json.EndObject();
}

void WriteDropped(JsonWriter& json, const DroppedTarget& target) {
  json.BeginObject();
  json.Key("discoveredLabels");
  json.LabelSet(target.discovered_labels);
  json.Key("scrapePool");
  json.String(target.scrape_pool);
  json.EndObject();
}

/// The targets of one pool, or of all, by pool.
template <typename Target>
void WriteTargets(JsonWriter& json, const std::vector<Target>& targets, std::string_view pool,
                  void (*write)(JsonWriter&, const Target&)) {
  std::multimap<std::string_view, const Target*> by_pool;
  for (const auto& target : targets)
    if (pool.empty() || target.scrape_pool == pool) by_pool.emplace(target.scrape_pool, &target);
  json.BeginArray();
  for (const auto& [name, target] : by_pool) write(json, *target);
  json.EndArray();
}

void WriteCounts(JsonWriter& json, const std::map<std::string, size_t>& counts) {
  json.BeginObject();
  for (const auto& [pool, count] : counts) {
    json.Key(pool);
    json.Int(static_cast<int64_t>(count));
  }
  json.EndObject();
}

}  // namespace

ApiResult HandleTargets(const ApiContext& context, const ApiRequest& request) {
  std::string state(request.url.Get("state"));
  std::ranges::transform(state, state.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  const bool all = state.empty() || state == "any";
  const bool show_active = all || state == "active";
  const bool show_dropped = all || state == "dropped";
  const std::string_view pool = request.url.Get("scrapePool");
  TargetsSnapshot targets = context.state.Targets();

  JsonWriter json;
  json.BeginObject();
  json.Key("activeTargets");
  if (!show_active) targets.active.clear();
  WriteTargets(json, targets.active, pool, WriteActive);
  json.Key("droppedTargets");
  if (!show_dropped) targets.dropped.clear();
  WriteTargets(json, targets.dropped, pool, WriteDropped);
  json.Key("droppedTargetCounts");
  if (show_dropped) {
    WriteCounts(json, targets.dropped_counts);
  } else {
    json.Null();
  }
  json.EndObject();
  return ApiData{.json = json.Take(), .warnings = {}, .infos = {}};
}

ApiResult HandleScrapePools(const ApiContext& context, const ApiRequest&) {
  const TargetsSnapshot targets = context.state.Targets();
  std::set<std::string_view> pools;
  for (const auto& target : targets.active) pools.insert(target.scrape_pool);
  for (const auto& [pool, count] : targets.dropped_counts) pools.insert(pool);
  JsonWriter json;
  json.BeginObject();
  json.Key("scrapePools");
  json.BeginArray();
  for (const auto& pool : pools) json.String(pool);
  json.EndArray();
  json.EndObject();
  return ApiData{.json = json.Take(), .warnings = {}, .infos = {}};
}

}  // namespace barograph::web
