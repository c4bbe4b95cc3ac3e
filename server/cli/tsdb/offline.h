#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/metrics/registry.h"
#include "base/result.h"
#include "server/cli/cli.h"
#include "server/cli/flag_set.h"
#include "tsdb/database.h"

/// What the verbs share that work on a data folder on which no server runs.
namespace barograph::server::cli {

/// Prints the error; the exit code.
int Failed(const Error& error);
int UsageError(std::string_view what);

/// The exit code when the verb is not to run: help was asked for, or the arguments are wrong.
std::optional<int> ParseFlags(FlagSet& flags, const Arguments& arguments);

void AddStorageFlag(FlagSet& flags, std::string& storage_path);

/// A database, open for one verb as a server opens it.
class OfflineDatabase {
 public:
  /// With 0 exemplars those that are there are left alone.
  Status Open(const std::string& path, size_t max_exemplars = 0);
  tsdb::Database& operator*() { return *database_; }

 private:
  MetricsRegistry metrics_;
  std::unique_ptr<tsdb::Database> database_;
};

/// Keeps servers off a folder while it is read, and writes nothing there: null where no server has
/// ever locked it or the disk is read-only. Unavailable when one runs on it, NotFound when there is
/// no such folder.
Result<std::unique_ptr<FileLock>> KeepServersOut(FileSystem& files, const std::string& path);

}  // namespace barograph::server::cli
