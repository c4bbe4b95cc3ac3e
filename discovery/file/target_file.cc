#include "discovery/file/target_file.h"

#include <fmt/format.h>
#include <glob.h>

#include "base/yaml/node.h"
#include "base/yaml/reader.h"
#include "discovery/file/json_tree.h"
#include "discovery/target_group_reader.h"

namespace barograph::discovery {
namespace {

bool IsJson(std::string_view path) { return path.ends_with(".json") || path.ends_with(".JSON"); }

bool IsYaml(std::string_view path) {
  for (const std::string_view ending : {".yml", ".yaml", ".YML", ".YAML"}) {
    if (path.ends_with(ending)) return true;
  }
  return false;
}

}  // namespace

bool IsTargetFilePattern(std::string_view path) {
  const size_t star = path.find('*');
  const bool last_segment = star == path.npos || path.find('/', star) == path.npos;
  return last_segment && (IsJson(path) || IsYaml(path));
}

std::vector<std::string> ExpandGlob(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  return paths;
}

Result<std::vector<TargetGroup>> ParseTargetFile(const std::string& path, std::string_view text) {
  const YamlNode document = IsJson(path) ? TRY(ParseJsonTree(text)) : TRY(ParseYaml(text));
  const std::vector<YamlNode>* items = TRY(YamlItems(document));
  std::vector<TargetGroup> groups;
  groups.reserve(items->size());
  for (const YamlNode& item : *items) {
    if (item.null()) return FailAt(item.position, "nil target group item found");
    TargetGroup group = TRY(ReadTargetGroup(item));
    group.source = fmt::format("{}:{}", path, groups.size());
    group.labels = LabelsBuilder(group.labels).Set("__meta_filepath", path).Build();
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace barograph::discovery
