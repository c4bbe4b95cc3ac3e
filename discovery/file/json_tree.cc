#include "discovery/file/json_tree.h"

#include <algorithm>
#include <boost/json.hpp>
#include <string>

namespace barograph::discovery {
namespace {

namespace json = boost::json;

YamlNode Convert(const json::value& from) {
  YamlNode node;
  if (const json::string* text = from.if_string()) {
    node.kind = YamlNode::Kind::kScalar;
    node.text = *text;
    node.quoted = true;
  } else if (const json::array* items = from.if_array()) {
    node.kind = YamlNode::Kind::kSequence;
    for (const json::value& item : *items) node.items.push_back(Convert(item));
  } else if (const json::object* entries = from.if_object()) {
    node.kind = YamlNode::Kind::kMap;
    for (const auto& [key, value] : *entries) {
      node.entries.push_back({std::string(key), TextPosition{0, 0}, Convert(value)});
    }
  } else if (!from.is_null()) {
    node.kind = YamlNode::Kind::kScalar;
    node.text = json::serialize(from);
  }
  return node;
}

TextPosition PositionOf(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = std::ranges::count(before, '\n') + 1;
  const size_t last_line = before.rfind('\n');
  const size_t column = last_line == before.npos ? before.size() : before.size() - last_line - 1;
  return {static_cast<int>(line), static_cast<int>(column) + 1};
}

}  // namespace

Result<YamlNode> ParseJsonTree(std::string_view text) {
  json::stream_parser parser;
  boost::system::error_code error;
  const size_t used = parser.write(text.data(), text.size(), error);
  if (!error) parser.finish(error);
  if (error) return FailAt(PositionOf(text, used), "bad JSON: " + error.message());
  return Convert(parser.release());
}

}  // namespace barograph::discovery
