#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/storage/appendable.h"
#include "base/storage/queryable.h"
#include "base/time.h"
#include "promql/engine.h"

/// Runs test scripts in the language of Prometheus's promqltest: `load` series, `eval` queries,
/// compare with what the script expects, `clear`. Against any storage.
namespace barograph::promql::script {

/// A storage that a script fills and queries. Destroyed when the script clears it or ends.
class Storage {
 public:
  virtual ~Storage() = default;
  virtual Appendable& appendable() = 0;
  virtual const Queryable& queryable() = 0;

  /// Called after each load, before anything is queried: to change where the samples lie. What
  /// appendable() and queryable() gave before need not be valid any more.
  virtual Status Loaded() { return {}; }
};

/// Makes an empty storage.
using StorageFactory = std::function<Result<std::unique_ptr<Storage>>()>;

struct Failure {
  int line = 0;  ///< of the command, from 1
  std::string message;
};

/// A case is an `eval`; a command that cannot be read or executed counts as a failed one.
struct Report {
  size_t passed = 0;
  std::vector<Failure> failures;

  size_t failed() const { return failures.size(); }
};

/// The engine's settings in Prometheus's own runner, which scripts assume: look-back and timeout
/// of 5 minutes and 100 seconds, subqueries every minute, 10,000 samples, all features on, and
/// delayed name removal.
EngineOptions DefaultEngineOptions();

/// Answers a query, as Engine::Run does.
using Evaluate = std::function<Result<QueryResult>(std::string_view query, const Queryable& storage,
                                                   const QueryTimes& times)>;

/// Runs all commands of `text`. An instant query is also run with its selectors pinned by @ at
/// other times, and as a range query around its time.
Report RunScript(std::string_view text, const StorageFactory& new_storage,
                 const Evaluate& evaluate);
Report RunScript(std::string_view text, const StorageFactory& new_storage, const Engine& engine);

}  // namespace barograph::promql::script
