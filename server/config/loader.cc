#include "server/config/loader.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "base/model/number.h"
#include "base/yaml/node.h"
#include "base/yaml/reader.h"
#include "discovery/file/target_file.h"
#include "server/config/dump.h"
#include "server/config/external_labels.h"
#include "server/config/sections.h"

namespace barograph::server {
namespace {

Status ReadRuntime(const YamlNode* node) {
  if (node == nullptr) return {};
  StrictMap map = TRY(StrictMap::Open(*node, "config.RuntimeConfig"));
  // gogc tunes the Go runtime's garbage collector; there is none here to tune.
  uint64_t gogc = 0;
  TRY(map.Read("gogc", gogc));
  return map.Finish();
}

/// Appends the jobs under `node`; a job's name is unique over all files.
Status ReadScrapeConfigs(const YamlNode* node, const SectionContext& context, Config& config) {
  if (node == nullptr) return {};
  const std::vector<YamlNode>* items = TRY(YamlItems(*node));
  for (const YamlNode& item : *items) {
    ScrapeConfig scrape = TRY(ReadScrapeConfig(item, config.global, context));
    for (const ScrapeConfig& before : config.scrape_configs) {
      if (before.job_name != scrape.job_name) continue;
      return FailAt(item.position,
                    "found multiple scrape configs with job name " + Quote(scrape.job_name));
    }
    config.scrape_configs.push_back(std::move(scrape));
  }
  return {};
}

/// Patterns of files: `*` may stand in the last segment only.
Status ReadFilePatterns(StrictMap& map, std::string_view key, std::string_view what,
                        const SectionContext& context, std::vector<std::string>& out) {
  TRY(map.Read(key, out));
  for (std::string& pattern : out) {
    const size_t star = pattern.find('*');
    if (star != pattern.npos && pattern.find_first_of("*/", star + 1) != pattern.npos) {
      return FailAt(map.PositionOf(key), fmt::format("invalid {} path {}", what, Quote(pattern)));
    }
    pattern = ResolvePath(context, pattern);
  }
  return {};
}

Status ReadMainFile(const YamlNode& document, const SectionContext& context, Config& config) {
  StrictMap map = TRY(StrictMap::Open(document, "config.plain"));
  const YamlNode* global = map.Take("global");
  config.global = TRY(ReadGlobal(global == nullptr ? YamlNode{} : *global, context));
  TRY(ReadRuntime(map.Take("runtime")));
  TRY(ReadFilePatterns(map, "scrape_config_files", "scrape config file", context,
                       config.scrape_config_files));
  TRY(ReadScrapeConfigs(map.Take("scrape_configs"), context, config));
  if (const YamlNode* storage = map.Take("storage")) config.storage = TRY(ReadStorage(*storage));
  for (const std::string_view key :
       {"alerting", "rule_files", "tracing", "remote_write", "remote_read", "otlp"}) {
    TRY(map.Unsupported(key));
  }
  return map.Finish();
}

Status ReadIncludedFile(const YamlNode& document, const SectionContext& context, Config& config) {
  StrictMap map = TRY(StrictMap::Open(document, "config.ScrapeConfigs"));
  TRY(ReadScrapeConfigs(map.Take("scrape_configs"), context, config));
  return map.Finish();
}

using Reader = Status (*)(const YamlNode&, const SectionContext&, Config&);

/// Reads one file's text with `read`, and says in which file an error is.
Status ReadText(std::string_view yaml, const std::string& path, const LoadOptions& options,
                Reader read, Config& config) {
  const SectionContext context{std::filesystem::path(path).parent_path(),
                               options.extra_scrape_metrics};
  const auto document = ParseYaml(yaml);
  Status status = document ? read(*document, context, config) : std::unexpected(document.error());
  if (status) return status;
  Error error = std::move(status.error());
  const std::string place =
      error.position
          ? fmt::format("line {}, column {}: ", error.position->line, error.position->column)
          : "";
  error.message = fmt::format("parsing YAML file {}: {}{}", path, place, error.message);
  return std::unexpected(std::move(error));
}

std::string FromEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

}  // namespace

Result<Config> LoadConfig(FileSystem& files, std::string_view yaml, const std::string& path,
                          const LoadOptions& options) {
  Config config;
  TRY(ReadText(yaml, path, options, ReadMainFile, config));
  std::optional<int64_t>& max_exemplars = config.storage.max_exemplars;
  if (options.exemplar_storage && !max_exemplars) max_exemplars = kDefaultMaxExemplars;
  config.global.external_labels = ExpandLabels(
      config.global.external_labels, options.environment ? options.environment : FromEnvironment);
  config.yaml = DumpConfig(config);
  for (const std::string& pattern : config.scrape_config_files) {
    for (const std::string& included : discovery::ExpandGlob(pattern)) {
      const std::string text = TRY(files.ReadFile(included));
      TRY(ReadText(text, included, options, ReadIncludedFile, config));
    }
  }
  return config;
}

Result<Config> LoadConfigFile(FileSystem& files, const std::string& path,
                              const LoadOptions& options) {
  const std::string yaml = TRY(files.ReadFile(path));
  return LoadConfig(files, yaml, path, options);
}

}  // namespace barograph::server
