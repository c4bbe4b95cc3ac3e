#include <fmt/format.h>

#include "base/model/number.h"
#include "server/config/sections.h"

namespace barograph::server {
namespace {

Result<RelabelRule> ReadRelabelRule(const YamlNode& node, NameValidation names) {
  StrictMap map = TRY(StrictMap::Open(node, "relabel.plain"));
  RelabelConfig config;
  TRY(map.Read("source_labels", config.source_labels));
  TRY(map.Read("separator", config.separator));
  TRY(map.Read("regex", config.regex));
  TRY(map.Read("modulus", config.modulus));
  TRY(map.Read("target_label", config.target_label));
  TRY(map.Read("replacement", config.replacement));
  if (const YamlNode* action = map.Take("action")) {
    std::string name;
    TRY(ReadYaml(*action, name));
    const std::optional<RelabelAction> known = ParseRelabelAction(name);
    if (!known) {
      return FailAt(action->position, fmt::format("unknown relabel action {}", Quote(name)));
    }
    config.action = *known;
  }
  TRY(map.Finish());
  auto rule = RelabelRule::Make(std::move(config), names);
  if (!rule) return FailAt(node.position, std::move(rule.error().message));
  return rule;
}

}  // namespace

Status ReadRelabelRules(StrictMap& map, std::string_view key, std::string_view what,
                        NameValidation names, RelabelRules& out) {
  const YamlNode* node = map.Take(key);
  if (node == nullptr) return {};
  const std::vector<YamlNode>* items = TRY(YamlItems(*node));
  for (const YamlNode& item : *items) {
    if (item.null()) return FailAt(item.position, fmt::format("empty or null {}", what));
    out.push_back(TRY(ReadRelabelRule(item, names)));
  }
  return {};
}

}  // namespace barograph::server
