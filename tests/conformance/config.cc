#include <filesystem>
#include <string>

#include "base/file_system.h"
#include "discovery/target_group_reader.h"
#include "server/config/loader.h"
#include "tests/conformance/areas.h"

// Configuration files: which load and which do not, and variables in external labels. A file that
// is only refused for a section that is not supported yet, or that is for the agent, is neither a
// pass nor a failure.

namespace barograph::conformance {
namespace json = boost::json;
namespace {

bool NotSupportedYet(const Error& error) { return error.message.ends_with("is not supported yet"); }

Status LoadManifestFile(const json::object& test, const std::string& path) {
  if (TextOr(test, "kind") != "static_config") {
    const auto config = server::LoadConfigFile(PosixFileSystem(), path);
    return config ? Status() : std::unexpected(config.error());
  }
  const auto document = ParseYaml(ReadWholeFile(path));
  if (!document) return std::unexpected(document.error());
  const auto group = discovery::ReadTargetGroup(*document);
  return group ? Status() : std::unexpected(group.error());
}

void RunManifest(std::string_view id, const json::object& test, const std::string& folder,
                 Reporter& reporter) {
  if (TextOr(test, "mode") == "agent") return;
  const Status loaded = LoadManifestFile(test, folder + "/" + TextOr(test, "file"));
  if (!loaded && NotSupportedYet(loaded.error())) return;
  if (test.at("ok").as_bool()) {
    return loaded ? reporter.Pass(id) : reporter.Fail(id, loaded.error().message);
  }
  if (loaded) return reporter.Fail(id, "loads, wanted: " + TextOr(test, "error_contains", "error"));
  reporter.Pass(id);
}

void RunExternalLabels(std::string_view id, const json::object& test, const std::string& folder,
                       Reporter& reporter) {
  server::LoadOptions options;
  options.environment = [&](const std::string& name) {
    return TextOr(test.at("env").as_object(), name);
  };
  const auto config =
      server::LoadConfigFile(PosixFileSystem(), folder + "/" + TextOr(test, "file"), options);
  if (!config) return reporter.Fail(id, config.error().message);
  LabelsBuilder wanted;
  for (const auto& [name, value] : test.at("external_labels").as_object()) {
    wanted.Set(std::string_view(name), Text(value));
  }
  reporter.Expect(id, config->global.external_labels.ToString(), wanted.Build().ToString());
}

}  // namespace

void RunConfig(const std::string& path, Reporter& reporter) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const bool manifest = FileName(path) == "manifest.jsonl";
  ForEachCase(path, reporter, [&](std::string_view id, const json::object& test) {
    (manifest ? RunManifest : RunExternalLabels)(id, test, folder, reporter);
  });
}

}  // namespace barograph::conformance
