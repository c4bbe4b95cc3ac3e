#include "base/model/relabel.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/bytes/utf8.h"
#include "base/model/number.h"

namespace barograph {
namespace {

struct ActionName {
  RelabelAction action;
  std::string_view name;
};

constexpr ActionName kActionNames[] = {
    {RelabelAction::kReplace, "replace"},     {RelabelAction::kKeep, "keep"},
    {RelabelAction::kDrop, "drop"},           {RelabelAction::kKeepEqual, "keepequal"},
    {RelabelAction::kDropEqual, "dropequal"}, {RelabelAction::kHashMod, "hashmod"},
    {RelabelAction::kLabelMap, "labelmap"},   {RelabelAction::kLabelDrop, "labeldrop"},
    {RelabelAction::kLabelKeep, "labelkeep"}, {RelabelAction::kLowercase, "lowercase"},
    {RelabelAction::kUppercase, "uppercase"},
};

bool IsWord(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool HasReference(std::string_view text) { return text.contains('$'); }

// A name that may hold $references. Under UTF-8 a dollar is as good as any other character.
bool IsTemplate(std::string_view text, NameValidation names) {
  return names == NameValidation::kUtf8 ? IsUtf8Name(text) : IsLegacyTargetLabel(text);
}

// What each group of actions asks of a configuration. A check returns what is wrong, or nothing.
class Checker {
 public:
  Checker(const RelabelConfig& config, NameValidation names)
      : config_(config), names_(names), action_(ToString(config.action)) {}

  std::string Check() const {
    switch (config_.action) {
      case RelabelAction::kReplace: return CheckReplace();
      case RelabelAction::kHashMod: return CheckHashMod();
      case RelabelAction::kLabelMap: return CheckLabelMap();
      case RelabelAction::kLowercase:
      case RelabelAction::kUppercase: return CheckFixedTarget();
      case RelabelAction::kKeepEqual:
      case RelabelAction::kDropEqual: return CheckEqual();
      case RelabelAction::kLabelDrop:
      case RelabelAction::kLabelKeep: return CheckLabelNames();
      case RelabelAction::kKeep:
      case RelabelAction::kDrop: return "";
    }
    return "";
  }

 private:
  std::string CheckHasTarget() const {
    if (!config_.target_label.empty()) return "";
    return fmt::format("relabel configuration for {} action requires 'target_label' value",
                       action_);
  }

  std::string InvalidTarget() const {
    return fmt::format("{} is invalid 'target_label' for {} action", Quote(config_.target_label),
                       action_);
  }

  std::string CheckReplace() const {
    if (std::string wrong = CheckHasTarget(); !wrong.empty()) return wrong;
    const bool valid = HasReference(config_.target_label)
                           ? IsTemplate(config_.target_label, names_)
                           : IsValidLabelName(config_.target_label, names_);
    return valid ? "" : InvalidTarget();
  }

  std::string CheckHashMod() const {
    if (config_.modulus == 0) {
      return "relabel configuration for hashmod requires non-zero modulus";
    }
    if (std::string wrong = CheckHasTarget(); !wrong.empty()) return wrong;
    return IsValidLabelName(config_.target_label, names_) ? "" : InvalidTarget();
  }

  std::string CheckLabelMap() const {
    if (IsTemplate(config_.replacement, names_)) return "";
    return fmt::format("{} is invalid 'replacement' for {} action", Quote(config_.replacement),
                       action_);
  }

  std::string CheckFixedTarget() const {
    if (std::string wrong = CheckHasTarget(); !wrong.empty()) return wrong;
    if (!IsValidLabelName(config_.target_label, names_)) return InvalidTarget();
    if (config_.replacement == defaults_.replacement) return "";
    return fmt::format("'replacement' can not be set for {} action", action_);
  }

  std::string CheckEqual() const {
    if (std::string wrong = CheckFixedTarget(); !wrong.empty()) return wrong;
    const bool only_labels = config_.regex == defaults_.regex && config_.modulus == 0 &&
                             config_.separator == defaults_.separator;
    if (only_labels) return "";
    return fmt::format(
        "{} action requires only 'source_labels' and `target_label`, and no other fields", action_);
  }

  std::string CheckLabelNames() const {
    const bool only_regex = config_.source_labels.empty() && config_.target_label.empty() &&
                            config_.modulus == 0 && config_.separator == defaults_.separator &&
                            config_.replacement == defaults_.replacement;
    if (only_regex) return "";
    return fmt::format("{} action requires only 'regex', and no other fields", action_);
  }

  const RelabelConfig defaults_;

  const RelabelConfig& config_;
  NameValidation names_;
  std::string_view action_;
};

// The last 8 bytes of the MD5 sum, big-endian, as Prometheus has always spread targets.
std::optional<uint64_t> HashOf(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  const int done = EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_md5(), nullptr);
  if (done != 1 || size != 16) return std::nullopt;
  uint64_t hash = 0;
  for (size_t i = 8; i < 16; ++i) hash = hash << 8 | digest[i];
  return hash;
}

std::string JoinSources(const RelabelConfig& config, const LabelsBuilder& labels) {
  std::string joined;
  for (size_t i = 0; i < config.source_labels.size(); ++i) {
    if (i > 0) joined += config.separator;
    joined += labels.Get(config.source_labels[i]);
  }
  return joined;
}

void Replace(const RelabelConfig& config, const Regex& regex, NameValidation names,
             LabelsBuilder& labels) {
  const std::string source = JoinSources(config, labels);
  const std::optional<std::string> value = regex.Expand(source, config.replacement);
  if (!value.has_value()) return;
  if (!HasReference(config.target_label)) {
    labels.Set(config.target_label, *value);
    return;
  }
  const std::string target = *regex.Expand(source, config.target_label);
  if (IsValidLabelName(target, names)) labels.Set(target, *value);
}

void MapLabels(const RelabelConfig& config, const Regex& regex, LabelsBuilder& labels) {
  std::vector<std::pair<std::string, std::string>> mapped;
  labels.ForEach([&](std::string_view name, std::string_view value) {
    std::optional<std::string> target = regex.Expand(name, config.replacement);
    if (target.has_value() && !target->empty()) mapped.emplace_back(std::move(*target), value);
  });
  for (const auto& [name, value] : mapped) labels.Set(name, value);
}

void DeleteLabels(const Regex& regex, bool delete_matching, LabelsBuilder& labels) {
  std::vector<std::string> deleted;
  labels.ForEach([&](std::string_view name, std::string_view) {
    if (regex.Matches(name) == delete_matching) deleted.emplace_back(name);
  });
  for (const std::string& name : deleted) labels.Delete(name);
}

}  // namespace

std::optional<RelabelAction> ParseRelabelAction(std::string_view name) {
  const auto found = std::ranges::find(kActionNames, ToLower(name), &ActionName::name);
  if (found == std::end(kActionNames)) return std::nullopt;
  return found->action;
}

std::string_view ToString(RelabelAction action) {
  return std::ranges::find(kActionNames, action, &ActionName::action)->name;
}

Result<RelabelRule> RelabelRule::Make(RelabelConfig config, NameValidation names) {
  std::shared_ptr<const Regex> regex = TRY(Regex::Compile(config.regex));
  if (std::string wrong = Checker(config, names).Check(); !wrong.empty()) {
    return Fail(ErrorCode::kInvalidArgument, std::move(wrong));
  }
  if (config.action == RelabelAction::kHashMod && !HashOf("").has_value()) {
    return Fail(ErrorCode::kUnavailable, "hashmod needs MD5, which this OpenSSL does not offer");
  }
  return RelabelRule(std::move(config), std::move(regex), names);
}

bool RelabelRule::Apply(LabelsBuilder& labels) const {
  const auto source = [&] { return JoinSources(config_, labels); };
  switch (config_.action) {
    case RelabelAction::kReplace: Replace(config_, *regex_, names_, labels); return true;
    case RelabelAction::kKeep: return regex_->Matches(source());
    case RelabelAction::kDrop: return !regex_->Matches(source());
    case RelabelAction::kKeepEqual: return labels.Get(config_.target_label) == source();
    case RelabelAction::kDropEqual: return labels.Get(config_.target_label) != source();
    case RelabelAction::kHashMod:
      labels.Set(config_.target_label,
                 std::to_string(HashOf(source()).value_or(0) % config_.modulus));
      return true;
    case RelabelAction::kLabelMap: MapLabels(config_, *regex_, labels); return true;
    case RelabelAction::kLabelDrop: DeleteLabels(*regex_, true, labels); return true;
    case RelabelAction::kLabelKeep: DeleteLabels(*regex_, false, labels); return true;
    case RelabelAction::kLowercase:
      labels.Set(config_.target_label, ToLower(source()));
      return true;
    case RelabelAction::kUppercase:
      labels.Set(config_.target_label, ToUpper(source()));
      return true;
  }
  return true;
}

bool Relabel(const RelabelRules& rules, LabelsBuilder& labels) {
  return std::ranges::all_of(rules, [&](const RelabelRule& rule) { return rule.Apply(labels); });
}

bool IsLegacyTargetLabel(std::string_view text) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  while (!text.empty()) {
    if (IsWord(text[0])) {
      text.remove_prefix(1);
      continue;
    }
    if (text[0] != '$') return false;
    text.remove_prefix(1);
    const bool braces = text.starts_with('{');
    if (braces) text.remove_prefix(1);
    const auto name_end = std::ranges::find_if_not(text, IsWord);
    if (name_end == text.begin()) return false;
    text.remove_prefix(static_cast<size_t>(name_end - text.begin()));
    if (braces && !text.starts_with('}')) return false;
    if (braces) text.remove_prefix(1);
  }
  return true;
}

}  // namespace barograph
