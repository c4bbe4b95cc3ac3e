#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "discovery/target_group.h"

/// Files that list targets, as JSON or YAML (Prometheus, "file_sd_config").
namespace barograph::discovery {

/// Whether a configuration may name this path: .json, .yml or .yaml, with `*` in the last segment
/// only.
bool IsTargetFilePattern(std::string_view path);

/// The files that exist and match, in name order.
std::vector<std::string> ExpandGlob(const std::string& pattern);

/// The groups in `text`. `path` chooses the format by its ending, names the sources (path:0,
/// path:1, ...) and becomes the label __meta_filepath. InvalidArgument names what is wrong, with
/// line and column.
Result<std::vector<TargetGroup>> ParseTargetFile(const std::string& path, std::string_view text);

}  // namespace barograph::discovery
