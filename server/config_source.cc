#include "server/config_source.h"

#include <fmt/format.h>

#include <utility>

#include "base/yaml/writer.h"
#include "discovery/file/target_file.h"
#include "server/http_fetch.h"

namespace barograph::server {
namespace {

constexpr const char* kNodeAddress = "localhost:9100";

bool NodeExporterAnswers() {
  const auto page =
      HttpFetch(fmt::format("http://{}/metrics", kNodeAddress), std::chrono::milliseconds(500));
  return page && page->status == 200 && page->body.find("\nnode_") != std::string::npos;
}

void AddJob(YamlWriter& out, std::string_view name, std::string_view metrics_path,
            std::string_view address) {
  out.BeginItem();
  out.Field("job_name", name);
  out.Field("metrics_path", metrics_path);
  out.BeginList("static_configs");
  out.BeginItem();
  out.Field("targets", std::vector<std::string>{std::string(address)});
  out.EndItem();
  out.EndList();
  out.EndItem();
}

}  // namespace

std::string BuiltInConfig(const SelfTarget& self, const std::string& node_address) {
  YamlWriter out;
  out.BeginMap("global");
  out.Field("scrape_interval", "5s");  // short, so that there soon is something to see
  out.EndMap();
  out.BeginList("scrape_configs");
  AddJob(out, "barograph", self.metrics_path, self.address);
  if (!node_address.empty()) AddJob(out, "node", "/metrics", node_address);
  out.EndList();
  return out.text();
}

ConfigSource::ConfigSource(const ServerOptions& options, FileSystem& files, LoadOptions load)
    : path_(options.config_file),
      given_(options.config_file_given),
      files_(files),
      load_(std::move(load)) {}

bool ConfigSource::built_in() const { return !given_ && !files_.Exists(path_); }

Result<Config> ConfigSource::Load(const SelfTarget& self) const {
  if (!built_in()) return LoadConfigFile(files_, path_, load_);
  return LoadConfig(files_, BuiltInConfig(self, NodeExporterAnswers() ? kNodeAddress : ""),
                    kBuiltIn, load_);
}

std::string ConfigSource::Fingerprint(const std::vector<std::string>& included) const {
  std::vector<std::string> paths = {path_};
  for (const std::string& pattern : included) {
    for (std::string& path : discovery::ExpandGlob(pattern)) paths.push_back(std::move(path));
  }
  std::string out;
  for (const std::string& path : paths) {
    const auto text = files_.ReadFile(path);
    out += fmt::format("{}:{}\n{}", path, text ? text->size() : 0, text ? *text : "");
  }
  return out;
}

}  // namespace barograph::server
