#include "tests/configurations/script_database.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/log.h"
#include "base/metrics/registry.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temp_dir.h"
#include "tsdb/bitmap.h"
#include "tsdb/database.h"

namespace barograph::test {
namespace {

constexpr Duration kDay = std::chrono::hours(24);
constexpr Duration kCentury = 100 * 365 * kDay;
constexpr Timestamp kFuture = Timestamp(3 * kCentury);  // after all that any script loads

// Turns what is appended into rows of one table; histograms go to the storage's own appender.
class RowAppender final : public Appender {
 public:
  RowAppender(std::unique_ptr<Appender> alone, ScrapeTable& table)
      : alone_(std::move(alone)), table_(table) {}

  Result<SeriesId> Resolve(const Labels& labels) override {
    const SeriesId id = TRY(alone_->Resolve(labels));
    labels_.emplace(id, labels);
    return id;
  }
  void Append(SeriesId series, Sample sample, Timestamp start) override {
    rows_[sample.timestamp].push_back({series, sample.value, start});
  }
  void AppendHistogram(SeriesId series, Timestamp timestamp, const FloatHistogram& histogram,
                       Timestamp start) override {
    alone_->AppendHistogram(series, timestamp, histogram, start);
  }
  Result<AppendReport> Commit() override {
    AppendReport report = TRY(alone_->Commit());
    for (const auto& [timestamp, samples] : std::exchange(rows_, {})) {
      const AppendReport row = TRY(AppendRow(timestamp, samples));
      report.appended += row.appended;
      report.out_of_order += row.out_of_order;
      report.too_old += row.too_old;
      report.duplicate += row.duplicate;
      report.out_of_bounds += row.out_of_bounds;
    }
    return report;
  }

 private:
  struct RowSample {
    SeriesId series;
    double value;
    Timestamp start;
  };
  using Samples = std::vector<RowSample>;

  Result<AppendReport> AppendRow(Timestamp timestamp, const Samples& samples) {
    std::vector<double> values;
    std::vector<uint64_t> presence;
    std::vector<Timestamp> starts;
    for (const auto& [series, value, start] : samples) {
      const ColumnId column = TRY(table_.AddColumn(labels_.at(series)));
      values.resize(std::max<size_t>(values.size(), column + 1));
      presence.resize(tsdb::WordsFor(values.size()));
      starts.resize(values.size(), kUnknownStart);
      values[column] = value;
      starts[column] = start;
      tsdb::SetBit(presence, column);
    }
    return table_.AppendRow({timestamp, values, presence, starts});
  }

  const std::unique_ptr<Appender> alone_;
  ScrapeTable& table_;
  std::map<SeriesId, Labels> labels_;
  std::map<Timestamp, Samples> rows_;
};

class ScriptDatabase final : public promql::script::Storage, private Appendable {
 public:
  ScriptDatabase(const DatabaseSetup& setup, Timestamp newest, size_t& cuts)
      : setup_(setup), cuts_(cuts), clock_(newest) {
    options_.path = folder_.path();
    options_.wal_fsync = tsdb::WalFsync::kOff;
    options_.maintenance_interval = kDay;  // only when it is asked for
    options_.retention.time = Duration(0);
    options_.max_block_duration = kCentury;
    const Duration span = newest - Timestamp();
    if (setup.after_load == AfterLoad::kHalfBlocks) {
      clock_.Set(Timestamp(span / 2));
      options_.min_block_duration = std::max(span / 32, Duration(1));
    } else if (setup.after_load == AfterLoad::kTinyBlocks) {
      options_.min_block_duration = std::max(span / 8, Duration(1));
      options_.max_block_duration = options_.min_block_duration;
    }
  }

  Status Open() {
    table_.reset();
    database_.reset();
    metrics_ = std::make_unique<MetricsRegistry>();
    database_ = TRY(tsdb::Database::Open(PosixFileSystem(), clock_, Logger(), *metrics_, options_));
    table_ = TRY(database_->OpenTable());
    return {};
  }

  Appendable& appendable() override {
    return setup_.arrival == Arrival::kRows ? static_cast<Appendable&>(*this) : *database_;
  }
  const Queryable& queryable() override { return *database_; }

  Status Loaded() override {
    switch (setup_.after_load) {
      case AfterLoad::kNothing: return {};
      case AfterLoad::kRestart: return Open();
      case AfterLoad::kBlocks: TRY(AppendToFuture()); return CutToBlocks();
      case AfterLoad::kHalfBlocks:
      case AfterLoad::kTinyBlocks: return CutToBlocks();
    }
    return {};
  }

 private:
  std::unique_ptr<Appender> NewAppender() override {
    return std::make_unique<RowAppender>(database_->NewAppender(), *table_);
  }
  Result<std::unique_ptr<ScrapeTable>> OpenTable() override { return database_->OpenTable(); }

  // A sample that no query looks at, after which all others are old. Each is newer than the one
  // before, as the head is cut at each time once.
  Status AppendToFuture() {
    future_ += kDay;
    clock_.Set(future_);
    const auto appender = database_->NewAppender();
    appender->Append(TRY(appender->Resolve(Labels{{"__name__", "future"}})), {future_, 1});
    TRY(appender->Commit());
    return {};
  }

  Status CutToBlocks() {
    TRY(database_->Maintain());
    if (!database_->Blocks().empty()) ++cuts_;
    return {};
  }

  const DatabaseSetup setup_;
  size_t& cuts_;
  const TempDir folder_;
  ManualClock clock_;
  tsdb::Options options_;
  Timestamp future_ = kFuture;
  std::unique_ptr<MetricsRegistry> metrics_;
  std::unique_ptr<tsdb::Database> database_;
  std::unique_ptr<ScrapeTable> table_;
};

}  // namespace

promql::script::StorageFactory MakeDatabases(const DatabaseSetup& setup, Timestamp newest,
                                             size_t& cuts) {
  return [setup, newest, &cuts]() -> Result<std::unique_ptr<promql::script::Storage>> {
    auto database = std::make_unique<ScriptDatabase>(setup, newest, cuts);
    TRY(database->Open());
    return std::unique_ptr<promql::script::Storage>(std::move(database));
  };
}

}  // namespace barograph::test
