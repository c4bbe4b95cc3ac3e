#include "base/model/relabel.h"

#include <fmt/format.h>

#include "tests/conformance/areas.h"

// relabel.jsonl: rules, and what they make of a label set. validate.jsonl: is a rule valid.
// target_label_legacy_valid.jsonl: is a text a template for a legacy name.

namespace barograph::conformance {
namespace {

namespace json = boost::json;

RelabelConfig ReadConfig(const json::object& fields, const RelabelConfig& defaults) {
  RelabelConfig config;
  config.source_labels = TextsOf(fields, "source_labels");
  config.separator = TextOr(fields, "separator", defaults.separator);
  config.regex = TextOr(fields, "regex", defaults.regex);
  config.modulus = static_cast<uint64_t>(NumberOr(fields, "modulus", 0));
  config.target_label = TextOr(fields, "target_label");
  config.replacement = TextOr(fields, "replacement", defaults.replacement);
  config.action = ParseRelabelAction(TextOr(fields, "action", "replace")).value();
  return config;
}

Result<RelabelRules> ReadRules(const json::object& test) {
  RelabelRules rules;
  for (const json::value& config : test.at("relabel_configs").as_array()) {
    rules.push_back(TRY(RelabelRule::Make(ReadConfig(config.as_object(), {}))));
  }
  return rules;
}

Labels ReadLabels(const json::object& object) {
  LabelsBuilder builder;
  for (const auto& [name, value] : object) builder.Set(std::string_view(name), Text(value));
  return builder.Build();
}

void RunRules(std::string_view id, const json::object& test, Reporter& reporter) {
  const Result<RelabelRules> rules = ReadRules(test);
  if (!rules.has_value()) return reporter.Fail(id, rules.error().message);
  LabelsBuilder labels(ReadLabels(test.at("input").as_object()));
  const std::string got = Relabel(*rules, labels) ? labels.Build().ToString() : "dropped";
  const std::string want = BoolOr(test, "drop", false)
                               ? "dropped"
                               : ReadLabels(test.at("output").as_object()).ToString();
  reporter.Expect(id, got, want);
}

// What is wrong with the rule, empty for nothing.
std::string Validate(const json::object& fields) {
  // An action is a type here, so that only a reader of configurations can meet an empty one.
  if (TextOr(fields, "action").empty()) return "relabel action cannot be empty";
  RelabelConfig empty;
  empty.separator = empty.regex = empty.replacement = "";
  const bool legacy = TextOr(fields, "name_validation_scheme") == "legacy";
  const auto rule = RelabelRule::Make(ReadConfig(fields, empty),
                                      legacy ? NameValidation::kLegacy : NameValidation::kUtf8);
  return rule.has_value() ? "" : rule.error().message;
}

void RunValidate(std::string_view id, const json::object& test, Reporter& reporter) {
  const std::string wrong = Validate(test.at("config").as_object());
  const bool ok = BoolOr(test, "ok", false);
  const std::string expected = TextOr(test, "error_contains");
  if (wrong.empty() == ok && wrong.contains(expected)) return reporter.Pass(id);
  reporter.Fail(id, fmt::format("got:  {}\nwant: {}", wrong, ok ? "no error" : expected));
}

void RunTargetLabel(std::string_view id, const json::object& test, Reporter& reporter) {
  const bool valid = IsLegacyTargetLabel(TextOr(test, "input"));
  reporter.Expect(id, valid ? "valid" : "invalid",
                  BoolOr(test, "valid", false) ? "valid" : "invalid");
}

}  // namespace

void RunRelabel(const std::string& path, Reporter& reporter) {
  const std::string_view name = FileName(path);
  const auto run = name.starts_with("validate")       ? RunValidate
                   : name.starts_with("target_label") ? RunTargetLabel
                                                      : RunRules;
  ForEachCase(path, reporter,
              [&](std::string_view id, const json::object& test) { run(id, test, reporter); });
}

}  // namespace barograph::conformance
