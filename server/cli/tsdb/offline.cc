#include "server/cli/tsdb/offline.h"

#include <fmt/format.h>

#include <cstdio>
#include <utility>

#include "base/log.h"
#include "base/time.h"

namespace barograph::server::cli {

int Failed(const Error& error) {
  fmt::print(stderr, "error: {}\n", error.message);
  return kFailure;
}

int UsageError(std::string_view what) {
  fmt::print(stderr, "Error parsing command line arguments: {}\n", what);
  return kUsage;
}

std::optional<int> ParseFlags(FlagSet& flags, const Arguments& arguments) {
  const auto asked = flags.Parse(arguments);
  if (!asked) return UsageError(asked.error().message);
  if (*asked == FlagSet::Asked::kRun) return std::nullopt;
  fmt::print("{}", flags.Help());
  return kSuccess;
}

void AddStorageFlag(FlagSet& flags, std::string& storage_path) {
  flags.Add("storage.tsdb.path", storage_path, "The data of Barograph; no server may run");
}

Status OfflineDatabase::Open(const std::string& path, size_t max_exemplars) {
  tsdb::Options options;
  options.path = path;
  options.max_exemplars = max_exemplars;
  database_ = TRY(tsdb::Database::Open(PosixFileSystem(), SystemClock(),
                                       Logger::ToStandardError(LogLevel::kWarn, LogFormat::kLogfmt),
                                       metrics_, options));
  return {};
}

Result<std::unique_ptr<FileLock>> KeepServersOut(FileSystem& files, const std::string& path) {
  if (!files.Exists(path)) return Fail(ErrorCode::kNotFound, path + ": there is no such folder");
  const std::string file = path + "/lock";
  if (!files.Exists(file)) return nullptr;
  auto lock = files.Lock(file);
  if (lock) return std::move(*lock);
  if (lock.error().code != ErrorCode::kUnavailable) return nullptr;
  return Fail(ErrorCode::kUnavailable, path + " is in use: stop the server that runs on it first");
}

}  // namespace barograph::server::cli
