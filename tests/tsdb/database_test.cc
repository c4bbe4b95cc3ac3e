#include "tsdb/database.h"

#include <algorithm>
#include <random>

#include "tests/support/memory_file_system.h"
#include "tests/tsdb/histograms.h"
#include "tests/tsdb/storage_harness.h"
#include "tsdb/chunk/histogram_hints.h"

namespace barograph::test {
namespace {

// Appends at random to tables and appenders, and to a std::map.
class RandomWriter {
 public:
  RandomWriter(TestDatabase& database, uint64_t seed) : database_(database), random_(seed) {}

  void Step() {
    switch (random_() % 12) {
      case 0: OpenTable(); break;
      case 1: CloseTable(); break;
      case 2: AddColumns(); break;
      case 3: ReleaseColumn(); break;
      case 4:
      case 5: AppendLone(); break;
      default: AppendRow(); break;
    }
    now_ += static_cast<int64_t>(random_() % 5000);
  }
  void Restart() {
    tables_.clear();
    database_.Reopen();
  }
  const Contents& expected() const { return expected_; }
  const Contents& expected_starts() const { return expected_starts_; }

 private:
  struct Table {
    std::unique_ptr<ScrapeTable> table;
    std::map<ColumnId, std::string> columns;
  };

  void OpenTable() {
    if (tables_.size() < 4) tables_.push_back({test::OpenTable(*database_), {}});
  }
  void CloseTable() {
    if (tables_.size() > 1) tables_.erase(tables_.begin());
  }
  Table* Any() { return tables_.empty() ? nullptr : &tables_[random_() % tables_.size()]; }

  void AddColumns() {
    Table* table = Any();
    if (table == nullptr) return;
    for (size_t n = random_() % 8; n > 0; --n) {
      const Labels labels = Named("m" + std::to_string(random_() % 40));
      const auto column = table->table->AddColumn(labels);
      REQUIRE(column);
      table->columns[*column] = labels.ToString();
      REQUIRE(table->table->width() > *column);
    }
  }
  void ReleaseColumn() {
    Table* table = Any();
    if (table == nullptr || table->columns.empty()) return;
    const auto gone = std::next(table->columns.begin(),
                                static_cast<ptrdiff_t>(random_() % table->columns.size()));
    table->table->ReleaseColumn(gone->first);
    table->columns.erase(gone);
  }

  double RandomValue() {
    switch (random_() % 6) {
      case 0: return kStaleNan;
      case 1: return std::bit_cast<double>(random_());
      case 2: return static_cast<double>(random_() % 1000) / 10;
      default: return static_cast<double>(random_() % 50);
    }
  }

  // Of one in three samples it is not known when they began.
  Timestamp RandomStart() {
    return random_() % 3 == 0 ? kUnknownStart : FromMs(now_ / 100'000 * 100'000 + 1);
  }
  void ExpectStart(const std::string& name, double value, Timestamp start) {
    if (start == kUnknownStart || IsStale(value)) return;
    expected_starts_[name][now_] = std::bit_cast<uint64_t>(static_cast<double>(ToMs(start)));
  }

  void AppendRow() {
    Table* table = Any();
    if (table == nullptr) return;
    std::vector<double> values(table->table->width());
    std::vector<uint64_t> presence(tsdb::WordsFor(values.size()));
    std::vector<Timestamp> starts(random_() % 2 == 0 ? 0 : values.size(), kUnknownStart);
    for (const auto& [column, name] : table->columns) {
      if (random_() % 8 == 0) continue;
      values[column] = RandomValue();
      tsdb::SetBit(presence, column);
      if (!starts.empty()) starts[column] = RandomStart();
    }
    ++now_;
    const auto report = table->table->AppendRow({FromMs(now_), values, presence, starts});
    REQUIRE(report);
    CHECK(report->appended == tsdb::CountBits(presence));
    for (const auto& [column, name] : table->columns) {
      if (!tsdb::TestBit(presence, column)) continue;
      expected_[name][now_] = std::bit_cast<uint64_t>(values[column]);
      if (!starts.empty()) ExpectStart(name, values[column], starts[column]);
    }
  }

  void AppendLone() {
    const auto appender = database_->NewAppender();
    for (size_t n = random_() % 20; n > 0; --n) {
      const Labels labels = Named("m" + std::to_string(random_() % 60));
      const auto id = appender->Resolve(labels);
      REQUIRE(id);
      const double value = RandomValue();
      ++now_;
      const Timestamp start = RandomStart();
      appender->Append(*id, {FromMs(now_), value}, start);
      ExpectStart(labels.ToString(), value, start);
      expected_[labels.ToString()][now_] = std::bit_cast<uint64_t>(value);
    }
    REQUIRE(appender->Commit());
  }

  TestDatabase& database_;
  std::mt19937_64 random_;
  std::vector<Table> tables_;
  Contents expected_;
  Contents expected_starts_;
  int64_t now_ = 1'000'000;
};

}  // namespace

TEST_CASE("Random appends over restarts read back as from a std::map") {
  const auto seed = GENERATE(range(1, 6));
  MemoryFileSystem memory;
  FileSystem& files = seed % 2 == 0 ? static_cast<FileSystem&>(memory) : PosixFileSystem();
  TestDatabase database(
      files, {.path = {}, .wal_segment_bytes = uint64_t{1} << (10 + seed * 2), .index_path = {}});
  RandomWriter writer(database, static_cast<uint64_t>(seed));
  for (int round = 0; round < 6; ++round) {
    for (int step = 0; step < 400; ++step) writer.Step();
    REQUIRE(Difference(ReadAll(*database), writer.expected()) == "");
    REQUIRE(Difference(ReadStarts(*database), writer.expected_starts()) == "");
    writer.Restart();
    REQUIRE(Difference(ReadAll(*database), writer.expected()) == "");
    REQUIRE(Difference(ReadStarts(*database), writer.expected_starts()) == "");
  }
  // Any range gives the samples in it.
  std::mt19937_64 random(1);
  for (int i = 0; i < 50; ++i) {
    const TimeRange range{FromMs(1'000'000 + static_cast<int64_t>(random() % 6'000'000)),
                          FromMs(1'000'000 + static_cast<int64_t>(random() % 6'000'000))};
    Contents expected;
    for (const auto& [name, samples] : writer.expected()) {
      for (const auto& [ms, bits] : samples) {
        if (range.Contains(FromMs(ms))) expected[name][ms] = bits;
      }
    }
    REQUIRE(Difference(ReadAll(*database, range), expected) == "");
  }
}

TEST_CASE("The series of one target share their timestamps' number") {
  TestDatabase database;
  const auto table = OpenTable(*database);
  for (const char* name : {"a", "b", "c"}) REQUIRE(table->AddColumn(Named(name)));
  for (int r = 0; r < 300; ++r) {
    FullRow row({1, 2.5 * r, 3});
    if (r == 200) tsdb::ClearBit(row.presence, 2);
    REQUIRE(table->AppendRow(row.at(1000 * r)));
  }
  const auto selection = database->Select({FromMs(5000), FromMs(290'000)}, AllSeries(), {}, {});
  REQUIRE((*selection)->size() == 3);
  const auto cursor = (*selection)->NewCursor();
  std::map<std::string, uint64_t> columns;
  for (size_t i = 0; i < 3; ++i) {
    const auto samples = cursor->Read(i);
    REQUIRE(samples);
    const std::string name((*selection)->labels(i).metric_name());
    columns[name] = samples->timestamp_column;
    REQUIRE(samples->size() == (name == "c" ? 285U : 286U));
  }
  CHECK(columns["a"] != 0);
  CHECK(columns["a"] == columns["b"]);
  CHECK(columns["c"] != columns["a"]);
}

TEST_CASE("A selection does not grow with later rows") {
  TestDatabase database;
  const auto table = OpenTable(*database);
  REQUIRE(table->AddColumn(Named("a")));
  const auto append = [&](int from, int to) {
    for (int r = from; r < to; ++r) {
      REQUIRE(table->AppendRow(FullRow({static_cast<double>(r)}).at(r)));
    }
  };
  append(0, 100);
  const auto selection = database->Select({}, AllSeries(), {}, {});
  const auto cursor = (*selection)->NewCursor();
  for (const int until : {110, 130, 400}) {
    append(until == 110 ? 100 : until == 130 ? 110 : 130, until);
    for (const auto& again : {std::cref(*cursor), std::cref(*(*selection)->NewCursor())}) {
      auto& reader = const_cast<SeriesCursor&>(again.get());
      const auto samples = reader.Read(0);
      REQUIRE(samples);
      CHECK(samples->size() == 100);
      CHECK(samples->values.back() == 99);
    }
  }
}

TEST_CASE("Who asks for presence only sees the same samples and the same markers") {
  TestDatabase database;
  const auto table = OpenTable(*database);
  REQUIRE(table->AddColumn(Named("table")));
  const auto lone = database->NewAppender();
  const SeriesId id = *lone->Resolve(Named("lone"));
  for (int r = 0; r < 1000; ++r) {
    const double value = r % 7 == 0 ? kStaleNan : r * 0.25;
    REQUIRE(table->AppendRow(FullRow({value}).at(r)));
    lone->Append(id, {FromMs(r), value});
    if (r % 100 == 0) REQUIRE(lone->Commit());
  }
  REQUIRE(lone->Commit());
  SelectHints hints;
  hints.presence_only = true;
  const auto all = database->Select({}, AllSeries(), {}, {});
  const auto presence = database->Select({}, AllSeries(), hints, {});
  REQUIRE((*all)->size() == 2);
  for (size_t i = 0; i < 2; ++i) {
    const auto values_cursor = (*all)->NewCursor();
    const auto presence_cursor = (*presence)->NewCursor();
    const auto expected = values_cursor->Read(i);
    const auto samples = presence_cursor->Read(i);
    REQUIRE(samples->size() == 1000);
    CHECK(std::ranges::equal(samples->timestamps, expected->timestamps));
    CHECK(std::ranges::equal(samples->values, expected->values,
                             [](double a, double b) { return IsStale(a) == IsStale(b); }));
  }
}

TEST_CASE("Who asks for some labels only gets those of the series in the head") {
  TestDatabase database;
  const auto appender = database->NewAppender();
  const Labels labels = {{kMetricName, "up"}, {"instance", "i"}, {"job", "j"}, {"zone", "z"}};
  appender->Append(*appender->Resolve(labels), {FromMs(1), 1});
  REQUIRE(appender->Commit());
  SelectHints hints;
  hints.projected = true;
  for (const auto& [projection, expected] :
       std::vector<std::pair<std::vector<std::string>, Labels>>{
           {{}, {}},
           {{"job"}, {{"job", "j"}}},
           {{"zone", "none", "instance"}, {{"instance", "i"}, {"zone", "z"}}}}) {
    hints.projection = projection;
    const auto selected = database->Select({}, AllSeries(), hints, {});
    REQUIRE((*selected)->size() == 1);
    CHECK((*selected)->labels(0) == expected);
  }
}

TEST_CASE("Where late samples are not taken, they are refused and counted") {
  TestDatabase database(PosixFileSystem(),
                        {.path = {}, .out_of_order_window = Duration(0), .index_path = {}});
  const auto table = OpenTable(*database);
  REQUIRE(table->AddColumn(Named("a")));
  REQUIRE(table->AddColumn(Named("b")));
  REQUIRE(table->AppendRow(FullRow({1, 2}).at(1000))->appended == 2);

  const auto older = table->AppendRow(FullRow({1, 2}).at(999));
  CHECK(older->out_of_order == 2);
  CHECK(older->appended == 0);
  const auto again = table->AppendRow(FullRow({1, 3}).at(1000));
  CHECK(again->duplicate == 1);
  CHECK(again->appended == 0);
  const auto beyond = table->AppendRow(FullRow({1, 2}).at(std::numeric_limits<int64_t>::max()));
  CHECK(beyond->out_of_bounds == 2);

  // A column that the row did not have is added to it.
  REQUIRE(table->AddColumn(Named("c")));
  CHECK(table->AppendRow(FullRow({1, 2, 9}).at(1000))->appended == 1);

  const auto appender = database->NewAppender();
  const SeriesId id = *appender->Resolve(Named("d"));
  for (const auto& [ms, value] : {std::pair(5, 1.), {5, 1.}, {5, 2.}, {4, 1.}, {6, 3.}}) {
    appender->Append(id, {FromMs(ms), value});
  }
  const auto report = appender->Commit();
  CHECK(report->appended == 3);  // one of them was there already
  CHECK(report->duplicate == 1);
  CHECK(report->out_of_order == 1);
  CHECK(database.Metric("prometheus_tsdb_out_of_order_samples_total{type=\"float\"}") == 3);
  CHECK(database.Metric("prometheus_tsdb_out_of_bound_samples_total{type=\"float\"}") == 2);
  CHECK(database.Metric("prometheus_tsdb_head_samples_appended_total{type=\"float\"}") == 5);
  CHECK(database.Metric("prometheus_tsdb_head_series") == 4);
  appender->AppendHistogram(id, FromMs(7), FloatHistogram());
  REQUIRE(appender->Commit()->appended == 1);
  CHECK(database.Metric("prometheus_tsdb_head_samples_appended_total{type=\"float\"}") == 5);
  CHECK(database.Metric("prometheus_tsdb_head_samples_appended_total{type=\"histogram\"}") == 1);

  const Contents contents = ReadAll(*database);
  CHECK(contents.at("c{instance=\"a\"}").at(1000) == std::bit_cast<uint64_t>(9.0));
}

TEST_CASE("An out-of-order window refuses late samples that are older") {
  using std::chrono::hours;
  for (const int window : {0, 1}) {
    TestDatabase database(PosixFileSystem(),
                          {.path = {}, .out_of_order_window = hours(window), .index_path = {}});
    const auto appender = database->NewAppender();
    const SeriesId id = *appender->Resolve(Named("a")), other = *appender->Resolve(Named("b"));
    const auto at = [](int hour, int ms) { return Timestamp(hours(hour)) + Duration(ms); };
    appender->Append(id, {at(10, 0), 1});
    appender->Append(id, {at(9, 0), 2});
    appender->Append(id, {at(9, -1), 3});
    REQUIRE(appender->Commit()->appended == (window == 0 ? 1 : 3));  // none was newer before
    appender->Append(id, {at(9, 1), 4});
    appender->Append(id, {at(9, -2), 5});
    appender->Append(other, {at(1, 0), 6});  // in order for its series
    const auto report = appender->Commit();
    CHECK(report->appended == (window == 0 ? 1 : 2));
    CHECK(report->out_of_order == (window == 0 ? 2 : 0));
    CHECK(report->too_old == (window == 0 ? 0 : 1));
    REQUIRE(report->first.size() == report->refused());
    CHECK(report->first.back().series == id);
    CHECK(report->first.back().timestamp == at(9, -2));
    CHECK(report->first.back().reason ==
          (window == 0 ? RefusalReason::kOutOfOrder : RefusalReason::kTooOld));
  }
}

TEST_CASE("Native histograms are read as they were appended, also after a restart") {
  TestDatabase database;
  std::mt19937_64 random(1);
  std::vector<std::optional<FloatHistogram>> samples;
  const auto appender = database->NewAppender();
  const SeriesId id = *appender->Resolve(Named("a"));
  for (int i = 0; i < 100; ++i) {
    samples.emplace_back();
    if (i % 10 == 9) {
      appender->Append(id, {FromMs(i), static_cast<double>(i)});
    } else {
      samples.back() = RandomHistogram(random, static_cast<uint64_t>(i) / 30);
      appender->AppendHistogram(id, FromMs(i), *samples.back());
    }
    if (i % 7 == 0) REQUIRE(appender->Commit());
  }
  REQUIRE(appender->Commit()->appended > 0);
  for (const bool restart : {false, true}) {
    if (restart) database.Reopen();
    const auto selection = database->Select({}, AllSeries(), {}, {});
    REQUIRE(selection);
    const auto cursor = (*selection)->NewCursor();
    const auto read = cursor->Read(0);
    REQUIRE(read);
    REQUIRE(read->size() == samples.size());
    for (size_t i = 0; i < samples.size(); ++i) {
      CHECK(read->timestamps[i] == FromMs(static_cast<int64_t>(i)));
      REQUIRE((read->histograms[i] != nullptr) == samples[i].has_value());
      if (!samples[i]) {
        CHECK(read->values[i] == static_cast<double>(i));
        continue;
      }
      FloatHistogram expected = *samples[i];
      const FloatHistogram* before = i == 0 || !samples[i - 1] ? nullptr : &*samples[i - 1];
      expected.counter_reset_hint = tsdb::HintAfter(before, expected);
      CHECK(*read->histograms[i] == expected);
    }
  }
}

TEST_CASE("A histogram that no run can hold is refused") {
  TestDatabase database;
  const auto appender = database->NewAppender();
  FloatHistogram histogram = MakeHistogram(0, {1, 2});
  histogram.positive_buckets.push_back(3);
  appender->AppendHistogram(*appender->Resolve(Named("a")), FromMs(1), histogram);
  const auto refused = appender->Commit();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kInvalidArgument);
  CHECK(appender->Commit()->appended == 0);
}

TEST_CASE("Of samples at one time in two sources the older source's is read") {
  TestDatabase database;
  {
    const auto table = OpenTable(*database);
    REQUIRE(table->AddColumn(Named("a")));
    for (int t : {1, 3, 5}) REQUIRE(table->AppendRow(FullRow({1.0}).at(t)));
  }
  const auto appender = database->NewAppender();
  const SeriesId id = *appender->Resolve(Named("a"));
  for (int t : {2, 3, 6}) appender->Append(id, {FromMs(t), 2});
  REQUIRE(appender->Commit()->appended == 3);
  const uint64_t one = std::bit_cast<uint64_t>(1.0), two = std::bit_cast<uint64_t>(2.0);
  const Contents expected{
      {"a{instance=\"a\"}", {{1, one}, {2, two}, {3, one}, {5, one}, {6, two}}}};
  CHECK(Difference(ReadAll(*database), expected) == "");
  database.Reopen();
  CHECK(Difference(ReadAll(*database), expected) == "");
}

TEST_CASE("Series are refused above the limit, and known ones still take samples") {
  TestDatabase database(PosixFileSystem(), {.path = {}, .max_series = 2, .index_path = {}});
  const auto table = OpenTable(*database);
  REQUIRE(*table->AddColumn(Named("a")) == 0);
  REQUIRE(*table->AddColumn(Named("b")) == 1);
  const auto refused = table->AddColumn(Named("c"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kLimitExceeded);
  CHECK(*table->AddColumn(Named("a")) == 0);
  CHECK(table->AppendRow(FullRow({1, 2}).at(1))->appended == 2);
}

TEST_CASE("A second holder of the folder is refused with a clear error") {
  TestDatabase database;
  MetricsRegistry metrics;
  ManualClock clock;
  tsdb::Options options = database.options();
  options.index_path += "2";
  const auto second = tsdb::Database::Open(PosixFileSystem(), clock, Logger(), metrics, options);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::kUnavailable);
  CHECK(second.error().message.find(options.path + " is in use") != std::string::npos);
}

TEST_CASE("Ids outlive the log: the index knows series and the highest id") {
  TestDatabase database;
  SeriesId first, second;
  {
    const auto appender = database->NewAppender();
    first = *appender->Resolve(Named("a"));
    second = *appender->Resolve(Named("b"));
  }
  database.Drop();
  REQUIRE(PosixFileSystem().RemoveAll(database.path() + "/wal"));
  REQUIRE(database.TryOpen());
  const auto appender = database->NewAppender();
  CHECK(*appender->Resolve(Named("b")) == second);
  const SeriesId third = *appender->Resolve(Named("c"));
  CHECK(third > second);
  CHECK(*appender->Resolve(Named("a")) == first);
}

TEST_CASE("An appender refuses ids that nobody gave it") {
  TestDatabase database;
  const auto appender = database->NewAppender();
  appender->Append(SeriesId{99}, {FromMs(1), 1});
  const auto report = appender->Commit();
  REQUIRE_FALSE(report);
  CHECK(report.error().code == ErrorCode::kInvalidArgument);
  CHECK(appender->Commit()->appended == 0);
}

TEST_CASE("A flapping series keeps its column") {
  TestDatabase database;
  auto table = OpenTable(*database);
  REQUIRE(*table->AddColumn(Named("steady")) == 0);
  Contents expected;
  for (int r = 0; r < 500; ++r) {
    FullRow row({1.0, r * 0.5});
    if (r % 2 == 0) {
      REQUIRE(*table->AddColumn(Named("flapping")) == 1);
      expected["flapping{instance=\"a\"}"][r] = std::bit_cast<uint64_t>(r * 0.5);
    }
    expected["steady{instance=\"a\"}"][r] = std::bit_cast<uint64_t>(1.0);
    REQUIRE(table->AppendRow(row.at(r)));
    table->ReleaseColumn(1);
    REQUIRE(table->width() == 1);
  }
  CHECK(Difference(ReadAll(*database), expected) == "");
  table.reset();
  database.Reopen();
  CHECK(Difference(ReadAll(*database), expected) == "");
}

TEST_CASE("Label names, values and series are sorted, limited and matched") {
  TestDatabase database;
  const auto appender = database->NewAppender();
  for (const auto& labels :
       {Labels{{"__name__", "up"}, {"job", "b"}}, Labels{{"__name__", "up"}, {"job", "a"}},
        Labels{{"__name__", "x"}, {"zone", "z"}}}) {
    appender->Append(*appender->Resolve(labels), {FromMs(1000), 1});
  }
  REQUIRE(appender->Commit());
  using Texts = std::vector<std::string>;
  CHECK(*database->LabelNames({}, {}) == Texts{"__name__", "job", "zone"});
  CHECK(*database->LabelNames({.range = {}, .matchers = {Matcher::Equal("job", "a")}}, {}) ==
        Texts{"__name__", "job"});
  CHECK(*database->LabelValues("job", {}, {}) == Texts{"a", "b"});
  CHECK(*database->LabelValues("job", {.range = {}, .matchers = {}, .limit = 1}, {}) == Texts{"a"});
  CHECK(*database->LabelValues("job", {.range = {}, .matchers = {Matcher::Equal("zone", "z")}},
                               {}) == Texts{});
  CHECK(*database->LabelValues("job", {.range = {FromMs(2000), FromMs(3000)}, .matchers = {}},
                               {}) == Texts{});
  const auto series = database->Series({.range = {}, .matchers = {Matcher::Equal("job", "")}}, {});
  REQUIRE(series);
  CHECK(*series == std::vector<Labels>{{{"__name__", "x"}, {"zone", "z"}}});
  CHECK(database->Series({}, {})->size() == 3);

  std::stop_source stop;
  stop.request_stop();
  const auto cancelled = database->Select({}, AllSeries(), {}, stop.get_token());
  REQUIRE_FALSE(cancelled);
  CHECK(cancelled.error().code == ErrorCode::kCancelled);
}

}  // namespace barograph::test
