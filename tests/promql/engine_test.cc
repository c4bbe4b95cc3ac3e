#include "promql/engine.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <thread>

#include "base/worker_pool.h"
#include "memory_storage.h"
#include "promql/plan/estimate.h"

namespace barograph::promql {
namespace {

using testing::MemoryStorage;

// Advances by itself at every look, so that a deadline comes without waiting.
class TickingClock final : public Clock {
 public:
  explicit TickingClock(std::chrono::nanoseconds tick) : tick_(tick) {}
  Timestamp Now() const override { return FromMs(0); }
  std::chrono::nanoseconds Monotonic() const override {
    return std::chrono::nanoseconds(now_ns_ += tick_.count());
  }

 private:
  std::chrono::nanoseconds tick_;
  mutable std::atomic<int64_t> now_ns_ = 0;
};

Labels Named(std::string_view name, std::string_view id) {
  return Labels{{"__name__", name}, {"id", id}};
}

void FillCounters(MemoryStorage& storage, int series, int samples) {
  for (int s = 0; s < series; ++s) {
    const Labels labels = Named("requests_total", std::to_string(s));
    for (int i = 0; i < samples; ++i) storage.Append(labels, i * 15'000, i * (s + 1));
  }
}

constexpr QueryTimes Instant(int64_t ms) { return {FromMs(ms), FromMs(ms), Duration(0)}; }
constexpr QueryTimes Range(int64_t start_ms, int64_t end_ms, int64_t step_ms) {
  return {FromMs(start_ms), FromMs(end_ms), Duration(step_ms)};
}

TEST_CASE("an instant query's result says what type it has") {
  MemoryStorage storage;
  storage.Append(Named("up", "a"), 1000, 1);
  const Engine engine({}, SystemClock());
  const auto type_of = [&](std::string_view query) {
    return TypeOf(engine.Run(query, storage, Instant(1500))->value);
  };
  CHECK(type_of("1 + 1") == ValueType::kScalar);
  CHECK(type_of("'text'") == ValueType::kString);
  CHECK(type_of("up") == ValueType::kVector);
  CHECK(type_of("up[1m]") == ValueType::kMatrix);
  CHECK(TypeOf(engine.Run("1", storage, Range(0, 1000, 100))->value) == ValueType::kMatrix);
}

TEST_CASE("start timestamps are looked at only where that is asked for") {
  MemoryStorage storage;
  const auto appender = storage.NewAppender();
  const SeriesId id = *appender->Resolve(Named("c_total", "1"));
  appender->Append(id, {FromMs(1000), 5}, kUnknownStart);
  appender->Append(id, {FromMs(16'000), 7}, FromMs(10'000));
  REQUIRE(appender->Commit());
  for (const bool asked : {false, true}) {
    EngineOptions options;
    options.use_start_timestamps = asked;
    const Engine engine(options, SystemClock());
    const auto resets = engine.Run("resets(c_total[1m])", storage, Instant(16'000));
    CHECK(std::get<Vector>(resets->value).series[0].values[0] == (asked ? 1 : 0));
    const auto starts = engine.Run("start_timestamp(c_total)", storage, Instant(16'000));
    const auto& series = std::get<Vector>(starts->value).series;
    REQUIRE(series.size() == (asked ? 1 : 0));
    if (asked) CHECK(series[0].values[0] == 10);
  }
}

TEST_CASE("histogram_count and its kin leave a series its type and unit") {
  MemoryStorage storage;
  const auto appender = storage.NewAppender();
  const SeriesId id = *appender->Resolve(
      Labels({{"__name__", "latency"}, {"__type__", "histogram"}, {"__unit__", "seconds"}}));
  FloatHistogram histogram;
  histogram.count = 3;
  appender->AppendHistogram(id, FromMs(1000), histogram);
  REQUIRE(appender->Commit());
  const auto labels_of = [&](const std::string& query, bool delayed) {
    EngineOptions options;
    options.delayed_name_removal = delayed;
    const Engine engine(options, SystemClock());
    const auto result = engine.Run(query, storage, Instant(1000));
    return std::get<Vector>(result->value).series.at(0).labels.ToString();
  };
  CHECK(labels_of("histogram_count(latency)", false) ==
        R"({__type__="histogram", __unit__="seconds"})");
  CHECK(labels_of("histogram_count(latency)", true) == "{}");
  CHECK(labels_of("histogram_count(latency) * 2", false) == "{}");
  CHECK(labels_of("histogram_count(-latency)", false) == "{}");
}

TEST_CASE("an instant vector's samples are at the evaluation time, a range vector's at their own") {
  MemoryStorage storage;
  storage.Append(Named("up", "a"), 1000, 1);
  const Engine engine({}, SystemClock());
  const auto vector = engine.Run("up", storage, Instant(1500));
  CHECK(std::get<Vector>(vector->value).series.at(0).timestamps.at(0) == FromMs(1500));
  const auto matrix = engine.Run("up[1m]", storage, Instant(1500));
  CHECK(std::get<Matrix>(matrix->value).series.at(0).timestamps.at(0) == FromMs(1000));
}

TEST_CASE("a range query takes scalars and instant vectors only") {
  MemoryStorage storage;
  const Engine engine({}, SystemClock());
  const auto result = engine.Run("up[1m]", storage, Range(0, 1000, 100));
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == ErrorCode::kInvalidArgument);
  CHECK(result.error().message ==
        "invalid expression type \"range vector\" for range query, must be Scalar or instant "
        "Vector");
}

TEST_CASE("times that make no sense are refused") {
  MemoryStorage storage;
  const Engine engine({}, SystemClock());
  CHECK_FALSE(engine.Run("1", storage, Range(1000, 0, 100)).has_value());
  CHECK_FALSE(engine.Run("1", storage, {FromMs(0), FromMs(1), Duration(0)}).has_value());
  CHECK_FALSE(engine.Run("1", storage, Range(0, 1, -5)).has_value());
  CHECK_FALSE(engine.Run("1", storage, Instant(std::numeric_limits<int64_t>::max())).has_value());
  CHECK_FALSE(engine.Run("1", storage, Instant(std::numeric_limits<int64_t>::min())).has_value());
}

TEST_CASE("what does not parse is an invalid argument with its place") {
  MemoryStorage storage;
  const Engine engine({}, SystemClock());
  const auto result = engine.Run("sum(", storage, Instant(0));
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == ErrorCode::kInvalidArgument);
  CHECK(result.error().message.find("parse error") != std::string::npos);
}

TEST_CASE("a query that would hold too many samples fails, alone") {
  MemoryStorage storage;
  FillCounters(storage, 20, 40);
  EngineOptions options;
  options.max_samples = 100;
  const Engine engine(options, SystemClock());
  const auto result = engine.Run("requests_total", storage, Range(0, 600'000, 15'000));
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == ErrorCode::kLimitExceeded);
  CHECK(result.error().message ==
        "query processing would load too many samples into memory in query execution");
  // An aggregation holds its groups only.
  CHECK(engine.Run("sum(requests_total)", storage, Range(0, 600'000, 15'000)).has_value());
  CHECK_FALSE(engine.Run("1", storage, Range(0, 1'000'000, 1)).has_value());
}

TEST_CASE("a query over its memory fails, and the error names the limit and the need") {
  MemoryStorage storage;
  FillCounters(storage, 20, 40);
  EngineOptions options;
  options.max_memory = 8000;
  const Engine engine(options, SystemClock());
  const auto result = engine.Run("requests_total", storage, Range(0, 600'000, 15'000));
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == ErrorCode::kLimitExceeded);
  CHECK(result.error().message.find("over the limit of 8000 bytes a query (--query.max-memory)") !=
        std::string::npos);
  // An aggregation holds its groups only.
  const auto sum = engine.Run("sum(requests_total)", storage, Range(0, 600'000, 15'000));
  REQUIRE(sum.has_value());
  CHECK(sum->stats.peak_bytes > 0);
  CHECK(sum->stats.peak_bytes <= 8000);
}

TEST_CASE("a query that makes a series of each sample looks at the clock while it does") {
  MemoryStorage storage;
  for (int64_t i = 0; i < 5000; ++i) {
    storage.Append(Labels{{"__name__", "a"}}, i * 1000, static_cast<double>(i));
  }
  EngineOptions options;
  options.timeout = std::chrono::milliseconds(100);  // a tick at each look at the clock
  const TickingClock clock(std::chrono::milliseconds(1));
  const auto result =
      Engine(options, clock).Run("count_values(\"v\", a)", storage, Range(0, 4'999'000, 1000));
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == ErrorCode::kTimeout);
}

TEST_CASE("a query ends at its deadline") {
  MemoryStorage storage;
  FillCounters(storage, 2000, 40);
  EngineOptions options;
  options.timeout = std::chrono::milliseconds(1);
  const Engine engine(options, TickingClock(std::chrono::microseconds(200)));
  const TickingClock clock(std::chrono::microseconds(200));
  const Engine ticking(options, clock);
  const auto result = ticking.Run("rate(requests_total[5m])", storage, Range(0, 600'000, 1000));
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == ErrorCode::kTimeout);
  CHECK(result.error().message == "query timed out in expression evaluation");
}

TEST_CASE("a deadline also ends what is long on a single series") {
  const MemoryStorage storage;
  EngineOptions options;
  options.timeout = std::chrono::milliseconds(100);  // a tick at each look at the clock
  const TickingClock clock(std::chrono::milliseconds(1));
  const Engine engine(options, clock);
  for (const std::string function : {"quantile_over_time(0.5, ", "mad_over_time("}) {
    const auto result = engine.Run(function + "(vector(time()) % 977)[3h:1s])", storage,
                                   Range(0, 36'000'000, 60'000));
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == ErrorCode::kTimeout);
  }
}

TEST_CASE("a query ends when it is cancelled") {
  MemoryStorage storage;
  const Engine engine({}, SystemClock());
  std::stop_source source;
  source.request_stop();
  QuerySettings settings;
  settings.stop = source.get_token();
  const auto result = engine.Run("up", storage, Instant(0), settings);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == ErrorCode::kCancelled);
}

// Selects until it is told to stop.
class EndlessStorage final : public MemoryStorage {
 public:
  Result<std::unique_ptr<Selection>> Select(TimeRange, const Matchers&, const SelectHints&,
                                            std::stop_token stop) const override {
    const auto give_up = SystemClock().Monotonic() + std::chrono::seconds(20);
    while (!stop.stop_requested() && SystemClock().Monotonic() < give_up) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return Fail(ErrorCode::kCancelled, "stopped");
  }
};

TEST_CASE("a query times out while storage looks for its series") {
  const EndlessStorage storage;
  const Engine engine({}, SystemClock());
  QuerySettings settings;
  settings.timeout = std::chrono::milliseconds(20);
  const auto result = engine.Run("up", storage, Instant(0), settings);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == ErrorCode::kTimeout);
}

TEST_CASE("selectors that read the same ask storage once") {
  MemoryStorage storage;
  FillCounters(storage, 2, 40);
  const Engine engine({}, SystemClock());
  REQUIRE(engine.Run("requests_total / requests_total", storage, Instant(600'000)).has_value());
  CHECK(storage.selects() == 1);
  REQUIRE(engine.Run("requests_total - requests_total offset 1w", storage, Instant(600'000))
              .has_value());
  CHECK(storage.selects() == 3);
}

TEST_CASE("storage is told which labels matter where the others never show") {
  const std::vector<std::string> names = {"__name__", "__type__", "__unit__"};
  const std::vector<std::string> jobs = {"job", "__name__", "__type__", "__unit__"};
  const std::pair<std::string_view, std::vector<std::string>> projected[] = {
      {"count({job=\"a\"})", {}},
      {"count by (job) ({job=\"a\"})", {"job"}},
      {"sum(x)", names},
      {"quantile by (job) (0.5, x)", jobs},
      {"sum by (job) (rate(x_total[5m]))", jobs},
      {"count by (job) (rate(x_total[5m]))", jobs},
      {"sum by (job) (rate(x_total[5m])) / sum by (job) (rate(x_total[5m]))", jobs},
  };
  MemoryStorage storage;
  const Engine engine({}, SystemClock());
  for (const auto& [query, labels] : projected) {
    INFO(query);
    REQUIRE(engine.Run(query, storage, Instant(0)).has_value());
    CHECK(storage.last_hints().projected);
    CHECK(storage.last_hints().projection == labels);
  }
  for (const auto* query :
       {"x", "sum without (job) (x)", "topk by (job) (1, x)", "sum by (job) (-x)",
        "count_values by (job) (\"value\", x)", "sum by (job) (rate({job=\"a\"}[5m]))",
        "sum by (job) (label_replace(x, \"job\", \"$1\", \"id\", \"(.*)\"))",
        "sum by (job) (x) / x", "sum by (job) (x) / sum by (id) (x)",
        "sum by (job) (max_over_time(x[5m:1m]))"}) {
    INFO(query);
    REQUIRE(engine.Run(query, storage, Instant(0)).has_value());
    CHECK_FALSE(storage.last_hints().projected);
  }
}

TEST_CASE("the name is dropped at once, or at the end when removal is delayed") {
  MemoryStorage storage;
  storage.Append(Named("a", "1"), 0, 1);
  storage.Append(Named("b", "1"), 0, 2);
  const std::string query = "sum by (__name__) (abs({id=\"1\"}))";
  const Engine engine({}, SystemClock());
  const auto clash = engine.Run(query, storage, Instant(0));
  REQUIRE_FALSE(clash.has_value());
  CHECK(clash.error().message == "vector cannot contain metrics with the same labelset");

  EngineOptions options;
  options.delayed_name_removal = true;
  const Engine delayed(options, SystemClock());
  const auto result = delayed.Run("count(abs({id=\"1\"}))", storage, Instant(0));
  REQUIRE(result.has_value());
  CHECK(std::get<Vector>(result->value).series.at(0).values.at(0) == 2);
  CHECK_FALSE(delayed.Run(query, storage, Instant(0)).has_value());
}

TEST_CASE("annotations tell the line and column of what raised them") {
  MemoryStorage storage;
  FillCounters(storage, 1, 40);
  storage.Append(Named("gauge", "1"), 0, 1);
  storage.Append(Named("gauge", "1"), 15'000, 1);
  const Engine engine({}, SystemClock());
  const auto result = engine.Run("requests_total +\n  rate(gauge[1m])", storage, Instant(30'000));
  REQUIRE(result.has_value());
  CHECK(result->annotations.warnings.empty());
  REQUIRE(result->annotations.infos.size() == 1);
  CHECK(result->annotations.infos[0] ==
        "PromQL info: metric might not be a counter, name does not end in "
        "_total/_sum/_count/_bucket: \"gauge\" (2:8)");
}

TEST_CASE("statistics count the samples that a query looked at") {
  MemoryStorage storage;
  FillCounters(storage, 2, 40);
  const Engine engine({}, SystemClock());
  const auto instant = engine.Run("requests_total", storage, Instant(585'000));
  CHECK(instant->stats.total_samples == 2);
  CHECK(instant->stats.read_samples == 2);
  const auto range = engine.Run("rate(requests_total[1m])", storage, Instant(585'000));
  CHECK(range->stats.total_samples == 8);
}

TEST_CASE("statistics count a stored sample once, in however many windows it is") {
  MemoryStorage storage;
  FillCounters(storage, 2, 40);  // each 15 s
  const Engine engine({}, SystemClock());
  const auto run = [&](const char* query) {
    return engine.Run(query, storage, Range(300'000, 360'000, 15'000))->stats;
  };
  const QueryStats windows = run("rate(requests_total[1m])");
  CHECK(windows.total_samples == 2 * 5 * 4);
  CHECK(windows.read_samples == 2 * (4 + 4));
  const QueryStats pinned = run("rate(requests_total[1m] @ 300)");
  CHECK(pinned.total_samples == 2 * 5 * 4);
  CHECK(pinned.read_samples == 2 * 4);
  const QueryStats subquery = run("max_over_time(requests_total[1m:15s])");
  CHECK(subquery.total_samples == 2 * 5 * 4);
  CHECK(subquery.read_samples == 2 * 8);
}

TEST_CASE("native histograms pass through selectors and functions") {
  MemoryStorage storage;
  FloatHistogram histogram;
  histogram.count = 3;
  histogram.sum = 7;
  storage.Append(Named("latency", "1"), 0, &histogram);
  const Engine engine({}, SystemClock());
  const auto result = engine.Run("latency", storage, Instant(1000));
  REQUIRE(result.has_value());
  const ResultSeries& series = std::get<Vector>(result->value).series.at(0);
  REQUIRE(series.histograms.size() == 1);
  CHECK(series.histograms[0]->sum == 7);
  CHECK(std::get<Vector>(engine.Run("count(latency)", storage, Instant(1000))->value)
            .series.at(0)
            .values.at(0) == 1);

  FloatHistogram later = histogram;
  later.count = 9;
  storage.Append(Named("latency", "1"), 60'000, &later);
  const auto increase = engine.Run("increase(latency[2m])", storage, Instant(60'000));
  REQUIRE(increase.has_value());
  const ResultSeries& grown = std::get<Vector>(increase->value).series.at(0);
  REQUIRE(grown.histograms.size() == 1);
  CHECK(grown.histograms[0]->count == 9);  // back to where it would have been zero
  CHECK(grown.histograms[0]->counter_reset_hint == CounterResetHint::kGauge);
}

TEST_CASE("what each operator cost is told where it is asked for") {
  MemoryStorage storage;
  FillCounters(storage, 20, 40);
  WorkerPool workers(2);
  for (WorkerPool* pool : {static_cast<WorkerPool*>(nullptr), &workers}) {
    EngineOptions options;
    options.workers = pool;
    options.fork_work = 0;
    const Engine engine(options, SystemClock());
    QuerySettings settings;
    settings.measure = true;
    const auto result = engine.Run("sum(rate(requests_total[1m])) * 2", storage,
                                   Range(0, 600'000, 15'000), settings);
    REQUIRE(result.has_value());
    const std::vector<OperatorReport>& operators = result->stats.operators;
    REQUIRE(operators.size() == 4);
    CHECK(operators[0].name == "*");
    CHECK(operators[1].name == "sum");
    CHECK(operators[1].depth == 1);
    CHECK(operators[1].series == 1);
    CHECK(operators[2].name == "rate(requests_total[1m])");
    CHECK(operators[2].depth == 2);
    CHECK(operators[2].series == 20);
    CHECK(operators[2].samples == result->stats.total_samples);
    CHECK(operators[2].seconds > 0);
    CHECK(operators[3].name == "2");
  }
  const Engine engine({}, SystemClock());
  CHECK(engine.Run("1", storage, Instant(0))->stats.operators.empty());
}

TEST_CASE("a plan is explained, with estimates where there is a storage") {
  MemoryStorage storage;
  FillCounters(storage, 20, 40);
  const Engine engine({}, SystemClock());
  const std::string query = "sum(rate(requests_total[10m])) / time()";
  const auto plan = engine.Explain(query, &storage, Range(540'000, 600'000, 15'000));
  REQUIRE(plan.has_value());
  CHECK(FormatPlan(*plan) ==
        "binary sum(rate(requests_total[10m])) / time()  (5 steps, 1 series)\n"
        "  aggregate sum(rate(requests_total[10m]))  (5 steps, 1 series)\n"
        "    call rate(requests_total[10m])  (5 steps, 20 series)\n"
        "      matrix requests_total[10m]  (5 steps, 20 series, about 800 samples)\n"
        "  call time()  (5 steps, 1 series)\n");
  const auto offline = engine.Explain("up", nullptr, Instant(0));
  REQUIRE(offline.has_value());
  CHECK(FormatPlan(*offline) == "selector up  (1 steps)\n");
  CHECK_FALSE(engine.Explain("sum(", nullptr, Instant(0)).has_value());
}

TEST_CASE("a tree too deep for the stack is refused") {
  MemoryStorage storage;
  const Engine engine({}, SystemClock());
  std::string query;
  for (int i = 0; i < 3000; ++i) query += "-";
  CHECK_FALSE(engine.Run(query + "up", storage, Instant(0)).has_value());
}

}  // namespace
}  // namespace barograph::promql
