#include <fmt/format.h>

#include "base/model/number.h"
#include "discovery/file/target_file.h"
#include "server/config/sections.h"

namespace barograph::server {

Result<FileSdConfig> ReadFileSd(const YamlNode& node, const SectionContext& context) {
  StrictMap map = TRY(StrictMap::Open(node, "file.plain"));
  FileSdConfig config;
  TRY(map.Read("files", config.files));
  TRY(map.Read("refresh_interval", config.refresh_interval));
  TRY(map.Finish());
  if (config.files.empty()) {
    return FailAt(node.position,
                  "file service discovery config must contain at least one path name");
  }
  if (config.refresh_interval <= Duration(0)) {
    return FailAt(map.PositionOf("refresh_interval"), "refresh_interval must be greater than 0");
  }
  for (std::string& file : config.files) {
    if (!discovery::IsTargetFilePattern(file)) {
      return FailAt(map.PositionOf("files"),
                    fmt::format("path name {} is not valid for file discovery", Quote(file)));
    }
    file = ResolvePath(context, file);
  }
  return config;
}

}  // namespace barograph::server
