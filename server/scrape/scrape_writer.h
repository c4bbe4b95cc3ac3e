#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/storage/appendable.h"
#include "base/storage/exemplars.h"
#include "base/time.h"
#include "server/config/config.h"
#include "server/scrape/metadata_store.h"
#include "server/scrape/scrape_cache.h"
#include "server/scrape/scrape_metrics.h"
#include "server/scrape/scrape_row.h"
#include "server/scrape/series_labels.h"
#include "server/scrape/series_quota.h"

/// From a page to storage, for one target: one row a scrape, with the page's samples, staleness
/// markers for what vanished, and the series about the scrape itself. A failed scrape is the same
/// row without a page: all series end, and `up` is 0.
namespace barograph::server {

/// What the report series of a scrape say.
struct ScrapeReport {
  bool up = false;
  double duration_seconds = 0;
  PageCounts counts;
  int64_t body_bytes = 0;  ///< -1 when it was over the limit
};

/// Not thread-safe; one scrape loop owns it. Each scrape is ReadPage or ReadNothing, then Write.
class ScrapeWriter {
 public:
  /// `config`, `storage`, `metadata`, `metrics` and `exemplars` must outlive it. `exemplars` takes
  /// those of pages that are read for them (PageRules::exemplars); null where there are none.
  /// `pool_series` counts for all targets that share its limit.
  ScrapeWriter(Labels target_labels, const ScrapeConfig& config, Appendable& storage,
               MetadataStore& metadata, ScrapeMetrics& metrics, Logger logger,
               ExemplarAppendable* exemplars = nullptr,
               std::shared_ptr<PoolSeries> pool_series = std::make_shared<PoolSeries>());

  /// Reads a page; an empty one has no series. After an error the scrape counts as failed. New
  /// series come into being here, once the whole page is known to be good.
  Status ReadPage(std::string_view page, const PageRules& rules, PageCounts& counts);

  /// There is no page.
  void ReadNothing();

  /// Appends the row, and the samples that have timestamps of their own. An error means that
  /// storage took nothing.
  Status Write(Timestamp timestamp, const ScrapeReport& report, Duration timeout);

  /// Ends all series of the target, those about scrapes too.
  Status WriteEnd(Timestamp timestamp);

  /// Ends the table: nothing more is written. What it holds is sealed, on the calling thread.
  void CloseTable() { table_.reset(); }

  /// Why the last page that was read has series that are not stored; empty where it has none.
  const std::string& refusal() const { return refusal_; }

  /// Other rules from the next page on. `config` as for the constructor; `same_labels` when series
  /// get the same labels under it.
  void Reconfigure(const ScrapeConfig& config, bool same_labels);

 private:
  static constexpr size_t kReportSeries = 8;
  static constexpr int kLongestPause = 7;
  enum class PageState : uint8_t { kNone, kEmpty, kRead };

  Status OpenTable();
  bool RetryIsDue();
  Status AddNewSeries(PageCounts& counts);
  Status Add(const NewSeries& series, std::unique_ptr<Appender>& appender, PageCounts& counts);
  Status Bind(const NewSeries& series, std::unique_ptr<Appender>& appender, PageCounts& counts);
  void SetReport(const ScrapeReport& report, Duration timeout);
  Status Append(Timestamp timestamp);
  Status AppendLone(Timestamp timestamp);
  void AppendExemplars(Timestamp timestamp);
  void Count(const AppendReport& report);
  void ReleaseColumns(const std::vector<ColumnId>& columns);

  Labels target_labels_;
  const ScrapeConfig* config_;
  Appendable& storage_;
  ScrapeMetrics& metrics_;
  Logger logger_;
  ExemplarAppendable* const exemplars_;

  std::unique_ptr<ScrapeTable> table_;
  std::optional<SeriesLabels> labels_;
  ScrapeCache cache_;
  ScrapeRow row_;
  std::array<std::optional<ColumnId>, kReportSeries> report_columns_;
  PageState page_ = PageState::kNone;
  SeriesQuota quota_;
  std::string refusal_;
  std::string last_reason_;  // of what is remembered as refused
  int pause_ = 0;            // pages until what storage refused is tried again
  int next_pause_ = 0;
};

}  // namespace barograph::server
