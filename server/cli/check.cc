#include <fmt/format.h>

#include <chrono>
#include <cstdio>

#include "base/file_system.h"
#include "discovery/file/target_file.h"
#include "server/cli/cli.h"
#include "server/cli/flag_set.h"
#include "server/config/loader.h"
#include "server/http_fetch.h"

namespace barograph::server::cli {
namespace {

/// The target files that the configuration names and that are there.
Status CheckTargetFiles(const Config& config) {
  for (const ScrapeConfig& job : config.scrape_configs) {
    for (const FileSdConfig& sd : job.file_sd_configs) {
      for (const std::string& pattern : sd.files) {
        for (const std::string& path : discovery::ExpandGlob(pattern)) {
          const std::string text = TRY(PosixFileSystem().ReadFile(path));
          auto groups = discovery::ParseTargetFile(path, text);
          if (!groups) return std::unexpected(Annotate(std::move(groups.error()), path));
        }
      }
    }
  }
  return {};
}

Status CheckConfigFile(const std::string& path) {
  const Config config = TRY(LoadConfigFile(PosixFileSystem(), path));
  return CheckTargetFiles(config);
}

bool CheckConfig(const std::string& path) {
  fmt::print("Checking {}\n", path);
  std::fflush(stdout);
  if (const Status checked = CheckConfigFile(path); !checked) {
    fmt::print(stderr, "  FAILED: {}\n", checked.error().message);
    return false;
  }
  fmt::print(" SUCCESS: {} is valid prometheus config file syntax\n\n", path);
  return true;
}

/// Asks a server's /-/healthy or /-/ready.
int CheckServer(const std::string& what, std::string url) {
  while (url.ends_with('/')) url.pop_back();
  const auto page = HttpFetch(url + "/-/" + what, std::chrono::seconds(10));
  if (!page) {
    fmt::print(stderr, "  FAILED: {}\n", page.error().message);
    return kFailure;
  }
  if (page->status != 200) {
    fmt::print(stderr, "  FAILED: check of {} answered status {}\n", url, page->status);
    return kFailure;
  }
  fmt::print("  SUCCESS: {}", page->body);
  return kSuccess;
}

int CheckConfigs(const Arguments& files) {
  if (files.empty()) {
    fmt::print(stderr, "Error parsing command line arguments: expected check config FILE...\n");
    return kUsage;
  }
  bool good = true;
  for (const std::string& file : files) good = CheckConfig(file) && good;
  return good ? kSuccess : kFailure;
}

}  // namespace

int Check(const Arguments& arguments) {
  Arguments words;  // what to check, then its files
  std::string url = "http://localhost:9090";
  FlagSet flags("barograph check", "Check configuration files, or whether a server is well.");
  flags.Add("url", url, "The server, for healthy and ready");
  flags.Arguments("WHAT", words, "config FILE..., healthy or ready");
  const auto asked = flags.Parse(arguments);
  if (!asked) {
    fmt::print(stderr, "Error parsing command line arguments: {}\n", asked.error().message);
    return kUsage;
  }
  if (*asked == FlagSet::Asked::kHelp) {
    fmt::print("{}", flags.Help());
    return kSuccess;
  }
  if (words[0] == "config") return CheckConfigs({words.begin() + 1, words.end()});
  if (words[0] == "healthy" || words[0] == "ready") return CheckServer(words[0], url);
  fmt::print(stderr, "Error parsing command line arguments: unknown check '{}'\n", words[0]);
  return kUsage;
}

}  // namespace barograph::server::cli
