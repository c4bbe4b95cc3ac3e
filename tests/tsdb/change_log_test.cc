#include <map>

#include "tests/tsdb/storage_harness.h"
#include "tsdb/change_log.h"

namespace barograph::test {
namespace {

using tsdb::ChangeLog;

TEST_CASE("Nothing is said of a mark that was not given, and all is unchanged at first") {
  const ManualClock clock;
  ChangeLog log(clock);
  CHECK_FALSE(log.UnchangedSince({}).has_value());
  CHECK(log.UnchangedSince(log.Mark()) == TimeRange{});
}

TEST_CASE("What is before the oldest change since a mark is unchanged") {
  ManualClock clock;
  ChangeLog log(clock);
  log.NoteChange(FromMs(100));
  clock.Advance(std::chrono::seconds(2));
  const ChangeMark mark = log.Mark();
  CHECK(log.UnchangedSince(mark) == TimeRange{});
  log.NoteChange(FromMs(300));
  log.NoteChange(FromMs(200));
  CHECK(log.UnchangedSince(mark) == TimeRange{kMinTimestamp, FromMs(199)});
  log.NoteRemoval(FromMs(50));
  CHECK(log.UnchangedSince(mark) == TimeRange{FromMs(51), FromMs(199)});
  log.NoteRemoval(FromMs(199));
  CHECK_FALSE(log.UnchangedSince(mark).has_value());
}

TEST_CASE("A mark within a second of the last may claim older changes, and misses none") {
  ManualClock clock;
  ChangeLog log(clock);
  log.NoteChange(FromMs(100));
  const ChangeMark mark = log.Mark();
  log.NoteChange(FromMs(300));
  const auto unchanged = log.UnchangedSince(mark);
  REQUIRE(unchanged.has_value());
  CHECK(unchanged->max < FromMs(300));
}

TEST_CASE("However many marks there are, none misses a change, and young ones claim little more") {
  ManualClock clock;
  ChangeLog log(clock);
  std::map<uint64_t, int64_t> oldest_since;  // by mark
  constexpr int64_t kRounds = 10'000;
  for (int64_t i = 1; i <= kRounds; ++i) {
    clock.Advance(std::chrono::seconds(1));
    oldest_since.try_emplace(log.Mark().number, i * 1000);
    log.NoteChange(FromMs(i * 1000));
  }
  for (const auto& [number, oldest_ms] : oldest_since) {
    const auto unchanged = log.UnchangedSince({number});
    REQUIRE(unchanged.has_value());
    REQUIRE(ToMs(unchanged->max) < oldest_ms);
    if (oldest_ms > (kRounds - 900) * 1000) CHECK(ToMs(unchanged->max) == oldest_ms - 1);
  }
}

// What the storage says of every way to change it.
class Changes {
 public:
  explicit Changes(TestDatabase& database) : database_(database) {}

  /// What was not changed by `change`.
  template <typename Change>
  std::optional<TimeRange> After(Change change) {
    database_.clock().Advance(std::chrono::seconds(2));
    const ChangeMark mark = database_->MarkChanges();
    change();
    return database_->UnchangedSince(mark);
  }

 private:
  TestDatabase& database_;
};

TEST_CASE(
    "The storage tells of rows, late samples and deletions, and of cuts that nothing changed") {
  TestDatabase database;
  Changes changes(database);
  auto table = OpenTable(*database);
  REQUIRE(table->AddColumn(Named("a")));
  const FullRow row({1.0});
  const auto append = [&](int64_t ms) { REQUIRE(table->AppendRow(row.at(ms))); };
  const auto until = [](int64_t ms) { return TimeRange{kMinTimestamp, FromMs(ms)}; };
  append(1'000'000);
  CHECK(changes.After([] {}) == TimeRange{});
  CHECK(changes.After([&] { append(1'015'000); }) == until(1'014'999));
  CHECK(changes.After([&] { append(1'007'000); }) == until(1'006'999));
  CHECK(changes.After([&] {
    auto appender = database->NewAppender();
    const SeriesId lone = *appender->Resolve(Named("b"));
    appender->Append(lone, {FromMs(2'000'000), 1});
    appender->Append(lone, {FromMs(900'000), 1});
    REQUIRE(appender->Commit());
  }) == until(899'999));
  CHECK(changes.After([&] {
    REQUIRE(database->DeleteSeries({FromMs(950'000), FromMs(1'010'000)},
                                   {Matcher::Equal("__name__", "a")}));
  }) == until(949'999));
  CHECK(changes.After([&] {
    REQUIRE(database->CleanTombstones());
    REQUIRE(database->Maintain());
  }) == TimeRange{});
}

}  // namespace
}  // namespace barograph::test
