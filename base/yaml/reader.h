#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/model/labels.h"
#include "base/result.h"
#include "base/time.h"
#include "base/yaml/node.h"

/// Reads typed values out of a YAML tree, strictly: a value of the wrong type and a key that
/// nobody asked for are errors that name line and column, in the words Prometheus's loader uses.
namespace barograph {

/// Each reads `node` into `out`; null gives the type's zero value, as Go's YAML decoder does.
Status ReadYaml(const YamlNode& node, std::string& out);
Status ReadYaml(const YamlNode& node, bool& out);
Status ReadYaml(const YamlNode& node, uint64_t& out);
Status ReadYaml(const YamlNode& node, int64_t& out);
Status ReadYaml(const YamlNode& node, double& out);
Status ReadYaml(const YamlNode& node, Duration& out);       ///< 1h30m
Status ReadYamlBytes(const YamlNode& node, uint64_t& out);  ///< 512MB

/// A map of names to values; names are checked under `scheme`, values must be UTF-8.
Status ReadYamlLabels(const YamlNode& node, NameValidation scheme, Labels& out);

/// The items of a sequence; none for null.
Result<const std::vector<YamlNode>*> YamlItems(const YamlNode& node);

template <typename T>
Status ReadYaml(const YamlNode& node, std::vector<T>& out) {
  const std::vector<YamlNode>* items = TRY(YamlItems(node));
  out.clear();
  for (const YamlNode& item : *items) TRY(ReadYaml(item, out.emplace_back()));
  return {};
}

/// A map whose keys are taken one by one; Finish fails when one is left. Borrows the node.
class StrictMap {
 public:
  /// `type` is what errors call this map, such as "config.plain". A null node is an empty map.
  static Result<StrictMap> Open(const YamlNode& node, std::string_view type);

  /// The value under `key`, or nullptr when there is none. Marks the key as known.
  const YamlNode* Take(std::string_view key);

  /// Reads the value under `key` into `out`, which keeps what it has when there is none.
  template <typename T>
  Status Read(std::string_view key, T& out) {
    const YamlNode* node = Take(key);
    return node == nullptr ? Status() : ReadYaml(*node, out);
  }
  Status ReadBytes(std::string_view key, uint64_t& out);

  /// A key of Prometheus that this server does not know yet: an error unless it is empty.
  Status Unsupported(std::string_view key);

  /// InvalidArgument `field x not found in type y` for the first key that was never taken.
  Status Finish() const;

  TextPosition position() const { return node_->position; }
  /// Where the value under `key` stands, or the map when there is none.
  TextPosition PositionOf(std::string_view key) const;

 private:
  StrictMap(const YamlNode& node, std::string_view type)
      : node_(&node), type_(type), taken_(node.entries.size()) {}

  const YamlNode* node_;
  std::string type_;
  std::vector<bool> taken_;
};

}  // namespace barograph
