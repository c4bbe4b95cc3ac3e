#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/model/labels.h"
#include "base/model/regex.h"
#include "base/result.h"

/// Relabelling: rules that rewrite or refuse label sets (Prometheus, "relabel_config").
namespace barograph {

enum class RelabelAction : uint8_t {
  kReplace,
  kKeep,
  kDrop,
  kKeepEqual,
  kDropEqual,
  kHashMod,
  kLabelMap,
  kLabelDrop,
  kLabelKeep,
  kLowercase,
  kUppercase,
};

/// The action of that name, in any case; nullopt when there is none.
std::optional<RelabelAction> ParseRelabelAction(std::string_view name);
std::string_view ToString(RelabelAction action);

/// One rule as configured. Defaults are those of a field that is left out.
struct RelabelConfig {
  std::vector<std::string> source_labels = {};
  std::string separator = ";";
  std::string regex = "(.*)";
  uint64_t modulus = 0;
  std::string target_label = {};
  std::string replacement = "$1";
  RelabelAction action = RelabelAction::kReplace;

  bool operator==(const RelabelConfig&) const = default;
};

/// A checked rule, ready to apply. Immutable, thread-safe, cheap to copy.
class RelabelRule {
 public:
  /// InvalidArgument with Prometheus's message for combinations that its loader refuses.
  static Result<RelabelRule> Make(RelabelConfig config,
                                  NameValidation names = NameValidation::kUtf8);

  const RelabelConfig& config() const { return config_; }

  /// Edits `labels`; false when the rule drops the set (its content is then unspecified).
  bool Apply(LabelsBuilder& labels) const;

  /// Whether both do the same.
  bool operator==(const RelabelRule& other) const {
    return config_ == other.config_ && names_ == other.names_;
  }

 private:
  RelabelRule(RelabelConfig config, std::shared_ptr<const Regex> regex, NameValidation names)
      : config_(std::move(config)), regex_(std::move(regex)), names_(names) {}

  RelabelConfig config_;
  std::shared_ptr<const Regex> regex_;
  NameValidation names_;
};

using RelabelRules = std::vector<RelabelRule>;

/// Applies the rules in order; false as soon as one drops the set.
bool Relabel(const RelabelRules& rules, LabelsBuilder& labels);

/// Whether `text` may be a target_label template under the legacy scheme: label${1}_x.
bool IsLegacyTargetLabel(std::string_view text);

}  // namespace barograph
