#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "base/time.h"
#include "memory_storage.h"
#include "promql/script/runner.h"
#include "script_files.h"

namespace barograph::promql {
namespace {

namespace fs = std::filesystem;

script::Report Run(const fs::path& file, WorkerPool* workers = nullptr) {
  EngineOptions options = script::DefaultEngineOptions();
  options.workers = workers;
  if (workers != nullptr) options.fork_work = 0;
  const Engine engine(options, SystemClock());
  return script::RunScript(testing::ReadScript(file), testing::MemoryStorage::Factory(), engine);
}

TEST_CASE("every script of tests/promql/scripts passes") {
  const auto files = testing::ScriptsIn(testing::OwnScripts());
  WorkerPool workers(4);
  REQUIRE_FALSE(files.empty());
  for (const fs::path& file : files) {
    for (WorkerPool* pool : {static_cast<WorkerPool*>(nullptr), &workers}) {
      INFO("on " << (pool == nullptr ? "one thread" : "many threads"));
      const script::Report report = Run(file, pool);
      for (const script::Failure& failure : report.failures) {
        FAIL_CHECK(file.filename().string() << ":" << failure.line << ": " << failure.message);
      }
      CHECK(report.passed > 0);
    }
  }
}

// The reference evaluator goes by each step and so has no word in this.
TEST_CASE("names that are dropped at the end go by series and not by step") {
  const Engine engine(script::DefaultEngineOptions(), SystemClock());
  const script::Report report = script::RunScript(R"(
load 1m
  w 7 8 9
  v{n="1"} 1 2 stale
  v{n="2"} _ 2 3

# Where series of one name alternate, the first in time decides.
eval range from 0 to 2m step 1m (w == 8) or -w
  {} -7 8 -9

eval range from 0 to 2m step 1m (w == 7) or -w
  w 7 -8 -9

eval range from 0 to 2m step 1m (w > 7) or (w + 0)
  {} 7 8 9

# Of a group those members that are there at its last step do.
eval range from 0 to 2m step 1m sum by (__name__) (-v{n="1"} or v{n="2"})
  v -1 0 3

eval range from 0 to 2m step 1m sum by (__name__) (v{n="1"} or -v{n="2"})
  {} 1 0 -3

eval range from 0 to 1m step 1m quantile by (__name__) (1, v{n="1"} or -v{n="2"})
  {} 1 2
)",
                                                  testing::MemoryStorage::Factory(), engine);
  for (const script::Failure& failure : report.failures) {
    FAIL_CHECK(failure.line << ": " << failure.message);
  }
  CHECK(report.passed == 6);
}

TEST_CASE("start timestamps that do not go with their samples are errors") {
  const auto message_of = [](std::string_view load) {
    const Engine engine(script::DefaultEngineOptions(), SystemClock());
    const script::Report report =
        script::RunScript(load, testing::MemoryStorage::Factory(), engine);
    return report.failures.empty() ? "" : report.failures[0].message;
  };
  CHECK(message_of("load 1m\n a@st 0 0\n a 1 2\n") == "");
  CHECK(message_of("load 1m\n a@st 0 0\n b 1 2\n") ==
        "start timestamps are followed by the samples of another series");
  CHECK(message_of("load 1m\n a@st -30s+1sx2\n a 1 2\n") == "3 start timestamps for 2 samples");
  CHECK(message_of("load 1m\n a@st 0\n a@st 0\n a 1\n") ==
        "no samples follow the start timestamps");
  CHECK(message_of("load 1m\n a@st 0\n") == "no samples follow the start timestamps");
  for (const std::string item :
       {"1", "1y2z", "-", "5sx", "5s5sx2", "5s+5s", "_5", "_x0y", "1sx-1"}) {
    CHECK(message_of("load 1m\n a@st " + item + "\n a 1\n") ==
          "invalid start timestamp \"" + item + "\"");
  }
}

// Run by name: it tells how far the engine is on many threads, file by file.
TEST_CASE("conformance scripts are counted", "[.conformance]") {
  const char* folder = std::getenv("BAROGRAPH_CONFORMANCE");
  if (folder == nullptr) return;
  size_t passed = 0;
  size_t failed = 0;
  WorkerPool workers(4);
  for (const fs::path& file : testing::ScriptsIn(fs::path(folder) / "promql")) {
    const script::Report report = Run(file, &workers);
    for (const script::Failure& failure : report.failures) {
      std::cout << file.filename().string() << ":" << failure.line << ": " << failure.message
                << "\n";
    }
    std::cout << file.filename().string() << ": " << report.passed << " passed, " << report.failed()
              << " failed\n";
    passed += report.passed;
    failed += report.failed();
  }
  std::cout << passed << " passed, " << failed << " failed\n";
}

}  // namespace
}  // namespace barograph::promql
