#pragma once

#include <memory>
#include <string>

#include "tests/tsdb/promises.h"

namespace barograph::test {

inline constexpr int64_t kMinuteMs = 60'000;

/// Small blocks and segments, every append on the device, and nothing that happens by itself.
inline tsdb::Options Careful() {
  using namespace std::chrono_literals;
  tsdb::Options options;
  options.min_block_duration = 1h;
  options.max_block_duration = 3h;
  options.maintenance_interval = 24h;  // only when it is asked for
  options.index_interval = 24h;
  options.wal_fsync = tsdb::WalFsync::kAlways;
  options.wal_segment_bytes = 1000;
  options.max_exemplars = 4;
  return options;
}

/// The life of a small database: rows, lone samples, late ones, cuts, merges and deletions, with a
/// reader that holds on to what it sees. Nothing of it has to succeed.
class Life {
 public:
  Life(TestDatabase& database, Promises& promises) : database_(database), promises_(promises) {}

  void Run() {
    OpenTable("x");
    Rows(0, 50);
    Lone("alone", 5);
    Lone("alone", 15);
    Maintain();
    auto reader = database_->Select({}, AllSeries(), {}, {});
    Rows(50, 90);
    Lone("alone", 60);
    Lone("late", 7);
    Delete("alone", 0, 20);
    Delete("x", 10, 30);
    Lone("alone", 8);
    Exemplar(60);
    Rows(90, 160);
    Maintain();
    Delete("late", 0, 30);
    reader = {};
    OpenTable("y");
    Rows(160, 260);
    Lone("new", 200);
    Maintain();
    Delete("y", 170, 180);
    Delete("x", 40, 70);
    Lone("late", 50);
    (void)database_->CleanTombstones();
    Rows(260, 300);
    Maintain();
  }

  /// More, so that something is in every kind of file when it ends here.
  void RunOn() {
    for (const int64_t minute : {305, 306, 307}) Lone("alone", minute);
    Maintain();
    for (int64_t minute = 310; minute < 900; minute += 20) Rows(minute, minute + 20);
    Delete("y", 840, 850);
    Maintain();
    Lone("last", 901);
  }

 private:
  void OpenTable(const std::string& name) {
    series_ = Named(name);
    auto opened = database_->OpenTable();
    REQUIRE(opened);
    table_ = std::move(*opened);
    has_column_ = table_->AddColumn(series_).has_value();
  }

  void Rows(int64_t from_minute, int64_t to_minute) {
    for (int64_t minute = from_minute; minute < to_minute; minute += 20) {
      database_.clock().Set(FromMs(minute * kMinuteMs));
      has_column_ = has_column_ || table_->AddColumn(series_).has_value();
      if (!has_column_) continue;
      const double value = static_cast<double>(minute) / 7;
      const auto appended = table_->AppendRow(FullRow({value}).at(minute * kMinuteMs));
      promises_.Append(series_, minute * kMinuteMs, value, appended.has_value());
    }
  }

  void Lone(const std::string& name, int64_t minute) {
    const auto appender = database_->NewAppender();
    const auto id = appender->Resolve(Named(name));
    if (!id) return;
    appender->Append(*id, {FromMs(minute * kMinuteMs), 0.5});
    promises_.Append(Named(name), minute * kMinuteMs, 0.5, appender->Commit().has_value());
  }

  void Delete(const std::string& name, int64_t from_minute, int64_t to_minute) {
    const TimeRange range{FromMs(from_minute * kMinuteMs), FromMs(to_minute * kMinuteMs)};
    // Who is told that it failed tries again.
    for (int attempt = 0; attempt < 2; ++attempt) {
      const Status deleted = database_->DeleteSeries(range, {Matcher::Equal("__name__", name)});
      promises_.Delete(Named(name), range, deleted.has_value());
      if (deleted) return;
    }
  }

  void Exemplar(int64_t minute) {
    const auto id = database_->NewAppender()->Resolve(Named("traced"));
    if (!id) return;
    const SeriesExemplar one[] = {{*id, {{{"trace_id", "t"}}, 1, FromMs(minute * kMinuteMs)}}};
    (void)database_->AppendExemplars(one);
  }

  void Maintain() { (void)database_->Maintain(); }

  TestDatabase& database_;
  Promises& promises_;
  Labels series_;
  std::unique_ptr<ScrapeTable> table_;
  bool has_column_ = false;
};

}  // namespace barograph::test
