#include "discovery/file/file_provider.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <utility>

#include "base/file_system.h"
#include "discovery/file/directory_watch.h"
#include "discovery/file/target_file.h"
#include "net/runtime.h"

namespace barograph::discovery {

namespace asio = boost::asio;

namespace {

constexpr std::string_view kMtimeMetric = "prometheus_sd_file_mtime_seconds";
constexpr std::string_view kMtimeHelp =
    "Timestamp (mtime) of files read by FileSD. Timestamp is set at read time.";

double ModifiedSeconds(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 ? static_cast<double>(status.st_mtime) : 0;
}

}  // namespace

FileProvider::FileProvider(FileProviderOptions options, Logger logger, MetricsRegistry& metrics)
    : options_(std::move(options)),
      logger_(std::move(logger)),
      metrics_(metrics),
      scan_seconds_(metrics.AddSummary("prometheus_sd_file_scan_duration_seconds",
                                       "The duration of the File-SD scan in seconds.")),
      read_errors_(metrics.AddCounter("prometheus_sd_file_read_errors_total",
                                      "The number of File-SD read errors.")),
      watch_errors_(metrics.AddCounter(
          "prometheus_sd_file_watcher_errors_total",
          "The number of File-SD errors caused by filesystem watch failures.")) {}

FileProvider::~FileProvider() {
  for (const auto& [path, groups] : known_) ForgetFile(path);
}

asio::awaitable<void> FileProvider::Run(GroupSink sink) {
  DirectoryWatch watch;
  while (!co_await net::Cancelled()) {
    // Watched before it is read, so that no change falls between. A directory that is not there
    // yet is tried again at the next refresh.
    for (const std::string& directory : Directories()) {
      if (Status added = watch.Add(directory); !added) {
        watch_errors_.Increment();
        logger_.Error("Error adding file watch", {{"path", directory}, {"err", added.error()}});
      }
    }
    sink(Refresh());
    co_await watch.Wait(options_.refresh_interval);
  }
}

std::vector<TargetGroup> FileProvider::Refresh() {
  const auto start = std::chrono::steady_clock::now();
  std::vector<TargetGroup> changed;
  Sources found;
  for (const std::string& pattern : options_.files) {
    for (const std::string& path : ExpandGlob(pattern)) {
      auto groups = ReadFile(path);
      if (!groups) {
        read_errors_.Increment();
        logger_.Error("Error reading file", {{"path", path}, {"err", groups.error()}});
        if (const auto before = known_.find(path); before != known_.end()) found.insert(*before);
        continue;
      }
      found[path] = groups->size();
      for (TargetGroup& group : *groups) changed.push_back(std::move(group));
    }
  }
  for (const auto& [path, count] : known_) {
    const auto now = found.find(path);
    if (now == found.end()) ForgetFile(path);
    for (size_t i = now == found.end() ? 0 : now->second; i < count; ++i) {
      changed.push_back({fmt::format("{}:{}", path, i), {}, {}});
    }
  }
  known_ = std::move(found);
  scan_seconds_.Observe(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return changed;
}

Result<std::vector<TargetGroup>> FileProvider::ReadFile(const std::string& path) {
  const std::string text = TRY(PosixFileSystem().ReadFile(path));
  auto groups = ParseTargetFile(path, text);
  if (!groups) {
    Error error = std::move(groups.error());
    if (error.position) {
      error.message = fmt::format("line {}, column {}: {}", error.position->line,
                                  error.position->column, error.message);
    }
    return std::unexpected(std::move(error));
  }
  metrics_.AddGauge(kMtimeMetric, kMtimeHelp, Labels({{"filename", path}}))
      .Set(ModifiedSeconds(path));
  return groups;
}

void FileProvider::ForgetFile(const std::string& path) {
  metrics_.Remove(kMtimeMetric, Labels({{"filename", path}}));
}

std::set<std::string> FileProvider::Directories() const {
  std::set<std::string> directories;
  for (const std::string& path : options_.files) {
    const size_t slash = path.rfind('/');
    directories.insert(slash == path.npos ? "./" : path.substr(0, slash + 1));
  }
  return directories;
}

}  // namespace barograph::discovery
