#include "server/scrape/scrape_writer.h"

#include <algorithm>
#include <string>
#include <utility>

namespace barograph::server {
namespace {

// The order is that of the values in SetReport; the last three are the extra_scrape_metrics.
constexpr std::array<std::string_view, 8> kReportNames = {"up",
                                                          "scrape_duration_seconds",
                                                          "scrape_samples_scraped",
                                                          "scrape_samples_post_metric_relabeling",
                                                          "scrape_series_added",
                                                          "scrape_timeout_seconds",
                                                          "scrape_sample_limit",
                                                          "scrape_body_size_bytes"};
constexpr size_t kPlainReportSeries = 5;

}  // namespace

ScrapeWriter::ScrapeWriter(Labels target_labels, const ScrapeConfig& config, Appendable& storage,
                           MetadataStore& metadata, ScrapeMetrics& metrics, Logger logger,
                           ExemplarAppendable* exemplars, std::shared_ptr<PoolSeries> pool_series)
    : target_labels_(std::move(target_labels)),
      config_(&config),
      storage_(storage),
      metrics_(metrics),
      logger_(std::move(logger)),
      exemplars_(exemplars),
      cache_(metadata),
      quota_(std::move(pool_series)) {
  labels_.emplace(target_labels_, *config_);
}

void ScrapeWriter::Reconfigure(const ScrapeConfig& config, bool same_labels) {
  config_ = &config;
  labels_.emplace(target_labels_, *config_);
  if (same_labels) return;
  cache_.Forget();
  quota_.Set(0);  // all are new on the next page
}

Status ScrapeWriter::OpenTable() {
  if (table_ == nullptr) table_ = TRY(storage_.OpenTable());
  return {};
}

Status ScrapeWriter::ReadPage(std::string_view page, const PageRules& rules, PageCounts& counts) {
  page_ = PageState::kNone;
  row_.Begin();
  TRY(OpenTable());
  if (page.empty()) {
    page_ = PageState::kEmpty;
    return {};
  }
  if (cache_.has_refused() && RetryIsDue()) cache_.ForgetRefused();
  TRY(cache_.Read(page, rules, *labels_, row_, counts));
  TRY(AddNewSeries(counts));
  page_ = PageState::kRead;
  return {};
}

void ScrapeWriter::ReadNothing() { page_ = PageState::kNone; }

// Whether series that were refused may now be taken. The limit's state is known; storage is tried
// again, at longer and longer intervals.
bool ScrapeWriter::RetryIsDue() {
  if (!quota_.HasRoom(config_->limits.series)) return false;
  if (pause_ == 0) return true;
  --pause_;
  return false;
}

Status ScrapeWriter::AddNewSeries(PageCounts& counts) {
  refusal_.clear();
  std::unique_ptr<Appender> appender;
  uint64_t refused = counts.refused;
  bool by_storage = false;
  for (const NewSeries& series : cache_.new_series()) {
    const bool has_room = quota_.HasRoom(config_->limits.series);
    const Status added = Add(series, appender, counts);
    if (added) continue;
    if (added.error().code != ErrorCode::kLimitExceeded) return added;
    cache_.Refuse(series);
    ++refused;
    --counts.added;
    last_reason_ = added.error().message;
    by_storage |= has_room;
  }
  if (by_storage) {
    pause_ = next_pause_;
    next_pause_ = std::min(2 * next_pause_ + 1, kLongestPause);
  } else if (counts.refused == 0) {
    next_pause_ = 0;
  }
  if (refused == 0) return {};
  metrics_.refused_series.Increment(static_cast<double>(refused));
  quota_.CountRefused(refused);
  refusal_ = std::to_string(refused) + " new series refused: " + last_reason_;
  logger_.Warn("New series refused",
               {{"num_dropped", std::to_string(refused)}, {"err", last_reason_}});
  return {};
}

Status ScrapeWriter::Add(const NewSeries& series, std::unique_ptr<Appender>& appender,
                         PageCounts& counts) {
  const uint64_t limit = config_->limits.series;
  if (!quota_.TakeOne(limit)) {
    return Fail(ErrorCode::kLimitExceeded,
                "series_limit exceeded (limit: " + std::to_string(limit) + ")");
  }
  Status bound = Bind(series, appender, counts);
  // What storage has no room for takes none from those that follow.
  if (!bound) quota_.GiveBackOne();
  return bound;
}

Status ScrapeWriter::Bind(const NewSeries& series, std::unique_ptr<Appender>& appender,
                          PageCounts& counts) {
  if (!series.timestamp) {
    cache_.Bind(series, TRY(table_->AddColumn(series.labels)), row_, counts);
  } else {
    if (appender == nullptr) appender = storage_.NewAppender();
    cache_.BindLone(series, TRY(appender->Resolve(series.labels)));
  }
  return {};
}

Status ScrapeWriter::Write(Timestamp timestamp, const ScrapeReport& report, Duration timeout) {
  TRY(OpenTable());
  // Of a page that failed, nothing counts.
  if (page_ != PageState::kRead) {
    row_.Discard();
    cache_.Discard();
  }
  SetReport(report, timeout);
  return Append(timestamp);
}

Status ScrapeWriter::WriteEnd(Timestamp timestamp) {
  if (table_ == nullptr) return {};
  page_ = PageState::kNone;
  row_.Discard();
  cache_.Discard();
  return Append(timestamp);
}

Status ScrapeWriter::Append(Timestamp timestamp) {
  if (page_ == PageState::kRead) cache_.TellStarts(row_);
  row_.Finish();
  const auto report = table_->AppendRow(row_.row(timestamp));
  if (report) Count(*report);
  const Status lone = AppendLone(timestamp);
  if (report) AppendExemplars(timestamp);
  if (page_ == PageState::kRead) {
    ReleaseColumns(cache_.Commit());
  } else {
    cache_.lone_series().EndAll();
  }
  quota_.Set(cache_.expected_series());  // without those that are gone, or were refused
  page_ = PageState::kNone;
  if (!report) return std::unexpected(report.error());
  return lone;
}

Status ScrapeWriter::AppendLone(Timestamp timestamp) {
  std::vector<SeriesId> ended;
  if (config_->track_timestamps_staleness) ended = cache_.lone_series().Ended();
  if (ended.empty() && cache_.lone_samples().empty()) return {};
  const auto appender = storage_.NewAppender();
  for (const LoneSample& lone : cache_.lone_samples()) {
    appender->Append(cache_.lone_series().id(lone.lone), lone.sample, cache_.StartOf(lone));
  }
  for (const SeriesId series : ended) appender->Append(series, {timestamp, kStaleNan});
  Count(TRY(appender->Commit()));
  return {};
}

// What goes wrong with exemplars fails no scrape.
void ScrapeWriter::AppendExemplars(Timestamp timestamp) {
  if (exemplars_ == nullptr || cache_.exemplars().empty()) return;
  std::vector<SeriesExemplar> exemplars;
  for (const auto& [lone, target, of_sample, exemplar] : cache_.exemplars()) {
    const bool timed = exemplar.timestamp_ms.has_value();
    exemplars.push_back(
        {lone ? cache_.lone_series().id(target) : table_->series(target),
         {.labels = exemplar.labels,
          .value = exemplar.value,
          .timestamp = timed ? FromMs(*exemplar.timestamp_ms) : of_sample.value_or(timestamp),
          .timed = timed}});
  }
  const auto verdicts = exemplars_->AppendExemplars(exemplars);
  if (!verdicts) {
    logger_.Warn("Appending exemplars failed", {{"err", verdicts.error()}});
    return;
  }
  const auto late = std::ranges::count(*verdicts, ExemplarVerdict::kOutOfOrder);
  if (late == 0) return;
  metrics_.exemplars_out_of_order.Increment(static_cast<double>(late));
  logger_.Warn("Error on ingesting out-of-order exemplars", {{"num_dropped", late}});
}

void ScrapeWriter::SetReport(const ScrapeReport& report, Duration timeout) {
  const std::array<double, kReportSeries> values = {report.up ? 1.0 : 0.0,
                                                    report.duration_seconds,
                                                    static_cast<double>(report.counts.scraped),
                                                    static_cast<double>(report.counts.kept),
                                                    static_cast<double>(report.counts.added),
                                                    ToSeconds(timeout),
                                                    static_cast<double>(config_->limits.samples),
                                                    static_cast<double>(report.body_bytes)};
  const size_t count = config_->extra_scrape_metrics ? kReportSeries : kPlainReportSeries;
  for (size_t i = 0; i < count; ++i) {
    if (!report_columns_[i]) {
      const auto column = table_->AddColumn(labels_->MakeReport(kReportNames[i]));
      if (!column) {
        logger_.Warn("Appending scrape report failed", {{"err", column.error().message}});
        continue;
      }
      report_columns_[i] = *column;
    }
    // A page may show a series of that name and labels: it came first.
    row_.Set(*report_columns_[i], values[i]);
  }
}

void ScrapeWriter::Count(const AppendReport& report) {
  const auto count = [this](uint64_t samples, Counter& counter, std::string_view message) {
    if (samples == 0) return;
    counter.Increment(static_cast<double>(samples));
    logger_.Warn(message, {{"num_dropped", std::to_string(samples)}});
  };
  count(report.out_of_order, metrics_.out_of_order, "Error on ingesting out-of-order samples");
  count(report.duplicate, metrics_.duplicate_timestamp,
        "Error on ingesting samples with different value but same timestamp");
  count(report.out_of_bounds, metrics_.out_of_bounds,
        "Error on ingesting samples that are too old or are too far into the future");
}

void ScrapeWriter::ReleaseColumns(const std::vector<ColumnId>& columns) {
  for (const ColumnId column : columns) {
    if (std::ranges::find(report_columns_, std::optional(column)) == report_columns_.end()) {
      table_->ReleaseColumn(column);
    }
  }
}

}  // namespace barograph::server
