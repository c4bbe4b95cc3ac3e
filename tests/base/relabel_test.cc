#include "base/model/relabel.h"

#include <catch2/catch.hpp>

namespace barograph {
namespace {

std::string Applied(RelabelConfig config, const Labels& labels,
                    NameValidation names = NameValidation::kUtf8) {
  const auto rule = RelabelRule::Make(std::move(config), names);
  if (!rule.has_value()) return "error: " + rule.error().message;
  LabelsBuilder builder(labels);
  return Relabel({*rule}, builder) ? builder.Build().ToString() : "dropped";
}

TEST_CASE("Replace writes the expansion to the target, whose name may be expanded too") {
  const Labels labels{{"a", "foo"}, {"b", "bar"}};
  CHECK(Applied({.source_labels = {"a", "b"}, .target_label = "c"}, labels) ==
        R"({a="foo", b="bar", c="foo;bar"})");
  CHECK(Applied({.source_labels = {"a", "x", "b"}, .separator = "-", .target_label = "c"},
                labels) == R"({a="foo", b="bar", c="foo--bar"})");
  CHECK(Applied({.source_labels = {"a"},
                 .regex = "f(o)(o)",
                 .target_label = "${1}_$2",
                 .replacement = "x$$"},
                labels) == R"({a="foo", b="bar", o_o="x$"})");
  CHECK(Applied({.source_labels = {"a"}, .regex = "no", .target_label = "a", .replacement = "x"},
                labels) == R"({a="foo", b="bar"})");
}

TEST_CASE("Replace by nothing deletes, and an invalid target changes nothing") {
  const Labels labels{{"a", "foo"}, {"b", "x y"}};
  CHECK(Applied({.source_labels = {"a"}, .target_label = "b", .replacement = ""}, labels) ==
        R"({a="foo"})");
  CHECK(Applied({.source_labels = {"none"}, .target_label = "a"}, labels) == R"({b="x y"})");
  CHECK(Applied({.target_label = "a", .replacement = "static"}, labels) ==
        R"({a="static", b="x y"})");
  CHECK(Applied({.source_labels = {"b"}, .target_label = "$1", .replacement = "v"}, labels,
                NameValidation::kLegacy) == R"({a="foo", b="x y"})");
  CHECK(Applied({.source_labels = {"b"}, .target_label = "$1", .replacement = "v"}, labels) ==
        R"({a="foo", b="x y", "x y"="v"})");
  CHECK(Applied({.source_labels = {"a"}, .target_label = "${2}", .replacement = "v"}, labels) ==
        R"({a="foo", b="x y"})");
}

TEST_CASE("Keep, drop and their comparing forms decide on the whole set") {
  const Labels labels{{"a", "foo"}, {"b", "foo"}};
  using enum RelabelAction;
  CHECK(Applied({.source_labels = {"a"}, .regex = "fo+", .action = kKeep}, labels) != "dropped");
  CHECK(Applied({.source_labels = {"a"}, .regex = "fo", .action = kKeep}, labels) == "dropped");
  CHECK(Applied({.source_labels = {"a"}, .regex = "fo+", .action = kDrop}, labels) == "dropped");
  CHECK(Applied({.source_labels = {"a"}, .regex = "fo", .action = kDrop}, labels) != "dropped");
  CHECK(Applied({.source_labels = {"a"}, .target_label = "b", .action = kKeepEqual}, labels) !=
        "dropped");
  CHECK(Applied({.source_labels = {"a"}, .target_label = "c", .action = kKeepEqual}, labels) ==
        "dropped");
  CHECK(Applied({.source_labels = {"a"}, .target_label = "b", .action = kDropEqual}, labels) ==
        "dropped");
  CHECK(Applied({.source_labels = {"c"}, .target_label = "d", .action = kDropEqual}, labels) ==
        "dropped");
}

TEST_CASE("Hashmod takes the last eight bytes of the MD5 sum") {
  // md5("foo") is acbd18db4cc2f85cedef654fccc4a4d8.
  CHECK(Applied({.source_labels = {"a"},
                 .modulus = UINT64_MAX,
                 .target_label = "h",
                 .action = RelabelAction::kHashMod},
                Labels{{"a", "foo"}}) == "{a=\"foo\", h=\"17145033699835028696\"}");
}

TEST_CASE("Label names are mapped, dropped and kept by pattern") {
  const Labels labels{{"m_a", "1"}, {"m_b", "2"}, {"z", "3"}};
  using enum RelabelAction;
  CHECK(Applied({.regex = "m_(.*)", .action = kLabelMap}, labels) ==
        R"({a="1", b="2", m_a="1", m_b="2", z="3"})");
  CHECK(Applied({.regex = "m_()(a|b)", .action = kLabelMap}, labels) ==
        R"({m_a="1", m_b="2", z="3"})");
  CHECK(Applied({.regex = "m_.*", .action = kLabelDrop}, labels) == R"({z="3"})");
  CHECK(Applied({.regex = "m_.*", .action = kLabelKeep}, labels) == R"({m_a="1", m_b="2"})");
}

TEST_CASE("Case is changed as Unicode maps it") {
  const Labels labels{{"a", "ÀÉǅßΣИ1z\u0130\u1fb3"}};
  using enum RelabelAction;
  CHECK(Applied({.source_labels = {"a"}, .target_label = "a", .action = kLowercase}, labels) ==
        "{a=\"àéǆßσи1zi\u1fb3\"}");
  CHECK(Applied({.source_labels = {"a"}, .target_label = "a", .action = kUppercase}, labels) ==
        "{a=\"ÀÉǄßΣИ1Z\u0130\u1fbc\"}");
  CHECK(Applied({.source_labels = {"a"}, .target_label = "a", .action = kUppercase},
                Labels{{"a",
                        "\xff"
                        "a"}}) == "{a=\"\ufffdA\"}");
}

TEST_CASE("Rules apply in order, and the first that drops ends it") {
  const auto rule = [](RelabelConfig config) { return RelabelRule::Make(config).value(); };
  const RelabelRules rules = {
      rule({.source_labels = {"a"}, .target_label = "b"}),
      rule({.source_labels = {"b"}, .regex = "1", .action = RelabelAction::kKeep}),
      rule({.target_label = "c", .replacement = "x"}),
  };
  LabelsBuilder kept(Labels{{"a", "1"}}), dropped(Labels{{"a", "2"}});
  CHECK(Relabel(rules, kept));
  CHECK(kept.Build() == Labels{{"a", "1"}, {"b", "1"}, {"c", "x"}});
  CHECK_FALSE(Relabel(rules, dropped));
}

TEST_CASE("Rules that Prometheus refuses are refused with its words") {
  using enum RelabelAction;
  const auto wrong = [](RelabelConfig config, NameValidation names = NameValidation::kUtf8) {
    const auto rule = RelabelRule::Make(std::move(config), names);
    return rule.has_value() ? "" : rule.error().message;
  };
  CHECK(wrong({.action = kReplace}) ==
        "relabel configuration for replace action requires 'target_label' value");
  CHECK(wrong({.target_label = "a", .action = kHashMod}) ==
        "relabel configuration for hashmod requires non-zero modulus");
  CHECK(wrong({.modulus = 2, .action = kHashMod}) ==
        "relabel configuration for hashmod action requires 'target_label' value");
  CHECK(wrong({.target_label = "a-b"}, NameValidation::kLegacy) ==
        "\"a-b\" is invalid 'target_label' for replace action");
  CHECK(wrong({.target_label = "a-$1"}, NameValidation::kLegacy) ==
        "\"a-$1\" is invalid 'target_label' for replace action");
  CHECK(wrong({.target_label = "a-$1"}).empty());
  CHECK(wrong({.target_label = "\xff"}) ==
        "\"\\xff\" is invalid 'target_label' for replace action");
  CHECK(wrong({.target_label = "${3}", .replacement = "x", .action = kLowercase}) ==
        "'replacement' can not be set for lowercase action");
  CHECK(wrong({.replacement = "a-$1", .action = kLabelMap}, NameValidation::kLegacy) ==
        "\"a-$1\" is invalid 'replacement' for labelmap action");
  CHECK(wrong({.separator = ",", .target_label = "a", .action = kKeepEqual}) ==
        "keepequal action requires only 'source_labels' and `target_label`, and no other fields");
  CHECK(wrong({.source_labels = {"a"}, .action = kLabelDrop}) ==
        "labeldrop action requires only 'regex', and no other fields");
  CHECK(wrong({.regex = "(", .target_label = "a"}) ==
        "error parsing regexp: missing closing ): `(`");
}

TEST_CASE("Actions have their names, in any case") {
  CHECK(ParseRelabelAction("LabelDrop") == RelabelAction::kLabelDrop);
  CHECK(ToString(RelabelAction::kHashMod) == "hashmod");
  CHECK_FALSE(ParseRelabelAction("").has_value());
  CHECK_FALSE(ParseRelabelAction("replaceall").has_value());
}

TEST_CASE("A legacy target label may hold references") {
  for (const char* text :
       {"a", "_", "a1", "label${1}", "${1}label", "$1", "foo${bar}foo", "$1$2", "a$b9"}) {
    CHECK(IsLegacyTargetLabel(text));
  }
  for (const char* text : {"", "1a", "-a", "$", "${}", "${1", "$-", "a.b", "foo${bar}-", "$$1"}) {
    CHECK_FALSE(IsLegacyTargetLabel(text));
  }
}

}  // namespace
}  // namespace barograph
