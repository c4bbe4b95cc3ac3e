#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "base/time.h"
#include "memory_storage.h"
#include "promql/script/runner.h"

namespace barograph::promql {
namespace {

namespace fs = std::filesystem;

// The source folder, found from where the test binary lies: some folder above its build tree.
fs::path SourceFolder() {
  std::error_code error;
  fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  while (!fs::exists(folder / "tests/promql/scripts") && folder != folder.parent_path()) {
    folder = folder.parent_path();
  }
  return folder;
}

std::vector<fs::path> ScriptsIn(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".test") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

script::Report Run(const fs::path& file, WorkerPool* workers = nullptr) {
  std::ifstream stream(file);
  std::stringstream text;
  text << stream.rdbuf();
  EngineOptions options = script::DefaultEngineOptions();
  options.workers = workers;
  if (workers != nullptr) options.fork_work = 0;
  const Engine engine(options, SystemClock());
  return script::RunScript(text.str(), testing::MemoryStorage::Factory(), engine);
}

TEST_CASE("every script of tests/promql/scripts passes") {
  const auto files = ScriptsIn(SourceFolder() / "tests/promql/scripts");
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

// Run by name: it tells how far the engine is on many threads, file by file.
TEST_CASE("conformance scripts are counted", "[.conformance]") {
  const char* folder = std::getenv("BAROGRAPH_CONFORMANCE");
  if (folder == nullptr) return;
  size_t passed = 0;
  size_t failed = 0;
  WorkerPool workers(4);
  for (const fs::path& file : ScriptsIn(fs::path(folder) / "promql")) {
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
