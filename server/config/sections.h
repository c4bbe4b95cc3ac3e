#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/yaml/node.h"
#include "base/yaml/reader.h"
#include "server/config/config.h"

/// The readers of the configuration's sections, one file each; loader.cc puts them together. All
/// errors point into the document.
namespace barograph::server {

/// What readers need to know beside the node they read.
struct SectionContext {
  std::filesystem::path folder;  ///< of the file that is read: relative paths start here
  bool extra_scrape_metrics = false;
};

/// `path` seen from the configuration's folder; empty stays empty.
std::string ResolvePath(const SectionContext& context, const std::string& path);

/// `global`. A null node gives the defaults.
Result<GlobalConfig> ReadGlobal(const YamlNode& node, const SectionContext& context);

/// `storage`.
Result<StorageConfig> ReadStorage(const YamlNode& node);

/// One item of `scrape_configs`, with what it inherits from `global` filled in.
Result<ScrapeConfig> ReadScrapeConfig(const YamlNode& node, const GlobalConfig& global,
                                      const SectionContext& context);

/// One item of `file_sd_configs`.
Result<FileSdConfig> ReadFileSd(const YamlNode& node, const SectionContext& context);

/// The relabelling rules under `key`. `what` names them in the error for an empty item.
Status ReadRelabelRules(StrictMap& map, std::string_view key, std::string_view what,
                        NameValidation names, RelabelRules& out);

/// Fields that global and scrape_config share.
Status ReadLimits(StrictMap& map, ScrapeLimits& limits);
Status ReadProtocols(StrictMap& map, std::vector<ScrapeProtocol>& out, std::string_view whose);
/// utf8, legacy; nullopt when unset.
Status ReadNameValidation(StrictMap& map, std::optional<NameValidation>& out);
/// What a scheme implies where no escaping is configured.
constexpr NameEscaping DefaultEscaping(NameValidation names) {
  return names == NameValidation::kLegacy ? NameEscaping::kUnderscores : NameEscaping::kAllowUtf8;
}
/// Unset when the key is missing or empty.
Status ReadNameEscaping(StrictMap& map, std::optional<NameEscaping>& out);
/// The options of native histograms, none of which may be on yet.
Status RejectNativeHistograms(StrictMap& map);

}  // namespace barograph::server
