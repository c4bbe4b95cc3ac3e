#include "base/yaml/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/model/duration.h"
#include "base/model/number.h"

namespace barograph {
namespace {

std::unexpected<Error> WrongType(const YamlNode& node, std::string_view wanted) {
  return FailAt(node.position,
                fmt::format("cannot unmarshal {} into {}", DescribeYaml(node), wanted));
}

/// The text of an unquoted scalar, which alone may be a number or a truth value.
Result<std::string_view> PlainText(const YamlNode& node, std::string_view wanted) {
  if (node.kind != YamlNode::Kind::kScalar || node.quoted) return WrongType(node, wanted);
  return std::string_view(node.text);
}

template <typename T, typename Parse>
Status ReadParsed(const YamlNode& node, T& out, Parse parse) {
  std::string text;
  TRY(ReadYaml(node, text));
  auto parsed = parse(text);
  if (!parsed) return FailAt(node.position, std::move(parsed.error().message));
  out = *parsed;
  return {};
}

template <typename Integer>
Status ReadInteger(const YamlNode& node, std::string_view type, Integer& out) {
  out = 0;
  if (node.null()) return {};
  const std::string_view text = TRY(PlainText(node, type));
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return WrongType(node, type);
  return {};
}

}  // namespace

Status ReadYaml(const YamlNode& node, std::string& out) {
  if (!node.null() && node.kind != YamlNode::Kind::kScalar) return WrongType(node, "string");
  out = node.text;
  return {};
}

Status ReadYaml(const YamlNode& node, bool& out) {
  out = false;
  if (node.null()) return {};
  static constexpr std::array<std::string_view, 11> kTrue = {
      "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"};
  static constexpr std::array<std::string_view, 11> kFalse = {
      "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"};
  const std::string_view text = TRY(PlainText(node, "bool"));
  out = std::ranges::count(kTrue, text) > 0;
  if (!out && std::ranges::count(kFalse, text) == 0) return WrongType(node, "bool");
  return {};
}

Status ReadYaml(const YamlNode& node, uint64_t& out) { return ReadInteger(node, "uint", out); }
Status ReadYaml(const YamlNode& node, int64_t& out) { return ReadInteger(node, "int64", out); }

Status ReadYaml(const YamlNode& node, double& out) {
  out = 0;
  if (node.null()) return {};
  const std::optional<double> value = ParseValue(TRY(PlainText(node, "float64")));
  if (!value) return WrongType(node, "float64");
  out = *value;
  return {};
}

Status ReadYaml(const YamlNode& node, Duration& out) {
  out = Duration(0);
  return node.null() ? Status() : ReadParsed(node, out, ParseDuration);
}

Status ReadYamlBytes(const YamlNode& node, uint64_t& out) {
  out = 0;
  return node.null() ? Status() : ReadParsed(node, out, ParseBytes);
}

Status ReadYamlLabels(const YamlNode& node, NameValidation scheme, Labels& out) {
  if (!node.null() && node.kind != YamlNode::Kind::kMap)
    return WrongType(node, "map[string]string");
  LabelsBuilder labels;
  for (const YamlEntry& entry : node.entries) {
    std::string value;
    TRY(ReadYaml(entry.value, value));
    if (!IsValidLabelName(entry.key, scheme)) {
      return FailAt(entry.position, Quote(entry.key) + " is not a valid label name");
    }
    if (!IsValidUtf8(value)) {
      return FailAt(entry.value.position, Quote(value) + " is not a valid label value");
    }
    labels.Set(entry.key, value);
  }
  out = labels.Build();
  return {};
}

Result<const std::vector<YamlNode>*> YamlItems(const YamlNode& node) {
  if (!node.null() && node.kind != YamlNode::Kind::kSequence) return WrongType(node, "a list");
  return &node.items;
}

Result<StrictMap> StrictMap::Open(const YamlNode& node, std::string_view type) {
  if (!node.null() && node.kind != YamlNode::Kind::kMap) return WrongType(node, type);
  return StrictMap(node, type);
}

const YamlNode* StrictMap::Take(std::string_view key) {
  for (size_t i = 0; i < node_->entries.size(); ++i) {
    if (node_->entries[i].key != key) continue;
    taken_[i] = true;
    return &node_->entries[i].value;
  }
  return nullptr;
}

Status StrictMap::ReadBytes(std::string_view key, uint64_t& out) {
  const YamlNode* node = Take(key);
  return node == nullptr ? Status() : ReadYamlBytes(*node, out);
}

Status StrictMap::Unsupported(std::string_view key) {
  const YamlNode* node = Take(key);
  if (node == nullptr || node->empty()) return {};
  return FailAt(PositionOf(key), fmt::format("{} is not supported yet", key));
}

Status StrictMap::Finish() const {
  for (size_t i = 0; i < taken_.size(); ++i) {
    if (taken_[i]) continue;
    const YamlEntry& entry = node_->entries[i];
    return FailAt(entry.position, fmt::format("field {} not found in type {}", entry.key, type_));
  }
  return {};
}

TextPosition StrictMap::PositionOf(std::string_view key) const {
  for (const YamlEntry& entry : node_->entries) {
    if (entry.key == key) return entry.position;
  }
  return node_->position;
}

}  // namespace barograph
