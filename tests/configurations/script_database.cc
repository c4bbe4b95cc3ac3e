#include "tests/configurations/script_database.h"

#include <algorithm>

#include "base/file_system.h"
#include "base/log.h"
#include "base/metrics/registry.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temp_dir.h"
#include "tests/tsdb/row_appender.h"
#include "tsdb/database.h"

namespace barograph::test {
namespace {

constexpr Duration kDay = std::chrono::hours(24);
constexpr Duration kCentury = 100 * 365 * kDay;
constexpr Timestamp kFuture = Timestamp(3 * kCentury);  // after all that any script loads

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
