#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/result.h"
#include "server/config/config.h"

/// Reads prometheus.yml, strictly: an unknown key, a value of the wrong type and a section of
/// Prometheus that this server does not have yet are errors with line and column.
namespace barograph::server {

struct LoadOptions {
  /// What ${NAME} in an external label stands for; the process's environment where it is empty.
  std::function<std::string(const std::string& name)> environment;
  /// The global default of extra_scrape_metrics (--enable-feature=extra-scrape-metrics).
  bool extra_scrape_metrics = false;

  /// Exemplars are kept (--enable-feature=exemplar-storage), so that their number has a default.
  bool exemplar_storage = false;
};

/// Loads a configuration, with the jobs of its scrape_config_files. Relative paths in a file are
/// resolved against its folder. `path` is where `yaml` is from, which is also what errors name.
/// InvalidArgument: `parsing YAML file p: line 3, column 5: ...`, with the position also in the
/// error.
Result<Config> LoadConfig(FileSystem& files, std::string_view yaml, const std::string& path,
                          const LoadOptions& options = {});

/// The same from a file. Io or NotFound when it cannot be read.
Result<Config> LoadConfigFile(FileSystem& files, const std::string& path,
                              const LoadOptions& options = {});

}  // namespace barograph::server
