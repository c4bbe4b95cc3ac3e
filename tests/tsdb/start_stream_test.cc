#include "tsdb/start_stream.h"

#include "tests/tsdb/histograms.h"
#include "tests/tsdb/storage_harness.h"
#include "tsdb/block/block.h"

// Start timestamps go wherever their samples go.
namespace barograph::test {
namespace {

using namespace std::chrono_literals;

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kHourMs = 60 * kMinuteMs;

tsdb::Options SmallBlocks() {
  tsdb::Options options;
  options.min_block_duration = 1h;
  options.max_block_duration = 9h;
  options.maintenance_interval = 24h;  // only when a test asks
  return options;
}

uint64_t BitsOf(int64_t start_ms) { return std::bit_cast<uint64_t>(static_cast<double>(start_ms)); }

/// What is written, and what storage must have of it.
class Writer {
 public:
  explicit Writer(TestDatabase& database) : database_(database) {}

  /// Of x the start never changes, of y each hour, of z it is not known; of w at times.
  void Run(int64_t from_ms, int64_t to_ms) {
    if (table_ == nullptr) OpenTable();
    std::vector<Timestamp> starts(4, kUnknownStart);
    for (int64_t t = from_ms; t < to_ms; t += kMinuteMs) {
      if (FromMs(t) > database_.clock().Now()) {
        database_.clock().Advance(FromMs(t) - database_.clock().Now());
      }
      starts[0] = FromMs(from_ms - 5);
      starts[1] = FromMs(t / kHourMs * kHourMs - 1);
      starts[3] = t % (3 * kMinuteMs) == 0 ? FromMs(t - 7) : kUnknownStart;
      const FullRow row({1, static_cast<double>(t), 3, 4});
      Row with_starts = row.at(t);
      with_starts.start_timestamps = starts;
      const auto report = table_->AppendRow(with_starts);
      REQUIRE(report);
      CHECK(report->appended == 4);
      for (size_t c = 0; c < 4; ++c) Expect(kNames[c], t, row.values[c], starts[c]);
    }
  }

  void AppendAlone(const std::string& name, int64_t ms, double value, Timestamp start) {
    const auto appender = database_->NewAppender();
    appender->Append(*appender->Resolve(Named(name)), {FromMs(ms), value}, start);
    REQUIRE(appender->Commit()->appended == 1);
    Expect(name, ms, value, start);
  }

  void End() { table_.reset(); }
  ScrapeTable& table() { return *table_; }

  void Check() {
    CHECK(Difference(ReadAll(*database_), samples_) == "");
    CHECK(Difference(ReadStarts(*database_), starts_) == "");
    CHECK(Difference(ReadStarts(*database_, {}, true), starts_) == "");
  }

  void Expect(const std::string& name, int64_t ms, double value, Timestamp start) {
    samples_[Named(name).ToString()][ms] = std::bit_cast<uint64_t>(value);
    if (start == kUnknownStart) return;
    starts_[Named(name).ToString()][ms] = BitsOf(ToMs(start));
  }
  void ExpectGone(const std::string& name) {
    samples_.erase(Named(name).ToString());
    starts_.erase(Named(name).ToString());
  }

 private:
  static constexpr const char* kNames[] = {"x", "y", "z", "w"};

  // All have their columns before the first row, so before those of start timestamps.
  void OpenTable() {
    table_ = test::OpenTable(*database_);
    for (size_t c = 0; c < 4; ++c) REQUIRE(*table_->AddColumn(Named(kNames[c])) == c);
  }

  TestDatabase& database_;
  std::unique_ptr<ScrapeTable> table_;
  Contents samples_;
  Contents starts_;
};

}  // namespace

TEST_CASE("Start timestamps are read with their samples, from the head and from blocks") {
  TestDatabase database(PosixFileSystem(), SmallBlocks());
  Writer writer(database);
  writer.Run(0, 90 * kMinuteMs);
  writer.AppendAlone("alone", 5, 1, FromMs(2));
  writer.AppendAlone("alone", 6, 1, kUnknownStart);
  writer.Check();
  writer.Run(90 * kMinuteMs, 5 * kHourMs);
  REQUIRE(database->Maintain());
  REQUIRE_FALSE(database->Blocks().empty());
  writer.Check();
  writer.AppendAlone("x", 30 * kMinuteMs + 1, 2, FromMs(30 * kMinuteMs));  // late
  writer.AppendAlone("alone", 7, 1, FromMs(6));
  writer.Check();
  writer.Run(5 * kHourMs, 9 * kHourMs);
  REQUIRE(database->Maintain());
  writer.Check();
  writer.End();
  database.Reopen();
  writer.Check();

  // No one else sees the streams.
  CHECK(database->LabelValues("__name__", {}, {})->size() == 5);
  CHECK(database.Metric("prometheus_tsdb_head_series").value_or(0) <= 5);
  for (const auto& block : database->Blocks()) {
    CHECK(block->meta().stats.series <= 5);
    CHECK(block->Ids()->size() == block->meta().stats.series);
  }
}

TEST_CASE("Start timestamps survive a crash") {
  TestDatabase database;
  Writer writer(database);
  writer.Run(0, 3 * kHourMs);  // sealed runs and a tail
  writer.AppendAlone("alone", 5, 1, FromMs(2));
  database.Crash([&] { writer.End(); });
  writer.Check();
  database.Crash([] {});
  writer.Check();
}

TEST_CASE("A native histogram has its start timestamp") {
  TestDatabase database;
  FloatHistogram histogram;
  histogram.count = 3;
  histogram.zero_count = 3;
  const auto appender = database->NewAppender();
  const SeriesId id = *appender->Resolve(Named("h"));
  appender->AppendHistogram(id, FromMs(1000), histogram, FromMs(400));
  appender->AppendHistogram(id, FromMs(2000), histogram);
  REQUIRE(appender->Commit()->appended == 2);
  const Contents expected{{Named("h").ToString(), {{1000, BitsOf(400)}}}};
  CHECK(Difference(ReadStarts(*database), expected) == "");
  database.Reopen();
  CHECK(Difference(ReadStarts(*database), expected) == "");
}

TEST_CASE("Of a sample that comes again the first start timestamp stays") {
  TestDatabase database;
  Writer writer(database);
  writer.AppendAlone("alone", 5, 1, FromMs(2));
  writer.AppendAlone("unknown", 5, 1, kUnknownStart);
  const auto appender = database->NewAppender();
  appender->Append(*appender->Resolve(Named("alone")), {FromMs(5), 1}, FromMs(3));
  appender->Append(*appender->Resolve(Named("unknown")), {FromMs(5), 1}, FromMs(3));
  CHECK(appender->Commit()->appended == 2);
  appender->Append(*appender->Resolve(Named("alone")), {FromMs(5), 2}, FromMs(4));
  CHECK(appender->Commit()->duplicate == 1);
  writer.Check();

  writer.Run(10, 11);
  const FullRow same({1, 10, 3, 4});
  const std::vector<Timestamp> others(4, FromMs(9));
  Row again = same.at(10);
  again.start_timestamps = others;
  CHECK(writer.table().AppendRow(again)->appended == 0);
  writer.Check();
}

TEST_CASE("A row that comes late has its start timestamps") {
  TestDatabase database;
  Writer writer(database);
  writer.Run(kHourMs, 2 * kHourMs);
  writer.Run(0, kHourMs);
  writer.Check();
}

TEST_CASE("A series that leaves a table and comes back keeps its start timestamps") {
  TestDatabase database;
  Writer writer(database);
  writer.Run(0, 10 * kMinuteMs);
  writer.table().ReleaseColumn(0);
  writer.table().ReleaseColumn(1);
  // Another series takes neither column while their values are in the tail.
  REQUIRE(*writer.table().AddColumn(Named("x")) == 0);
  REQUIRE(*writer.table().AddColumn(Named("y")) == 1);
  writer.Run(10 * kMinuteMs, 3 * kHourMs);
  writer.table().ReleaseColumn(0);
  writer.Check();
  database.Crash([&] { writer.End(); });
  writer.Check();
}

TEST_CASE("The start timestamps of deleted samples are not those of others") {
  TestDatabase database(PosixFileSystem(), SmallBlocks());
  Writer writer(database);
  writer.AppendAlone("alone", 5, 1, FromMs(2));
  writer.Run(0, 4 * kHourMs);
  REQUIRE(database->Maintain());
  for (const char* name : {"alone", "x", "y"}) {
    REQUIRE(database->DeleteSeries({}, {Matcher::Equal("__name__", name)}));
    writer.ExpectGone(name);
  }
  writer.Check();
  REQUIRE(database->CleanTombstones());
  writer.Check();
  writer.AppendAlone("alone", 5, 7, kUnknownStart);
  writer.Check();
  for (const char* name : {"alone", "z", "w"}) {
    REQUIRE(database->DeleteSeries({}, {Matcher::Equal("__name__", name)}));
  }
  REQUIRE(database->CleanTombstones());
  CHECK(database->Blocks().empty());
}

TEST_CASE("A snapshot has the start timestamps") {
  TestDatabase database(PosixFileSystem(), SmallBlocks());
  Writer writer(database);
  writer.Run(0, 4 * kHourMs);
  REQUIRE(database->Maintain());
  const Contents before = ReadStarts(*database);
  const auto name = database->Snapshot(false);
  REQUIRE(name.has_value());
  tsdb::Options options = SmallBlocks();
  options.path = database.path() + "/snapshots/" + *name;
  MetricsRegistry metrics;
  const auto copy = tsdb::Database::Open(PosixFileSystem(), database.clock(), Logger(), metrics,
                                         std::move(options));
  REQUIRE(copy.has_value());
  CHECK(Difference(ReadStarts(**copy), before) == "");
}

TEST_CASE("Start timestamps are not kept where they are not to be") {
  tsdb::Options options;
  options.store_start_timestamps = false;
  TestDatabase database(PosixFileSystem(), options);
  Writer writer(database);
  writer.Run(0, 10 * kMinuteMs);
  writer.AppendAlone("alone", 5, 1, FromMs(2));
  CHECK(ReadStarts(*database).empty());
  CHECK(ReadAll(*database).size() == 5);
}

namespace {

std::map<int64_t, double> SamplesOf(TestDatabase& database, const std::string& name) {
  std::map<int64_t, double> samples;
  const Contents contents = ReadAll(*database);
  for (const auto& [ms, bits] : contents.at(Named(name).ToString())) {
    samples[ms] = std::bit_cast<double>(bits);
  }
  return samples;
}

tsdb::Options WithZeros() {
  tsdb::Options options;
  options.store_start_timestamps = false;
  options.zeros_at_start_timestamps = true;
  return options;
}

}  // namespace

TEST_CASE("A zero stands where a counter of a table began") {
  TestDatabase database(PosixFileSystem(), WithZeros());
  auto table = OpenTable(*database);
  REQUIRE(*table->AddColumn(Named("a")) == 0);
  const auto append = [&](int64_t ms, double a, int64_t start_ms) {
    const std::vector<Timestamp> starts{FromMs(start_ms)};
    const FullRow values({a});
    Row row = values.at(ms);
    row.start_timestamps = starts;
    REQUIRE(table->AppendRow(row)->appended == 1);
  };
  append(100'000, 5, 40'000);
  append(110'000, 7, 40'000);
  append(120'000, 2, 115'000);  // it was restarted
  append(130'000, 3, 105'000);  // before the last sample, and so not true
  CHECK(SamplesOf(database, "a") ==
        std::map<int64_t, double>{
            {40'000, 0}, {100'000, 5}, {110'000, 7}, {115'000, 0}, {120'000, 2}, {130'000, 3}});
  // A new series may have begun before the last row, one that comes back not.
  REQUIRE(*table->AddColumn(Named("b")) == 1);
  const std::vector<Timestamp> starts{FromMs(105'000), FromMs(50'000)};
  const FullRow values({4, 9});
  Row row = values.at(140'000);
  row.start_timestamps = starts;
  REQUIRE(table->AppendRow(row)->appended == 2);
  CHECK(SamplesOf(database, "b") == std::map<int64_t, double>{{50'000, 0}, {140'000, 9}});
  table.reset();
  database.Reopen();
  const auto again = OpenTable(*database);
  REQUIRE(*again->AddColumn(Named("a")) == 0);
  Row late = values.at(150'000);
  late.values = std::span(values.values).first(1);
  const std::vector<Timestamp> between{FromMs(125'000)};
  late.start_timestamps = between;
  REQUIRE(again->AppendRow(late)->appended == 1);
  CHECK_FALSE(SamplesOf(database, "a").contains(125'000));
}

TEST_CASE("A zero stands where samples that came alone began") {
  TestDatabase database(PosixFileSystem(), WithZeros());
  const auto appender = database->NewAppender();
  const SeriesId id = *appender->Resolve(Named("a"));
  const int64_t hours = 5 * kHourMs;
  appender->Append(id, {FromMs(hours), 5}, FromMs(hours - 1000));
  appender->Append(id, {FromMs(hours + 10), 6}, FromMs(hours - 1000));
  appender->Append(id, {FromMs(hours + 20), 1}, FromMs(hours + 15));
  appender->Append(id, {FromMs(hours + 30), 1}, FromMs(hours + 30));  // not known
  CHECK(appender->Commit()->appended == 4);
  CHECK(SamplesOf(database, "a") == std::map<int64_t, double>{{hours - 1000, 0},
                                                              {hours, 5},
                                                              {hours + 10, 6},
                                                              {hours + 15, 0},
                                                              {hours + 20, 1},
                                                              {hours + 30, 1}});
  const SeriesId old = *appender->Resolve(Named("old"));
  appender->Append(old, {FromMs(hours), 5}, FromMs(1000));  // too long ago
  CHECK(appender->Commit()->appended == 1);
  CHECK(SamplesOf(database, "old") == std::map<int64_t, double>{{hours, 5}});

  FloatHistogram histogram;
  histogram.schema = 3;
  histogram.count = 3;
  histogram.zero_count = 3;
  const SeriesId native = *appender->Resolve(Named("h"));
  appender->AppendHistogram(native, FromMs(hours), histogram, FromMs(hours - 7));
  CHECK(appender->Commit()->appended == 1);
  const auto selection = database->Select({}, {Matcher::Equal("__name__", "h")}, {}, {});
  const auto cursor = (*selection)->NewCursor();
  const auto samples = cursor->Read(0);
  REQUIRE(samples->size() == 2);
  CHECK(samples->timestamps[0] == FromMs(hours - 7));
  CHECK(samples->histograms[0]->schema == 3);
  CHECK(samples->histograms[0]->count == 0);
}

TEST_CASE("A stream that no writer made tells nothing") {
  CHECK(tsdb::FromStreamValue(kStaleNan) == kUnknownStart);
  CHECK(tsdb::FromStreamValue(1e300) == kUnknownStart);
  CHECK(tsdb::FromStreamValue(-5) == FromMs(-5));
}

}  // namespace barograph::test
