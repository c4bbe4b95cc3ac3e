#pragma once

#include <string_view>

#include "base/result.h"
#include "base/yaml/node.h"

namespace barograph::discovery {

/// JSON as the same tree that YAML is read into, so that one reader serves both. Numbers and truth
/// values keep their text. The nodes have no positions; a syntax error has one.
Result<YamlNode> ParseJsonTree(std::string_view text);

}  // namespace barograph::discovery
