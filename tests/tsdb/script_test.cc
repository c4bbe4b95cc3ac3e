#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/tsdb/script_database.h"

// Every file of tests/tsdb/scripts is a test case of its own, under the file's name.

namespace barograph::test {
namespace {

namespace fs = std::filesystem;

/// What happens after each step, which no query should notice.
enum class Between : uint8_t { kNothing, kRestart, kKill };

ScriptStep Bare(const std::string& command) { return {0, command, {}, {}, {}}; }

Status Interrupt(ScriptDatabase& database, Between between) {
  if (between == Between::kNothing || !database.running()) return {};
  if (between == Between::kRestart) return database.Run(Bare("restart"));
  TRY(database.Run(Bare("kill")));
  return database.Run(Bare("start"));
}

void RunScript(const fs::path& file, const Script& script, Between between) {
  ScriptDatabase database;
  for (const ScriptStep& step : script.steps) {
    INFO(file.filename().string() << ":" << step.line << ": " << step.command);
    // What a process has counted ends with it.
    if (between != Between::kNothing && step.command == "metric") continue;
    if (const Status done = database.Run(step); !done) FAIL(done.error().message);
    if (const Status done = Interrupt(database, between); !done) FAIL(done.error().message);
  }
}

void RunFile(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  const auto script = ParseStorageScript(text.str());
  if (!script) FAIL(file.filename().string() << ": " << script.error().message);
  INFO(script->sentence);
  REQUIRE(std::ranges::any_of(script->steps, ScriptDatabase::Checks));
  SECTION("as it is written") { RunScript(file, *script, Between::kNothing); }
  if (!script->interruptible) return;
  SECTION("with a restart after each step") { RunScript(file, *script, Between::kRestart); }
  SECTION("killed after each step") { RunScript(file, *script, Between::kKill); }
}

/// Found from where the test binary lies: some folder above its build tree.
fs::path ScriptsFolder() {
  std::error_code error;
  fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  while (!fs::exists(folder / "tests/tsdb/scripts") && folder != folder.parent_path()) {
    folder = folder.parent_path();
  }
  return folder / "tests/tsdb/scripts";
}

/// The scripts by the names of their test cases.
std::map<std::string, fs::path> FindScripts() {
  std::map<std::string, fs::path> scripts;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(ScriptsFolder(), error)) {
    if (entry.path().extension() != ".test") continue;
    scripts["Script " + entry.path().stem().string()] = entry.path();
  }
  return scripts;
}

const std::map<std::string, fs::path>& Scripts() {
  static const auto& scripts = *new std::map(FindScripts());
  return scripts;
}

void RunCurrent() { RunFile(Scripts().at(Catch::getResultCapture().getCurrentTestName())); }

const bool registered = [] {
  for (const auto& [name, file] : Scripts()) {
    Catch::AutoReg(Catch::makeTestInvoker(&RunCurrent), CATCH_INTERNAL_LINEINFO, "",
                   Catch::NameAndTags(name, "[script]"));
  }
  return true;
}();

TEST_CASE("A script that cannot be understood is told of by its line") {
  const auto error = [](const std::string& text) {
    const auto script = ParseStorageScript(text);
    return script ? "" : script.error().message;
  };
  CHECK(error("start") == "not a sentence of what the script shows: \"start\"");
  CHECK(error("# S.\n  x 0:1") == "line 2: not a command: \"  x 0:1\"");
  CHECK(error("# S.\nrows\n  x") == "line 3: not a series with samples: \"  x\"");
  CHECK(error("# S.\nrows\n  x 0:one") == "line 3: not a value: \"one\"");
  CHECK(error("# S.\nrows\n  x 1m") == "line 3: not TIME:VALUE: \"1m\"");
  CHECK(error("# S.\nrows\n  x 1m..2m:1") == "line 3: not FROM..TO/STEP:VALUE: \"1m..2m:1\"");
  CHECK(error("# S.\nrows\n  x{a=\"b} 0:1") == "line 3: not a matcher: \"a=\"b}\"");
  CHECK(error("# S.\nrows\n  x{a!=\"b\"} 0:1") == "line 3: not a series: \"x{a!=\"b\"}\"");
  CHECK(error("# S.\nquery x\n  error") == "line 3: not an error's text: \"  error\"");
}

TEST_CASE("A step that does not go as its script says fails") {
  ScriptDatabase database;
  const auto run = [&](const std::string& step) {
    const Status done = database.Run(ParseStorageScript("# S.\n" + step)->steps[0]);
    return done ? "" : done.error().message;
  };
  CHECK(run("begin") == "no such command: begin");
  CHECK(run("query x") == "the database is not running");
  CHECK(run("set size 1m") == "no such setting: size");
  REQUIRE(run("start") == "");
  CHECK(run("start") == "the database is running");
  CHECK(run("query") == "query does not take 0 arguments");
  CHECK(run("maintain\n  x 0:1") == "maintain takes no series");
  CHECK(run("rows duplicate 1\n  x 0:1") == "refused:, expected: duplicate 1");
  CHECK(run("query x\n  x 0:1 1m:2") == "missing x @60000 = 2.000000");
  CHECK(run("query x\n  x 0:1\n  error damaged") == "no error, expected: damaged");
  CHECK(run("query {a=\"\"}\n  error damaged").ends_with("expected: damaged"));
  CHECK(run("query x") == "unexpected x");
  CHECK(run("blocks 1") == "0 blocks");
  CHECK(run("metric prometheus_tsdb_head_series 2") == "it is 1");
  CHECK(run("id x 2") == "its id is 1");
  CHECK(run("logged nonsense") == "not in the log: nonsense");
  REQUIRE(run("stop") == "");
  CHECK(run("remove w?l/x*") == "w?l/x* names 0 files: ");
  CHECK(run("flip wal/* 99999").starts_with("the file has "));
}

TEST_CASE("The scripts are found") {
  CHECK(registered);
  CHECK(Scripts().size() >= 10);
}

}  // namespace
}  // namespace barograph::test
