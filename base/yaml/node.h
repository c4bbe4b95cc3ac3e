#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

/// A YAML document as a plain tree that knows where each part stands in the text, so that what
/// reads a configuration can say where it is wrong. The one user of the YAML library is node.cc.
namespace barograph {

struct YamlEntry;

/// Anchors are resolved: an alias is a copy of what it names. Merge keys (`<<`) are applied.
struct YamlNode {
  enum class Kind : uint8_t { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  std::string text;                ///< of a scalar; !!binary is decoded
  bool quoted = false;             ///< the scalar is a string whatever it looks like
  std::vector<YamlNode> items;     ///< of a sequence
  std::vector<YamlEntry> entries;  ///< of a map, in order, keys unique

  /// Line 0 where the place is not known, as for a tree that was made from JSON.
  TextPosition position{0, 0};

  bool null() const { return kind == Kind::kNull; }
  /// Null, or a sequence, map or scalar with nothing in it.
  bool empty() const;
};

struct YamlEntry {
  std::string key;
  TextPosition position;  ///< of the key
  YamlNode value;
};

/// The first document of `text`; an empty text is a null node. InvalidArgument with the place:
/// bad syntax, a key twice in one map, a key that is no scalar. LimitExceeded when aliases blow
/// the tree up to more than a few million nodes.
Result<YamlNode> ParseYaml(std::string_view text);

/// An InvalidArgument error that points at `position`, where that is known.
std::unexpected<Error> FailAt(TextPosition position, std::string message);

/// `!!str `abc``: a value as type errors quote it.
std::string DescribeYaml(const YamlNode& node);

}  // namespace barograph
