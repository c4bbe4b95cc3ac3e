#include <fmt/format.h>

#include <cstdio>

#include "base/file_system.h"
#include "promql/script/runner.h"
#include "server/cli/cli.h"
#include "server/cli/flag_set.h"
#include "server/cli/scratch_database.h"

namespace barograph::server::cli {
namespace {

struct Count {
  size_t passed = 0;
  size_t failed = 0;
};

void RunScriptFile(const std::string& path, const promql::Engine& engine, Count& count) {
  const auto text = PosixFileSystem().ReadFile(path);
  if (!text) {
    ++count.failed;
    fmt::print("FAIL {}: {}\n", path, text.error().message);
    return;
  }
  const promql::script::Report report =
      promql::script::RunScript(*text, NewScratchDatabase, engine);
  count.passed += report.passed;
  count.failed += report.failed();
  for (const promql::script::Failure& failure : report.failures) {
    fmt::print("FAIL {}:{}: {}\n", path, failure.line, failure.message);
  }
}

}  // namespace

int Test(const Arguments& arguments) {
  Arguments words;
  FlagSet flags("barograph test", "Run PromQL test scripts (load, eval, clear) on the storage.");
  flags.Arguments("WHAT", words, "promql FILE...");
  const auto asked = flags.Parse(arguments);
  if (asked && *asked == FlagSet::Asked::kHelp) {
    fmt::print("{}", flags.Help());
    return kSuccess;
  }
  if (!asked || words[0] != "promql" || words.size() < 2) {
    fmt::print(stderr, "Error parsing command line arguments: {}\n",
               asked ? "expected test promql FILE..." : asked.error().message);
    return kUsage;
  }
  const promql::Engine engine(promql::script::DefaultEngineOptions(), SystemClock());
  Count count;
  for (size_t i = 1; i < words.size(); ++i) RunScriptFile(words[i], engine, count);
  fmt::print("{} passed, {} failed\n", count.passed, count.failed);
  return count.failed == 0 ? kSuccess : kFailure;
}

}  // namespace barograph::server::cli
