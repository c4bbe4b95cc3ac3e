#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <random>
#include <string>

#include "base/worker_pool.h"
#include "promql/engine.h"
#include "tests/differential/answers.h"
#include "tests/differential/random_data.h"
#include "tests/differential/random_queries.h"
#include "tests/promql/memory_storage.h"
#include "tests/promql/reference/evaluator.h"

// reference_differential [--queries N] [--seed N]: asks the engine and the reference evaluator the
// same random queries over the same random data, and shows where the answers differ. Each query has
// a seed of its own, printed with each difference: --seed SEED --queries 1 asks it again.

namespace barograph::differential {
namespace {

constexpr uint64_t kQueriesOfOneData = 200;
constexpr size_t kMostShown = 20;

struct Count {
  size_t asked = 0, with_values = 0, failed = 0, different = 0;
};

bool HasValues(const promql::Value& value) {
  if (const auto* vector = std::get_if<promql::Vector>(&value)) return !vector->series.empty();
  if (const auto* matrix = std::get_if<promql::Matrix>(&value)) return !matrix->series.empty();
  return true;
}

bool Holds(const std::string& query, std::initializer_list<const char*> parts) {
  return std::ranges::any_of(parts, [&](const char* part) { return query.contains(part); });
}

Leniency LeniencyFor(const RandomQueries::Query& query) {
  Leniency leniency;
  // Both add with compensation, but not in one order; means, roots and logarithms differ in the
  // last bits. Differences of nearly equal numbers have their last digits where the data's are.
  leniency.relative = query.noisy ? 1e-8 : 1e-12;
  leniency.absolute = query.noisy ? 1e-8 : 1e-300;
  // What a counter reset is known from depends on how samples are read there.
  leniency.skip_hints =
      Holds(query.text, {"histogram_count", "histogram_sum", "histogram_avg", " smoothed"});
  // The steps of a subquery go on between the windows of a query's own steps, and to sort there
  // makes as little sense.
  leniency.tell_more = Holds(query.text, {")["});
  return leniency;
}

class Differential {
 public:
  void Run(uint64_t first, uint64_t queries) {
    for (uint64_t seed = first; seed < first + queries; ++seed) Ask(seed);
  }
  const Count& count() const { return count_; }

 private:
  void UseData(uint64_t seed) {
    if (data_ != nullptr && seed == data_seed_) return;
    data_seed_ = seed;
    storage_ = std::make_unique<promql::testing::MemoryStorage>();
    Fill(*storage_, seed);
    data_ = std::make_unique<promql::reference::Data>(*storage_);
  }

  void Ask(uint64_t seed) {
    UseData(seed / kQueriesOfOneData);
    RandomQueries random(seed);
    const RandomQueries::Times times = random.NextTimes();
    const RandomQueries::Query query = random.Next();
    const promql::QueryTimes query_times{FromMs(times.start_ms), FromMs(times.end_ms),
                                         Duration(times.step_ms)};
    promql::EngineOptions options;
    // Where a name is still to be dropped and `or` brings a series of that very name, Prometheus
    // goes by the one that comes first, the engine by either, and the reference by each step.
    options.delayed_name_removal = seed % 2 == 0 && !Holds(query.text, {" or "});
    options.use_start_timestamps = seed % 4 < 2;
    options.lookback = seed % 3 == 0 ? std::chrono::seconds(40) : std::chrono::minutes(5);
    if (seed % 5 == 0) {
      options.workers = &workers_;
      options.fork_work = 0;
    }
    const promql::Engine engine(options, SystemClock());
    const auto ours = engine.Run(query.text, *storage_, query_times);
    const auto theirs = promql::reference::Evaluate(
        query.text, *data_, query_times,
        {options.lookback.count(), options.default_subquery_step.count(),
         options.delayed_name_removal, options.use_start_timestamps});
    ++count_.asked;
    if (ours.has_value() && HasValues(ours->value)) ++count_.with_values;
    if (!ours.has_value()) ++count_.failed;
    const auto problem = Difference(ours, theirs, LeniencyFor(query));
    if (!problem) return;
    if (++count_.different > kMostShown) return;
    fmt::print("seed {}{}{}: {} .. {} step {} ms, look-back {} ms: {}\n  {}\n", seed,
               options.delayed_name_removal ? " (delayed name removal)" : "",
               options.use_start_timestamps ? " (start timestamps)" : "", times.start_ms,
               times.end_ms, times.step_ms, options.lookback.count(), query.text, *problem);
  }

  WorkerPool workers_{1};
  uint64_t data_seed_ = 0;
  std::unique_ptr<promql::testing::MemoryStorage> storage_;
  std::unique_ptr<promql::reference::Data> data_;
  Count count_;
};

bool ParseNumber(const char* text, uint64_t& number) {
  const char* end = text + std::strlen(text);
  return std::from_chars(text, end, number).ptr == end;
}

int Main(int argc, char** argv) {
  uint64_t queries = 5000, seed = std::random_device()();
  for (int i = 1; i < argc; i += 2) {
    const std::string flag = argv[i];
    const bool known = flag == "--queries" || flag == "--seed";
    if (!known || i + 1 == argc || !ParseNumber(argv[i + 1], flag == "--seed" ? seed : queries)) {
      fmt::print(stderr, "usage: reference_differential [--queries N] [--seed N]\n");
      return 2;
    }
  }
  Differential differential;
  differential.Run(seed, queries);
  const Count& count = differential.count();
  fmt::print(
      "{} queries from seed {}: {} had an answer with values, {} failed on both sides or "
      "one, {} differ\n",
      count.asked, seed, count.with_values, count.failed, count.different);
  const bool meaningful = queries < 100 || count.with_values > queries / 2;
  return count.different == 0 && meaningful ? 0 : 1;
}

}  // namespace
}  // namespace barograph::differential

int main(int argc, char** argv) { return barograph::differential::Main(argc, argv); }
