#pragma once

#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "server/config/config.h"
#include "server/config/loader.h"
#include "server/options.h"

namespace barograph::server {

/// Where this server looks for itself, in the built-in configuration.
struct SelfTarget {
  std::string address;       ///< host:port
  std::string metrics_path;  ///< with the route prefix
};

/// The configuration of a server that was given none: it watches itself, and the node exporter at
/// `node_address` where that is not empty.
std::string BuiltInConfig(const SelfTarget& self, const std::string& node_address);

/// Where the configuration comes from: the file of --config.file, or the built-in one when the
/// flag was not given and there is no prometheus.yml in the working directory. Thread-safe.
class ConfigSource {
 public:
  ConfigSource(const ServerOptions& options, FileSystem& files, LoadOptions load);

  bool built_in() const;

  /// Reads the configuration anew. `self` only matters to the built-in one, which also asks
  /// localhost:9100 whether a node exporter is there.
  Result<Config> Load(const SelfTarget& self) const;

  /// Changes when the configuration file does, or one that its scrape_config_files include.
  std::string Fingerprint(const std::vector<std::string>& included) const;

  /// What to call it in messages.
  std::string name() const { return built_in() ? kBuiltIn : path_; }

 private:
  static constexpr const char* kBuiltIn = "built-in";

  const std::string path_;
  const bool given_;
  FileSystem& files_;
  const LoadOptions load_;
};

}  // namespace barograph::server
