#include "web/api/stats_json.h"

#include <utility>

namespace barograph::web {
namespace {

// An extension: what each operator cost, from the root on.
void WriteOperators(JsonWriter& json, const std::vector<promql::OperatorReport>& operators) {
  json.Key("operators");
  json.BeginArray();
  for (const promql::OperatorReport& node : operators) {
    json.BeginObject();
    json.Key("depth");
    json.Int(static_cast<int64_t>(node.depth));
    json.Key("operator");
    json.String(node.name);
    json.Key("series");
    json.Int(static_cast<int64_t>(node.series));
    json.Key("samples");
    json.Int(static_cast<int64_t>(node.samples));
    json.Key("seconds");
    json.Number(node.seconds);
    json.EndObject();
  }
  json.EndArray();
}

void WriteStepSamples(JsonWriter& json, const std::vector<promql::StepSamples>& steps) {
  json.Key("totalQueryableSamplesPerStep");
  json.BeginArray();
  for (const promql::StepSamples& step : steps) {
    json.BeginArray();
    json.Number(ToSeconds(step.time));
    json.Int(static_cast<int64_t>(step.samples));
    json.EndArray();
  }
  json.EndArray();
}

}  // namespace

void WriteStats(JsonWriter& json, const promql::QueryStats& stats,
                std::chrono::nanoseconds queued) {
  const double queue_seconds = std::chrono::duration<double>(queued).count();
  json.BeginObject();
  json.Key("timings");
  json.BeginObject();
  for (const auto& [name, seconds] :
       {std::pair("evalTotalTime", stats.plan_seconds + stats.exec_seconds),
        std::pair("resultSortTime", 0.0), std::pair("queryPreparationTime", stats.plan_seconds),
        std::pair("innerEvalTime", stats.exec_seconds), std::pair("execQueueTime", queue_seconds),
        std::pair("execTotalTime",
                  stats.parse_seconds + stats.plan_seconds + stats.exec_seconds)}) {
    json.Key(name);
    json.Number(seconds);
  }
  json.EndObject();
  json.Key("samples");
  json.BeginObject();
  if (!stats.samples_by_step.empty()) WriteStepSamples(json, stats.samples_by_step);
  json.Key("totalQueryableSamples");
  json.Int(static_cast<int64_t>(stats.total_samples));
  json.Key("samplesRead");
  json.Int(static_cast<int64_t>(stats.read_samples));
  json.Key("peakSamples");
  json.Int(static_cast<int64_t>(stats.peak_samples));
  json.EndObject();
  if (!stats.operators.empty()) {
    json.Key("peakBytes");
    json.Int(static_cast<int64_t>(stats.peak_bytes));
    WriteOperators(json, stats.operators);
  }
  json.EndObject();
}

}  // namespace barograph::web
