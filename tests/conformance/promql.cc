#include <fmt/format.h>

#include "base/time.h"
#include "promql/script/runner.h"
#include "tests/conformance/areas.h"
#include "tests/promql/memory_storage.h"

/// Scripts of PromQL: each eval is a case, named by its line.
namespace barograph::conformance {

void RunPromql(const std::string& path, Reporter& reporter) {
  const promql::Engine engine(promql::script::DefaultEngineOptions(), SystemClock());
  const promql::script::Report report = promql::script::RunScript(
      ReadWholeFile(path), promql::testing::MemoryStorage::Factory(), engine);
  for (size_t i = 0; i < report.passed; ++i) reporter.Pass("");
  for (const promql::script::Failure& failure : report.failures) {
    reporter.Fail(fmt::format("line {}", failure.line), failure.message);
  }
}

}  // namespace barograph::conformance
