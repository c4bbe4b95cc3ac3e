#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "memory_storage.h"
#include "promql/script/runner.h"
#include "script_files.h"
#include "tests/promql/reference/evaluator.h"

// The reference evaluator is checked by the same scripts as the engine, so that what it is used
// for means something.
namespace barograph::promql {
namespace {

script::Report RunOnReference(const std::filesystem::path& file) {
  const script::Evaluate evaluate = [](std::string_view query, const Queryable& storage,
                                       const QueryTimes& times) {
    reference::Options options;
    options.delayed_name_removal = true;
    options.use_start_timestamps = true;
    return reference::Evaluate(query, reference::Data(storage), times, options);
  };
  return script::RunScript(testing::ReadScript(file), testing::MemoryStorage::Factory(), evaluate);
}

// What it does not tell: the details of a repair of classic buckets; and, of aggregations, that
// resets conflict where Prometheus reads counts and sums alone and finds the resets while it does.
bool IsUntold(const script::Failure& failure) {
  const auto tells = [&](const char* text) {
    return failure.message.find(text) != std::string::npos;
  };
  return tells("needed to be fixed for monotonicity") ||
         tells("conflicting counter resets during histogram aggregation");
}

void CheckScripts(const std::filesystem::path& folder) {
  for (const auto& file : testing::ScriptsIn(folder)) {
    for (const script::Failure& failure : RunOnReference(file).failures) {
      if (IsUntold(failure)) continue;
      FAIL_CHECK(file.filename().string() << ":" << failure.line << ": " << failure.message);
    }
  }
}

}  // namespace

TEST_CASE("The reference evaluator passes the project's own scripts") {
  CheckScripts(testing::OwnScripts());
}

TEST_CASE("The reference evaluator passes the public scripts") {
  if (const char* folder = std::getenv("BAROGRAPH_CONFORMANCE")) {
    CheckScripts(std::filesystem::path(folder) / "promql");
  }
}

}  // namespace barograph::promql
