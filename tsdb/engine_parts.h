#pragma once

#include <functional>

#include "base/file_system.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "tsdb/database.h"
#include "tsdb/head/head.h"
#include "tsdb/head/registry_file.h"
#include "tsdb/head/write_path.h"
#include "tsdb/index/series_index.h"
#include "tsdb/metrics.h"
#include "tsdb/view.h"

namespace barograph::tsdb {

/// What those work on who keep an open database in shape. All of it outlives them.
struct EngineParts {
  FileSystem& files;
  const Clock& clock;
  const Logger& logger;
  Metrics& metrics;
  const Options& options;
  Head& head;
  SeriesIndex& index;
  WritePath& path;
  CurrentView& view;
  RegistryFile& registry_file;

  /// Makes the index know every series that the head has.
  std::function<Status()> write_index;

  std::string BlocksPath() const { return options.path + "/blocks"; }
};

}  // namespace barograph::tsdb
