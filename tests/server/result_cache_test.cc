#include <atomic>
#include <catch2/catch.hpp>
#include <random>
#include <thread>

#include "promql/result_cache.h"
#include "tests/promql/random_query.h"
#include "tests/tsdb/storage_harness.h"
#include "web/api/value_json.h"

/// Answers with the cache against answers without, over a storage to which everything happens that
/// can happen to one.
namespace barograph::test {
namespace {

using promql::Engine;
using promql::QueryTimes;
using promql::ResultCache;

constexpr int64_t kStartMs = 1'700'000'000'000;

struct Answer {
  std::string text;  ///< all that the API would send
  uint64_t reused = 0;
};

Answer Ask(const Engine& engine, const Queryable& storage, const std::string& query,
           const QueryTimes& times) {
  promql::QuerySettings settings;
  settings.reuse = true;
  const auto result = engine.Run(query, storage, times, settings);
  if (!result) return {"error: " + result.error().message};
  web::JsonWriter json;
  web::WriteValue(json, result->value);
  Answer answer{json.Take(), result->stats.reused_steps};
  for (const auto& text : result->annotations.warnings) answer.text += "\nwarning: " + text;
  for (const auto& text : result->annotations.infos) answer.text += "\ninfo: " + text;
  return answer;
}

// Where the two first differ.
std::string FirstDifference(const std::string& got, const std::string& expected) {
  if (got == expected) return "";
  const auto at = std::ranges::mismatch(got, expected).in1 - got.begin();
  const auto from = static_cast<size_t>(std::max<ptrdiff_t>(at - 60, 0));
  return got.substr(std::min(from, got.size()), 120) + "\n and not \n" +
         expected.substr(std::min(from, expected.size()), 120);
}

/// An engine with a cache, and one without.
class Engines {
 public:
  explicit Engines(uint64_t cache_bytes = uint64_t{1} << 20)
      : cache_(cache_bytes, metrics_),
        cached_(With(&cache_), SystemClock()),
        plain_(With(nullptr), SystemClock()) {}

  /// Checks that both say the same. The steps that the cache had.
  uint64_t Check(const Queryable& storage, const std::string& query, const QueryTimes& times) {
    const Answer with = Ask(cached_, storage, query, times);
    const Answer without = Ask(plain_, storage, query, times);
    INFO(query << " from " << ToMs(times.start) - kStartMs << " to " << ToMs(times.end) - kStartMs
               << " by " << times.step.count() << ", reused " << with.reused);
    CHECK(FirstDifference(with.text, without.text) == "");
    return with.reused;
  }

  double Metric(const std::string& name) const {
    const std::string text = "\n" + metrics_.Expose();
    const size_t at = text.find("\n" + name + " ");
    REQUIRE(at != std::string::npos);
    return std::stod(text.substr(at + name.size() + 2));
  }

 private:
  static promql::EngineOptions With(ResultCache* cache) {
    promql::EngineOptions options;
    options.results = cache;
    return options;
  }

  MetricsRegistry metrics_;
  ResultCache cache_;
  Engine cached_;
  Engine plain_;
};

/// A target that is scraped: counters that start anew, gauges, series that come and go.
class Target {
 public:
  Target(tsdb::Database& database, std::string instance, std::mt19937& random)
      : instance_(std::move(instance)), random_(random), table_(OpenTable(database)) {
    for (const char* id : {"1", "2", "3"}) {
      for (const char* name : {"a_total", "b", "c"}) Add(name, id);
      for (const char* le : {"0.5", "1", "1.0", "1.00", "+Inf"}) Add("d_bucket", id, le);
    }
  }

  void Scrape(int64_t ms) {
    std::vector<uint64_t> presence(tsdb::WordsFor(values_.size()) + 1, 0);
    for (size_t c = 0; c < values_.size(); ++c) {
      const bool restarts = random_() % 40 == 0;
      values_[c] = restarts ? 0 : values_[c] + static_cast<double>(random_() % 7) * 0.1;
      if (random_() % 10 != 0) tsdb::SetBit(presence, c);
    }
    std::vector<double> row = values_;
    for (double& value : row) {
      if (random_() % 50 == 0) value = kStaleNan;
    }
    REQUIRE(table_->AppendRow({FromMs(ms), row, presence}));
  }

 private:
  void Add(const std::string& name, const std::string& id, const std::string& le = "") {
    REQUIRE(
        table_->AddColumn({{"__name__", name}, {"i", id}, {"instance", instance_}, {"le", le}}));
    values_.push_back(static_cast<double>(random_() % 100));
  }

  std::string instance_;
  std::mt19937& random_;
  std::unique_ptr<ScrapeTable> table_;
  std::vector<double> values_;
};

const std::vector<std::string>& Dashboard() {
  static const std::vector<std::string> kQueries = {
      "a_total",
      "sum by (i) (rate(a_total[1m]))",
      "sum(rate(a_total[90s])) / sum(rate(d_bucket[90s]))",
      "histogram_quantile(0.9, sum by (le) (rate(d_bucket[1m])))",
      "histogram_quantile(0.5, rate(d_bucket[1m]))",
      "topk(2, b)",
      "topk(2, sum by (i) (b))",
      "sum(sum by (i) (c))",
      "b / c",
      "b - c > 1",
      "sum(b * c)",
      "sum by (i) (b) * on (i) group_left () max by (i) (c)",
      "b offset 40s",
      "b offset -40s",
      "max_over_time(b[2m])",
      "avg_over_time(b[2m])",
      "sum_over_time(b[15s])",
      "max_over_time(sum by (i) (rate(a_total[1m]))[3m:30s])",
      "count(b) + count by (i) (c)",
      "absent(b{i=\"9\"})",
      "absent_over_time(late[30s])",
      "quantile by (i) (0.7, b)",
      "stddev(b)",
      "min by (instance) (b) and max by (instance) (b)",
      "b unless c",
      "b or late",
      "b @ 1700000100",
      "b @ end()",
      "rate(b[1m])",
      "rate({__name__=~\"a_total|late\"}[1m])",
      "label_replace(b, \"j\", \"$1\", \"i\", \"(.*)\")",
      "count_values(\"v\", floor(b))",
      "timestamp(b)",
      "time() - timestamp(b)",
      "clamp_max(b, scalar(max(c)))",
      "changes(b[1m]) + resets(c[1m])",
      "increase(a_total[10m])",
      "late",
      "sum by (i) ({__name__=~\"b|late\"})",
      "limitk(2, b)",
      "limit_ratio(0.5, b)",
      "group by (i) (sort(b))",
      "native",
      "sum(rate(native[1m]))",
      "histogram_count(native)",
      "step() + b",
      "predict_linear(b[1m], 60)",
      "quantile_over_time(0.3, b[1m])",
      "double_exponential_smoothing(b[1m], 0.5, 0.5)",
      "last_over_time(b[45s])",
      "scalar(b{i=\"1\",instance=\"x\"})",
      "vector(1)",
  };
  return kQueries;
}

/// What happens to a server's storage, at random.
class Events {
 public:
  explicit Events(uint32_t seed) : random_(seed), database_(PosixFileSystem(), Options()) {
    database_.clock().Set(FromMs(kStartMs));
    AddTargets();
  }

  const Queryable& storage() { return *database_; }
  int64_t now_ms() const { return now_ms_; }
  std::mt19937& random() { return random_; }

  /// True where the process is a new one.
  bool Next() {
    switch (random_() % 24) {
      case 0: AppendLate(1 + static_cast<int64_t>(random_() % 900'000)); break;
      case 1: AppendLate(1 + static_cast<int64_t>(random_() % 20'000)); break;
      case 2: Delete(); break;
      case 3: REQUIRE(database_->Maintain()); break;
      case 4:
        if (random_() % 4 != 0) break;
        targets_.clear();
        database_.Reopen();
        AddTargets();
        return true;
      case 5: AppendHistogram(); break;
      default: Scrape();
    }
    return false;
  }

 private:
  static tsdb::Options Options() {
    tsdb::Options options;
    options.min_block_duration = std::chrono::minutes(2);
    options.max_block_duration = std::chrono::minutes(6);
    options.retention.time = std::chrono::minutes(25);
    return options;
  }

  void AddTargets() {
    for (const char* instance : {"x", "y"}) targets_.emplace_back(*database_, instance, random_);
  }

  // Targets are scraped one after the other, and sometimes one is slow.
  void Scrape() {
    const int64_t at_ms = now_ms_;
    for (Target& target : targets_) {
      if (random_() % 8 != 0) target.Scrape(at_ms + static_cast<int64_t>(random_() % 500));
    }
    now_ms_ += 1000 + static_cast<int64_t>(random_() % 14'000);
    database_.clock().Advance(std::chrono::milliseconds(now_ms_ - at_ms));
  }

  Labels AnyLabels() {
    const std::string id = std::to_string(1 + random_() % 4);
    const std::string instance = random_() % 2 == 0 ? "x" : "z";
    return {{"__name__", random_() % 2 == 0 ? "late" : "b"}, {"i", id}, {"instance", instance}};
  }

  void AppendLate(int64_t age_ms) {
    auto appender = database_->NewAppender();
    const SeriesId series = *appender->Resolve(AnyLabels());
    for (int64_t i = 0; i < 5; ++i) {
      appender->Append(series, {FromMs(now_ms_ - age_ms + i * 3000), static_cast<double>(i)});
    }
    REQUIRE(appender->Commit());
  }

  void AppendHistogram() {
    auto appender = database_->NewAppender();
    FloatHistogram histogram;
    histogram.count = static_cast<double>(random_() % 50);
    histogram.sum = 3;
    histogram.zero_count = histogram.count;
    appender->AppendHistogram(*appender->Resolve(Named("native")), FromMs(now_ms_), histogram);
    REQUIRE(appender->Commit());
  }

  void Delete() {
    if (random_() % 3 != 0) return;
    const int64_t from_ms = now_ms_ - static_cast<int64_t>(random_() % 600'000);
    const char* const name = random_() % 2 == 0 ? "b" : "late";
    REQUIRE(database_->DeleteSeries(
        {FromMs(from_ms), FromMs(from_ms + static_cast<int64_t>(random_() % 100'000))},
        {Matcher::Equal("__name__", name)}));
    if (random_() % 2 == 0) REQUIRE(database_->CleanTombstones());
  }

  std::mt19937 random_;
  TestDatabase database_;
  std::deque<Target> targets_;
  int64_t now_ms_ = kStartMs;
};

Contents Within(Contents contents, TimeRange range) {
  contents.erase(Named("native").ToString());  // a histogram's value is unspecified
  for (auto& [series, samples] : contents) {
    std::erase_if(samples,
                  [&](const auto& sample) { return !range.Contains(FromMs(sample.first)); });
  }
  std::erase_if(contents, [](const auto& series) { return series.second.empty(); });
  return contents;
}

QueryTimes AnyTimes(std::mt19937& random, int64_t now_ms) {
  static constexpr int64_t kSteps[] = {5'000, 15'000, 30'000};
  const int64_t step_ms = kSteps[random() % 3];
  const int64_t grid_ms = random() % 12 == 0 ? 7 : 0;
  const int64_t back = random() % 3 == 0 ? static_cast<int64_t>(random() % 20) : -1;
  const int64_t end_ms = now_ms / step_ms * step_ms + grid_ms - back * step_ms;
  const int64_t steps = random() % 4 == 0 ? static_cast<int64_t>(random() % 60) : 40;
  return {FromMs(end_ms - steps * step_ms), FromMs(end_ms), Duration(step_ms)};
}

TEST_CASE("What the storage says is unchanged has the same samples as before") {
  for (uint32_t seed = 0; seed < 4; ++seed) {
    Events events(seed);
    for (int round = 0; round < 300; ++round) {
      const ChangeMark mark = events.storage().MarkChanges();
      const Contents before = ReadAll(events.storage());
      if (events.Next()) continue;
      const auto unchanged = events.storage().UnchangedSince(mark);
      if (!unchanged) continue;
      INFO("seed " << seed << ", round " << round);
      CHECK(Difference(Within(ReadAll(events.storage()), *unchanged), Within(before, *unchanged)) ==
            "");
    }
  }
}

TEST_CASE("Whatever happens to the storage, answers are those without the cache") {
  uint64_t reused = 0;
  for (uint32_t seed = 0; seed < 6; ++seed) {
    Events events(seed);
    auto engines = std::make_unique<Engines>();
    for (int round = 0; round < 500; ++round) {
      if (events.Next()) engines = std::make_unique<Engines>();
      const std::string& query = Dashboard()[events.random()() % Dashboard().size()];
      reused += engines->Check(events.storage(), query, AnyTimes(events.random(), events.now_ms()));
      // One panel that is asked for all the time.
      reused += engines->Check(events.storage(), Dashboard()[seed],
                               AnyTimes(events.random(), events.now_ms()));
    }
  }
  CHECK(reused > 20'000);
}

// Steps that are a minute apart, as the samples.
QueryTimes Minutes(int64_t first, int64_t last) {
  return {FromMs(kStartMs + first * 60'000), FromMs(kStartMs + last * 60'000), Duration(60'000)};
}

TEST_CASE("Only what is new is evaluated, only where that is sure, and in bounded memory") {
  TestDatabase database;
  const auto append = [&](const std::string& name, int64_t first, int64_t last) {
    auto appender = database->NewAppender();
    const SeriesId series = *appender->Resolve(Named(name));
    for (int64_t minute = first; minute <= last; ++minute) {
      appender->Append(series, {FromMs(kStartMs + minute * 60'000), static_cast<double>(minute)});
    }
    REQUIRE(appender->Commit());
    database.clock().Advance(std::chrono::seconds(2));
  };
  append("a_total", 0, 100);

  SECTION("the steps that are new, and the ones that look at a change") {
    Engines engines;
    CHECK(engines.Check(*database, "a_total", Minutes(40, 100)) == 0);
    CHECK(engines.Check(*database, "a_total", Minutes(40, 100)) == 61);
    CHECK(engines.Check(*database, "a_total", Minutes(50, 90)) == 41);
    CHECK(engines.Check(*database, "a_total", Minutes(30, 90)) == 51);
    append("a_total", 101, 101);
    CHECK(engines.Check(*database, "a_total", Minutes(41, 101)) == 50);
    append("b", 80, 80);
    CHECK(engines.Check(*database, "a_total", Minutes(41, 101)) == 39);
    CHECK(engines.Check(*database, "rate(a_total[5m] offset -2m)", Minutes(41, 101)) == 0);
    append("b", 85, 85);
    CHECK(engines.Check(*database, "rate(a_total[5m] offset -2m)", Minutes(41, 101)) == 42);
    CHECK(engines.Check(*database, "a_total", Minutes(1, 20)) == 0);
    CHECK(engines.Metric("barograph_query_result_cache_steps_total{source=\"cache\"}") == 284);
  }
  SECTION("queries whose steps depend on each other, and other grids and queries") {
    Engines engines;
    for (const char* query :
         {"a_total @ end()", "range() + a_total", "sum(sum by (instance) (a_total))",
          "avg_over_time(a_total[10m])", "rate({instance=\"a\"}[5m])",
          "topk(1, sum by (instance) (a_total))"}) {
      CHECK(engines.Check(*database, query, Minutes(40, 100)) == 0);
      CHECK(engines.Check(*database, query, Minutes(40, 100)) == 0);
    }
    CHECK(engines.Check(*database, "a_total", Minutes(40, 100)) == 0);
    QueryTimes moved = Minutes(40, 100);
    moved.start += Duration(1);
    moved.end += Duration(1);
    CHECK(engines.Check(*database, "a_total", moved) == 0);
    CHECK(engines.Check(*database, "a_total ", Minutes(40, 100)) == 0);
  }
  SECTION("answers with annotations") {
    append("gauge", 0, 100);
    Engines engines;
    for (int i = 0; i < 2; ++i) {
      CHECK(engines.Check(*database, "rate(gauge[5m])", Minutes(40, 100)) == 0);
    }
  }
  SECTION("the answers that were not asked for the longest go") {
    Engines engines(8 * 1024);
    for (int i = 0; i < 2; ++i) {
      for (int k = 0; k < 20; ++k) {
        CHECK(engines.Check(*database, "a_total + " + std::to_string(k), Minutes(40, 100)) == 0);
      }
      CHECK(engines.Metric("barograph_query_result_cache_bytes") <= 8 * 1024);
      CHECK(engines.Metric("barograph_query_result_cache_bytes") > 4 * 1024);
    }
    CHECK(engines.Check(*database, "a_total + 19", Minutes(40, 100)) == 61);
    for (int i = 0; i < 2; ++i) {  // it is too large
      CHECK(engines.Check(*database, "a_total or vector(0)", Minutes(0, 1'000)) == 0);
    }
  }
}

TEST_CASE("Who was told that a sample is stored finds it in every answer from then on") {
  TestDatabase database;
  MetricsRegistry metrics;
  ResultCache cache(uint64_t{1} << 20, metrics);
  promql::EngineOptions options;
  options.results = &cache;
  const Engine engine(options, SystemClock());
  std::atomic<int> stored = 0;
  std::atomic<int> missed = 0;
  std::atomic<uint64_t> reused = 0;
  const auto ask = [&] {
    promql::QuerySettings settings;
    settings.reuse = true;
    while (true) {
      const int before = stored;
      const auto result = engine.Run("count(a)", *database, Minutes(0, 20), settings);
      const auto& series = std::get<promql::Matrix>(result->value).series;
      // Every sample is at the tenth minute.
      const bool found = !series.empty() && series[0].values.front() >= before;
      if (before > 0 && !found) ++missed;
      reused += result->stats.reused_steps;
      if (before == 400) return;
    }
  };
  std::vector<std::jthread> readers;
  for (int i = 0; i < 3; ++i) readers.emplace_back(ask);
  for (int i = 1; i <= 400; ++i) {
    auto appender = database->NewAppender();
    const SeriesId series = *appender->Resolve(Named("a", std::to_string(i)));
    appender->Append(series, {FromMs(kStartMs + 600'000), 1});
    REQUIRE(appender->Commit());
    stored = i;
    database.clock().Advance(std::chrono::seconds(2));
  }
  readers.clear();
  CHECK(missed == 0);
  CHECK(reused > 0);
}

TEST_CASE("Random queries have the same answers with the cache and without") {
  Events events(99);
  auto engines = std::make_unique<Engines>();
  uint64_t reused = 0;
  for (uint32_t seed = 0; seed < 150; ++seed) {
    promql::testing::RandomQuery random(seed);
    const std::string query = random.Vector(static_cast<int>(seed % 4));
    for (int round = 0; round < 5; ++round) {
      if (events.Next()) engines = std::make_unique<Engines>();
      reused += engines->Check(events.storage(), query, AnyTimes(events.random(), events.now_ms()));
    }
  }
  CHECK(reused > 1'000);
}

}  // namespace
}  // namespace barograph::test
