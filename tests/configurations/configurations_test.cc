#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/time.h"
#include "base/worker_pool.h"
#include "promql/script/command.h"
#include "promql/script/runner.h"
#include "tests/configurations/script_database.h"
#include "tests/promql/memory_storage.h"
#include "tests/promql/script_files.h"

// Every script gives the same answers wherever its samples lie, and on any number of threads: the
// project's own, and the public ones where they lie beside the checkout.
namespace barograph::test {
namespace {

namespace script = promql::script;

std::vector<std::filesystem::path> AllScripts() {
  auto files = promql::testing::ScriptsIn(promql::testing::OwnScripts());
  REQUIRE_FALSE(files.empty());
  if (const char* folder = std::getenv("BAROGRAPH_CONFORMANCE")) {
    std::ranges::copy(promql::testing::ScriptsIn(std::filesystem::path(folder) / "promql"),
                      std::back_inserter(files));
  }
  return files;
}

// The time of the newest sample of any load.
Timestamp NewestOf(const std::string& text) {
  Timestamp newest;
  for (const script::Command& command : script::ParseScript(text)) {
    const auto* load = std::get_if<script::LoadCommand>(&command);
    if (load == nullptr) continue;
    for (const auto& series : load->series) {
      const auto steps = std::max<int64_t>(static_cast<int64_t>(series.values.size()) - 1, 0);
      newest = std::max(newest, Timestamp(load->step * steps));
    }
  }
  return newest;
}

// As with Prometheus's chunks, the first histogram of each piece of a series is not known to go on
// from the one before.
bool NeedsHints(const script::Failure& failure) {
  return failure.message.find("counter_reset_hint:not_reset") != std::string::npos ||
         failure.message.find("conflicting counter resets") != std::string::npos;
}

bool IsInPieces(AfterLoad after_load) {
  return after_load == AfterLoad::kHalfBlocks || after_load == AfterLoad::kTinyBlocks;
}

template <typename MakeFactory>
void RunScripts(WorkerPool* workers, bool in_pieces, MakeFactory make_factory) {
  promql::EngineOptions options = script::DefaultEngineOptions();
  options.workers = workers;
  if (workers != nullptr) options.fork_work = 0;
  const promql::Engine engine(options, SystemClock());
  size_t passed = 0;
  for (const auto& file : AllScripts()) {
    const std::string text = promql::testing::ReadScript(file);
    const script::Report report = script::RunScript(text, make_factory(text), engine);
    passed += report.passed;
    for (const script::Failure& failure : report.failures) {
      if (in_pieces && NeedsHints(failure)) continue;
      FAIL_CHECK(file.filename().string() << ":" << failure.line << ": " << failure.message);
    }
  }
  CHECK(passed > 0);
}

// Histograms always arrive alone.
constexpr std::array kSetups = {
    DatabaseSetup{"alone"},
    DatabaseSetup{"rows", Arrival::kRows},
    DatabaseSetup{"alone, restarted", Arrival::kAlone, AfterLoad::kRestart},
    DatabaseSetup{"rows, restarted", Arrival::kRows, AfterLoad::kRestart},
    DatabaseSetup{"rows, all in blocks", Arrival::kRows, AfterLoad::kBlocks},
    DatabaseSetup{"rows, half in blocks", Arrival::kRows, AfterLoad::kHalfBlocks},
    DatabaseSetup{"alone, tiny blocks", Arrival::kAlone, AfterLoad::kTinyBlocks},
};

}  // namespace

TEST_CASE("Scripts pass in memory") {
  RunScripts(nullptr, false, [](const auto&) { return promql::testing::MemoryStorage::Factory(); });
}

TEST_CASE("Scripts pass in memory on several threads") {
  WorkerPool workers(3);
  RunScripts(&workers, false,
             [](const auto&) { return promql::testing::MemoryStorage::Factory(); });
}

TEST_CASE("Scripts pass wherever the storage has their samples") {
  WorkerPool workers(3);
  bool on_threads = false;
  for (const DatabaseSetup& setup : kSetups) {
    DYNAMIC_SECTION(setup.name << (on_threads ? ", several threads" : ", one thread")) {
      size_t cuts = 0;
      RunScripts(
          on_threads ? &workers : nullptr, IsInPieces(setup.after_load),
          [&](const std::string& text) { return MakeDatabases(setup, NewestOf(text), cuts); });
      const bool to_blocks =
          setup.after_load != AfterLoad::kNothing && setup.after_load != AfterLoad::kRestart;
      CHECK((cuts > 0) == to_blocks);
    }
    on_threads = !on_threads;
  }
}

}  // namespace barograph::test
