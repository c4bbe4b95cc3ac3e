// The dashboard of bench/query/queries.txt over a storage whose reads cost nothing: what the engine
// alone costs. bench/query/query.py measures whole servers.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/worker_pool.h"
#include "bench/query/columnar_storage.h"
#include "promql/engine.h"

namespace barograph::bench {
namespace {

struct Question {
  std::string name;
  int hours = 0;
  int step_seconds = 0;
  std::string expression;
};

std::string Trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return std::string(text);
}

// `name | hours | step | expression`
Question ParseQuestion(std::string_view line) {
  std::string fields[4];
  for (int i = 0; i < 3; ++i) {
    const size_t bar = line.find('|');
    fields[i] = Trim(line.substr(0, bar));
    line.remove_prefix(bar + 1);
  }
  return {fields[0], std::atoi(fields[1].c_str()), std::atoi(fields[2].c_str()), Trim(line)};
}

std::vector<Question> ReadQuestions(const std::string& path) {
  std::vector<Question> questions;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != '#') questions.push_back(ParseQuestion(line));
  }
  return questions;
}

void Ask(benchmark::State& state, const ColumnarStorage& storage, const Question& question,
         WorkerPool* workers) {
  promql::EngineOptions options;
  options.workers = workers;
  const promql::Engine engine(options, SystemClock());
  const Timestamp end = storage.last();
  const promql::QueryTimes times{end - std::chrono::hours(question.hours), end,
                                 std::chrono::seconds(question.step_seconds)};
  uint64_t samples = 0;
  for (auto _ : state) {
    const auto result = engine.Run(question.expression, storage, times);
    if (!result.has_value()) return state.SkipWithError(result.error().message.c_str());
    samples = result->stats.total_samples;
    benchmark::DoNotOptimize(result->value);
  }
  state.counters["samples"] = static_cast<double>(samples);
}

}  // namespace
}  // namespace barograph::bench

int main(int argc, char** argv) {
  using namespace barograph::bench;
  benchmark::Initialize(&argc, argv);
  const ColumnarStorage storage(20, 24 * 60 * 4);
  const std::vector<Question> questions = ReadQuestions(BAROGRAPH_QUERIES);
  barograph::WorkerPool workers(std::max(std::thread::hardware_concurrency(), 2u) - 1);
  for (const Question& question : questions) {
    for (barograph::WorkerPool* pool : {static_cast<barograph::WorkerPool*>(nullptr), &workers}) {
      const std::string name = question.name + (pool == nullptr ? ", one thread" : ", all cores");
      benchmark::RegisterBenchmark(
          name.c_str(), [&, pool](benchmark::State& state) { Ask(state, storage, question, pool); })
          ->Unit(benchmark::kMicrosecond)
          ->UseRealTime();
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
