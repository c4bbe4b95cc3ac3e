#include "promql/script/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "promql/script/command.h"
#include "promql/script/compare.h"
#include "promql/script/custom_buckets.h"
#include "promql/script/pin.h"

namespace barograph::promql::script {
namespace {

using Problem = std::optional<std::string>;

class Runner {
 public:
  Runner(const StorageFactory& new_storage, const Evaluate& evaluate)
      : new_storage_(new_storage), evaluate_(evaluate) {}

  Report Run(const std::vector<Command>& commands) {
    Execute(ClearCommand());
    for (const Command& command : commands) {
      std::visit([this](const auto& c) { Execute(c); }, command);
    }
    return std::move(report_);
  }

 private:
  void Fail(int line, std::string message) { report_.failures.push_back({line, message}); }

  void Execute(const BadCommand& bad) { Fail(bad.line, bad.message); }

  void Execute(const ClearCommand&) {
    storage_.reset();
    auto storage = new_storage_();
    if (storage.has_value()) {
      storage_ = std::move(*storage);
    } else {
      Fail(0, "no storage: " + storage.error().message);
    }
  }

  void Execute(const LoadCommand& load) {
    if (storage_ == nullptr) return Fail(load.line, "no storage");
    Status status = Load(load);
    if (status.has_value()) status = storage_->Loaded();
    if (!status.has_value()) Fail(load.line, status.error().message);
  }

  Status Load(const LoadCommand& load) {
    const auto appender = storage_->appendable().NewAppender();
    for (size_t i = 0; i < load.series.size(); ++i) {
      TRY(AppendSeries(*appender, load.series[i], load.start_offsets[i], load.step));
    }
    if (load.with_custom_buckets) {
      const auto histograms = TRY(ConvertClassicHistograms(load.series));
      for (const SeriesDescription& series : histograms) {
        TRY(AppendSeries(*appender, series, {}, load.step));
      }
    }
    return Commit(*appender);
  }

  static Status Commit(Appender& appender) {
    const AppendReport report = TRY(appender.Commit());
    if (report.refused() == 0) return {};
    return barograph::Fail(ErrorCode::kOutOfOrder,
                           fmt::format("storage refused {} samples", report.refused()));
  }

  static Status AppendSeries(Appender& appender, const SeriesDescription& series,
                             const StartOffsets& starts, Duration step) {
    const SeriesId id = TRY(appender.Resolve(series.labels));
    Timestamp timestamp;
    for (size_t i = 0; i < series.values.size(); ++i, timestamp += step) {
      const SequenceValue& value = series.values[i];
      const bool is_started = !starts.empty() && starts[i].has_value();
      const Timestamp start = is_started ? timestamp + *starts[i] : kUnknownStart;
      if (value.histogram.has_value()) {
        appender.AppendHistogram(id, timestamp, *value.histogram, start);
      } else if (!value.omitted) {
        appender.Append(id, {timestamp, value.value}, start);
      }
    }
    return {};
  }

  void Execute(const EvalCommand& eval) {
    if (storage_ == nullptr) return Fail(eval.line, "no storage");
    const Problem problem = eval.is_range ? RunRange(eval) : RunInstant(eval);
    if (!problem.has_value()) {
      ++report_.passed;
      return;
    }
    Fail(eval.line, fmt::format("{}: {}", eval.query, *problem));
  }

  // Runs a query and judges its error and annotations; `check` judges its value.
  template <typename Check>
  Problem RunQuery(const std::string& query, const QueryTimes& times, const Expectation& expected,
                   Check check) {
    const auto result = evaluate_(query, storage_->queryable(), times);
    if (!result.has_value()) {
      const std::string& error = result.error().message;
      if (!expected.fail) return "failed: " + error;
      if (!expected.error.has_value() || expected.error->Matches(error)) return std::nullopt;
      return fmt::format("expected the error \"{}\" but got \"{}\"", expected.error->text, error);
    }
    if (expected.fail) return "expected an error but got none";
    if (Problem problem = CompareAnnotations(expected, result->annotations)) return problem;
    return check(result->value);
  }

  Problem RunRange(const EvalCommand& eval) {
    return RunQuery(eval.query, eval.times, eval.expected, [&](const Value& value) {
      return CompareValue(eval.expected, eval.times, value);
    });
  }

  Problem RunInstant(const EvalCommand& eval) {
    const Timestamp time = eval.sample_times.value_or(eval.times).end;
    if (Problem problem = RunAt(eval, eval.query, time)) return problem;
    const auto pinned = PinSelectors(eval.query, time);
    if (!pinned.has_value()) return std::nullopt;
    for (const Timestamp at : OtherTimes(time)) {
      if (Problem problem = RunAt(eval, *pinned, at)) {
        return fmt::format("as {} at {} ms: {}", *pinned, ToMs(at), *problem);
      }
    }
    return std::nullopt;
  }

  static std::vector<Timestamp> OtherTimes(Timestamp time) {
    const int64_t ms = ToMs(time);
    if (ms == 0) return {FromMs(-1000), FromMs(0), FromMs(1000)};
    return {FromMs(-10 * ms), FromMs(0), FromMs(ms / 5), FromMs(ms), FromMs(10 * ms)};
  }

  // An instant query, and a range query whose middle step is the same time.
  Problem RunAt(const EvalCommand& eval, const std::string& query, Timestamp time) {
    const QueryTimes sample_times = eval.sample_times.value_or(eval.times);
    Problem problem =
        RunQuery(query, {time, time, Duration(0)}, eval.expected, [&](const Value& value) {
          is_scalar_ = std::holds_alternative<Scalar>(value);
          return CompareValue(eval.expected, sample_times, value);
        });
    if (problem.has_value() || eval.expected.fail) return problem;
    const bool only_instant = eval.sample_times.has_value() || eval.expected.string.has_value() ||
                              eval.expected.ordered || DependsOnQueryTimes(query);
    if (only_instant) return std::nullopt;
    problem = RunAround(eval, query, time);
    if (problem.has_value()) return "as a range query: " + *problem;
    return std::nullopt;
  }

  Problem RunAround(const EvalCommand& eval, const std::string& query, Timestamp time) {
    constexpr Duration kStep = std::chrono::minutes(1);
    const auto result =
        evaluate_(query, storage_->queryable(), {time - kStep, time + kStep, kStep});
    if (!result.has_value()) return "failed: " + result.error().message;
    Vector vector;
    for (const ResultSeries& series : std::get<Matrix>(result->value).series) {
      const auto found = std::ranges::find(series.timestamps, time);
      if (found == series.timestamps.end()) continue;
      const auto i = static_cast<size_t>(found - series.timestamps.begin());
      ResultSeries& point = vector.series.emplace_back();
      point.labels = series.labels;
      point.timestamps = {time};
      point.values = {series.values[i]};
      if (!series.histograms.empty()) point.histograms = {series.histograms[i]};
    }
    if (!is_scalar_) return CompareValue(eval.expected, eval.times, vector);
    if (vector.series.empty()) return "no value at the middle step";
    return CompareValue(eval.expected, eval.times, Scalar{time, vector.series[0].values[0]});
  }

  const StorageFactory& new_storage_;
  const Evaluate& evaluate_;
  std::unique_ptr<Storage> storage_;
  Report report_;
  bool is_scalar_ = false;  // of the instant query that ran last
};

}  // namespace

EngineOptions DefaultEngineOptions() {
  EngineOptions options;
  options.lookback = std::chrono::minutes(5);
  options.timeout = std::chrono::seconds(100);
  options.default_subquery_step = std::chrono::minutes(1);
  options.max_samples = 10'000;
  options.delayed_name_removal = true;
  options.use_start_timestamps = true;
  return options;
}

Report RunScript(std::string_view text, const StorageFactory& new_storage,
                 const Evaluate& evaluate) {
  return Runner(new_storage, evaluate).Run(ParseScript(text));
}

Report RunScript(std::string_view text, const StorageFactory& new_storage, const Engine& engine) {
  const Evaluate evaluate = [&](std::string_view query, const Queryable& storage,
                                const QueryTimes& times) {
    return engine.Run(query, storage, times);
  };
  return RunScript(text, new_storage, evaluate);
}

}  // namespace barograph::promql::script
