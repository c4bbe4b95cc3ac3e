#include "base/yaml/node.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <optional>

#include "base/yaml/base64.h"

namespace barograph {
namespace {

constexpr size_t kMaxNodes = 4'000'000;
constexpr int kMaxMergeDepth = 16;

TextPosition PositionOf(const YAML::Mark& mark) {
  return mark.is_null() ? TextPosition{0, 0} : TextPosition{mark.line + 1, mark.column + 1};
}

/// Where a value that is not written stands: the library points at what comes after it, so this
/// goes back to the dash or colon before.
TextPosition PositionOfNothing(std::string_view text, const YAML::Mark& mark) {
  if (mark.is_null()) return {0, 0};
  const auto after = std::min(static_cast<size_t>(mark.pos), text.size());
  const size_t end = text.find_last_not_of(" \t\r\n", after == 0 ? 0 : after - 1);
  const bool written = after < text.size() && (text[after] == '~' || text[after] == 'n');
  if (written || end == text.npos || (text[end] != '-' && text[end] != ':')) {
    return PositionOf(mark);
  }
  const std::string_view before = text.substr(0, end);
  const auto lines = std::ranges::count(before, '\n');
  return {static_cast<int>(lines) + 1, static_cast<int>(end - (before.rfind('\n') + 1)) + 1};
}

/// Copies the library's tree into ours and checks what it lets pass.
class Converter {
 public:
  explicit Converter(const std::string& text) : text_(text) {}

  Result<YamlNode> Convert(const YAML::Node& from) {
    if (++nodes_ > kMaxNodes)
      return Fail(ErrorCode::kLimitExceeded, "the YAML document is too large");
    YamlNode node;
    node.position = PositionOf(from.Mark());
    switch (from.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null: node.position = PositionOfNothing(text_, from.Mark()); break;
      case YAML::NodeType::Scalar: TRY(ConvertScalar(from, node)); break;
      case YAML::NodeType::Sequence: TRY(ConvertSequence(from, node)); break;
      case YAML::NodeType::Map: TRY(ConvertMap(from, node)); break;
    }
    return node;
  }

 private:
  static Status ConvertScalar(const YAML::Node& from, YamlNode& node) {
    const std::string& tag = from.Tag();
    node.kind = YamlNode::Kind::kScalar;
    node.text = from.Scalar();
    node.quoted = tag != "?" && !tag.empty();
    if (tag == "tag:yaml.org,2002:binary") {
      auto bytes = DecodeBase64(node.text);
      if (!bytes) return FailAt(node.position, "!!binary value contains invalid base64 data");
      node.text = *std::move(bytes);
    } else if (!node.quoted && (node.text == "null" || node.text == "~")) {
      node.kind = YamlNode::Kind::kNull;
      node.text.clear();
    }
    return {};
  }

  Status ConvertSequence(const YAML::Node& from, YamlNode& node) {
    node.kind = YamlNode::Kind::kSequence;
    node.items.reserve(from.size());
    for (const YAML::Node& item : from) node.items.push_back(TRY(Convert(item)));
    return {};
  }

  Status ConvertMap(const YAML::Node& from, YamlNode& node) {
    node.kind = YamlNode::Kind::kMap;
    std::vector<YamlNode> merged;
    for (const auto& pair : from) {
      YamlNode key = TRY(Convert(pair.first));
      if (key.kind != YamlNode::Kind::kScalar) {
        return FailAt(key.position, "a map key must be a scalar");
      }
      if (key.text == "<<" && !key.quoted) {
        merged.push_back(TRY(Convert(pair.second)));
        continue;
      }
      if (Find(node, key.text)) {
        return FailAt(key.position, fmt::format("key \"{}\" already set in map", key.text));
      }
      node.entries.push_back({std::move(key.text), key.position, TRY(Convert(pair.second))});
    }
    for (const YamlNode& more : merged) TRY(Merge(more, node, 0));
    return {};
  }

  static bool Find(const YamlNode& map, std::string_view key) {
    return std::ranges::any_of(map.entries, [&](const YamlEntry& e) { return e.key == key; });
  }

  static Status Merge(const YamlNode& more, YamlNode& into, int depth) {
    if (more.kind == YamlNode::Kind::kSequence && depth < kMaxMergeDepth) {
      for (const YamlNode& item : more.items) TRY(Merge(item, into, depth + 1));
      return {};
    }
    if (more.kind != YamlNode::Kind::kMap) {
      return FailAt(more.position, "map merge requires map or sequence of maps as the value");
    }
    for (const YamlEntry& entry : more.entries) {
      if (!Find(into, entry.key)) into.entries.push_back(entry);
    }
    return {};
  }

  const std::string& text_;
  size_t nodes_ = 0;
};

}  // namespace

bool YamlNode::empty() const { return text.empty() && items.empty() && entries.empty(); }

Result<YamlNode> ParseYaml(std::string_view text) {
  try {
    const std::string document(text);
    return Converter(document).Convert(YAML::Load(document));
  } catch (const YAML::Exception& error) {
    return FailAt(PositionOf(error.mark), error.msg);
  }
}

std::unexpected<Error> FailAt(TextPosition position, std::string message) {
  Error error{ErrorCode::kInvalidArgument, std::move(message)};
  if (position.line > 0) error.position = position;
  return std::unexpected(std::move(error));
}

std::string DescribeYaml(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull: return "!!null";
    case YamlNode::Kind::kSequence: return "!!seq";
    case YamlNode::Kind::kMap: return "!!map";
    case YamlNode::Kind::kScalar: break;
  }
  static constexpr size_t kShown = 10;  // long values are secrets as often as not
  const std::string shown =
      node.text.size() > kShown ? node.text.substr(0, kShown - 3) + "..." : node.text;
  return fmt::format("!!str `{}`", shown);
}

}  // namespace barograph
