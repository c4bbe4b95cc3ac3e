#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Writes block YAML the way Go's YAML encoder lays it out: two spaces a level, the items of a
/// list at the column of its key, strings plain where they read back as the same string.
namespace barograph {

/// Keys in calling order. Not thread-safe.
class YamlWriter {
 public:
  void Field(std::string_view key, std::string_view value);  ///< a string, quoted where needed
  void Field(std::string_view key, const char* value) { Field(key, std::string_view(value)); }
  void Field(std::string_view key, bool value);
  void Field(std::string_view key, uint64_t value);
  void Field(std::string_view key, int64_t value);
  void Field(std::string_view key, double value);
  void Field(std::string_view key, const std::vector<std::string>& values);
  void FlowField(std::string_view key, const std::vector<std::string>& values);  ///< [a, b]

  /// Opens a map under `key`; what follows belongs to it until EndMap.
  void BeginMap(std::string_view key);
  void EndMap() { indent_ -= 2; }

  /// A list of maps: BeginList, then for each item BeginItem, its fields, EndItem; then EndList.
  void BeginList(std::string_view key) { Key(key, ""); }
  void BeginItem();
  void EndItem() { indent_ -= 2; }
  void EndList() {}

  const std::string& text() const { return text_; }

 private:
  void Key(std::string_view key, std::string_view rest);
  void Line(std::string_view text);

  std::string text_;
  size_t indent_ = 0;
  bool at_item_ = false;  // the next line starts a list item
};

/// `text` as a YAML scalar that reads back as that string.
std::string YamlScalar(std::string_view text);

}  // namespace barograph
