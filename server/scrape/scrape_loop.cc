#include "server/scrape/scrape_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "net/runtime.h"
#include "server/scrape/negotiation.h"

namespace barograph::server {
namespace asio = boost::asio;
namespace {

// Samples further in the future are refused.
constexpr Duration kMaxAhead = std::chrono::minutes(10);

// Whether series get the same labels under both.
bool MakeSameLabels(const ScrapeConfig& a, const ScrapeConfig& b) {
  return a.honor_labels == b.honor_labels && a.name_validation == b.name_validation &&
         a.metric_relabel_configs == b.metric_relabel_configs &&
         a.limits.labels == b.limits.labels &&
         a.limits.label_name_length == b.limits.label_name_length &&
         a.limits.label_value_length == b.limits.label_value_length;
}

double ToSeconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string StatusText(int status) {
  const std::string_view reason = net::ReasonPhrase(status);
  return reason.empty() ? std::to_string(status) : fmt::format("{} {}", status, reason);
}

}  // namespace

ScrapeLoop::ScrapeLoop(Target target, std::shared_ptr<const ScrapeConfig> config,
                       std::shared_ptr<MetadataPool> metadata_pool,
                       std::shared_ptr<PoolSeries> pool_series,
                       const ScrapeEnvironment& environment, asio::io_context& context,
                       const PhaseRule& phase, const Logger& logger)
    : target_(std::move(target)),
      environment_(environment),
      context_(context),
      phase_(phase),
      logger_(logger.With({{"target", target_.url}})),
      metadata_(std::move(metadata_pool)),
      wanted_config_(config),
      config_(std::move(config)),
      writer_(target_.public_labels, *config_, environment_.storage, metadata_,
              environment_.metrics, logger_, environment_.exemplars, std::move(pool_series)),
      request_(MakeRequest()),
      timer_(context),
      schedule_(target_.interval, environment_.options.align_timestamps
                                      ? environment_.options.timestamp_tolerance
                                      : Duration(0)) {}

// ---- Time.

asio::awaitable<void> ScrapeLoop::Run() {
  const auto self = shared_from_this();
  client_ = std::make_unique<net::HttpClient>(context_);
  co_await ScrapeUntilStopped();
  client_.reset();
  const bool cancelled = co_await net::Cancelled();
  if (!cancelled && last_start_) co_await EndSeries();
  writer_.CloseTable();
}

asio::awaitable<void> ScrapeLoop::ScrapeUntilStopped() {
  const Clock& clock = environment_.clock;
  schedule_.Start(clock.Monotonic() +
                  TimeToFirstScrape(target_, phase_, clock.Now().time_since_epoch()));
  for (;;) {
    co_await WaitForTick();
    const bool cancelled = co_await net::Cancelled();
    if (cancelled || stopping_) co_return;
    co_await Scrape(schedule_.Align(clock.Now()));
    schedule_.Advance(clock.Monotonic());
  }
}

asio::awaitable<void> ScrapeLoop::WaitForTick() {
  const bool cancelled = co_await net::Cancelled();
  if (cancelled || stopping_) co_return;
  const auto wait = schedule_.next_tick() - environment_.clock.Monotonic();
  if (wait.count() <= 0) co_return;
  timer_.expires_after(wait);
  boost::system::error_code ignored;  // cancelled: the caller looks why
  co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

void ScrapeLoop::Stop() {
  asio::post(context_, [self = shared_from_this()] {
    self->stopping_ = true;
    self->timer_.cancel();
  });
}

asio::awaitable<void> ScrapeLoop::EndSeries() {
  const Clock& clock = environment_.clock;
  const std::chrono::nanoseconds interval = target_.interval;
  schedule_.SkipTo(clock.Monotonic());
  co_await net::Sleep(schedule_.next_tick() - clock.Monotonic());
  const Timestamp ended = clock.Now();
  co_await net::Sleep(schedule_.next_tick() + interval + interval / 10 - clock.Monotonic());
  const bool cancelled = co_await net::Cancelled();
  if (cancelled) co_return;
  if (const Status written = writer_.WriteEnd(ended); !written) {
    logger_.Warn("Stale append failed", {{"err", written.error()}});
  }
}

// ---- One scrape.

asio::awaitable<void> ScrapeLoop::Scrape(Timestamp timestamp) {
  AdoptConfig();
  const auto start = environment_.clock.Monotonic();
  ObserveInterval(start);
  ScrapeReport report;
  std::string forced_error;
  {
    const MutexLock lock(mutex_);
    forced_error = forced_error_;
  }
  Status read;
  if (!forced_error.empty()) {
    writer_.ReadNothing();
    read = Fail(ErrorCode::kLimitExceeded, forced_error);
  } else {
    const auto response = co_await client_->Send(request_);
    const bool cancelled = co_await net::Cancelled();
    if (cancelled) co_return;
    read = Read(response, report);
  }
  report.duration_seconds = ToSeconds(environment_.clock.Monotonic() - start);
  Write(timestamp, read, report);
}

void ScrapeLoop::ObserveInterval(std::chrono::nanoseconds start) {
  if (last_start_) {
    if (interval_length_ == nullptr) {
      interval_length_ = &environment_.metrics.IntervalLength(target_.interval);
    }
    interval_length_->Observe(ToSeconds(start - *last_start_));
  }
  last_start_ = start;
}

net::HttpClientRequest ScrapeLoop::MakeRequest() const {
  net::HttpClientRequest request;
  if (const auto url = net::Url::Parse(target_.url)) request.url = *url;
  request.headers.Add("User-Agent", environment_.options.user_agent);
  request.headers.Add("Accept", AcceptHeader(*config_));
  request.headers.Add("Accept-Encoding", config_->enable_compression ? "gzip" : "identity");
  request.headers.Add("X-Prometheus-Scrape-Timeout-Seconds",
                      fmt::format("{}", ToSeconds(target_.timeout)));
  request.timeout = target_.timeout;
  // The client refuses what is larger; the job's limit is itself too large.
  request.max_body_bytes = std::max<uint64_t>(BodyLimit() - 1, 1);
  request.follow_redirects = config_->follow_redirects;
  return request;
}

uint64_t ScrapeLoop::BodyLimit() const {
  const uint64_t most = environment_.options.max_body_bytes;
  const uint64_t wanted = config_->limits.body_bytes;
  return wanted == 0 ? most : std::min(wanted, most);
}

Status ScrapeLoop::Read(const Result<net::HttpClientResponse>& response, ScrapeReport& report) {
  Status read;
  if (!response) {
    const bool too_large = response.error().code == ErrorCode::kLimitExceeded;
    if (too_large) report.body_bytes = -1;
    read = too_large ? Status(Fail(ErrorCode::kLimitExceeded, "body size limit exceeded"))
                     : Status(std::unexpected(response.error()));
  } else {
    read = ReadResponse(*response, report);
  }
  if (!read) writer_.ReadNothing();
  if (report.body_bytes < 0) environment_.metrics.exceeded_body_size_limit.Increment();
  return read;
}

Status ScrapeLoop::ReadResponse(const net::HttpClientResponse& response, ScrapeReport& report) {
  if (response.status != 200) {
    return Fail(ErrorCode::kUnavailable,
                "server returned HTTP status " + StatusText(response.status));
  }
  if (response.body.size() >= BodyLimit()) {
    report.body_bytes = -1;
    return Fail(ErrorCode::kLimitExceeded, "body size limit exceeded");
  }
  report.body_bytes = static_cast<int64_t>(response.body.size());
  PageRules rules;
  if (!response.body.empty()) {
    rules.format = TRY(FormatOf(response.headers.Get("Content-Type")));
  }
  rules.honor_timestamps = config_->honor_timestamps;
  rules.exemplars = environment_.exemplars != nullptr;
  rules.sample_limit = config_->limits.samples;
  rules.max_line_bytes = environment_.options.max_line_bytes;
  rules.starts = environment_.options.starts;
  rules.newest = environment_.clock.Now() + kMaxAhead;
  auto read = writer_.ReadPage(response.body, rules, report.counts);
  if (!read) CountLimit(read.error());
  return read;
}

// A target says the same each time.
Result<PageFormat> ScrapeLoop::FormatOf(std::string_view content_type) {
  if (!format_ || content_type != content_type_) {
    format_ = TRY(ChooseFormat(content_type, config_->fallback_scrape_protocol));
    content_type_ = content_type;
  }
  return *format_;
}

void ScrapeLoop::CountLimit(const Error& error) {
  if (error.code != ErrorCode::kLimitExceeded) return;
  if (error.message.starts_with("label_")) {
    environment_.metrics.pool_exceeded_label_limits.Increment();
  } else if (error.message.starts_with("sample limit")) {
    environment_.metrics.exceeded_sample_limit.Increment();
  }
}

void ScrapeLoop::Write(Timestamp timestamp, const Status& read, ScrapeReport& report) {
  report.up = read.has_value();
  const PageCounts& counts = report.counts;
  if (counts.duplicates > 0) {
    environment_.metrics.duplicate_timestamp.Increment(static_cast<double>(counts.duplicates));
    logger_.Warn("Error on ingesting samples with different value but same timestamp",
                 {{"num_dropped", counts.duplicates}});
  }
  if (counts.out_of_bounds > 0) {
    environment_.metrics.out_of_bounds.Increment(static_cast<double>(counts.out_of_bounds));
    logger_.Warn("Error on ingesting samples that are too old or are too far into the future",
                 {{"num_dropped", counts.out_of_bounds}});
  }
  if (!read) logger_.Debug("Scrape failed", {{"err", read.error()}});
  if (const Status written = writer_.Write(timestamp, report, target_.timeout); !written) {
    logger_.Error("Scrape commit failed", {{"err", written.error()}});
  }
  const MutexLock lock(mutex_);
  status_.health = report.up ? web::TargetHealth::kUp : web::TargetHealth::kDown;
  // A target whose new series are refused is up, but something is to be seen to.
  status_.last_error = report.up ? writer_.refusal() : read.error().message;
  status_.last_scrape = timestamp;
  status_.last_scrape_seconds = report.duration_seconds;
}

// ---- What others ask for.

void ScrapeLoop::Reconfigure(std::shared_ptr<const ScrapeConfig> config) {
  const MutexLock lock(mutex_);
  wanted_config_ = std::move(config);
}

void ScrapeLoop::AdoptConfig() {
  std::shared_ptr<const ScrapeConfig> wanted;
  {
    const MutexLock lock(mutex_);
    wanted = wanted_config_;
  }
  if (wanted == config_) return;
  const bool same_labels = MakeSameLabels(*config_, *wanted);
  writer_.Reconfigure(*wanted, same_labels);
  config_ = std::move(wanted);
  format_.reset();
  request_ = MakeRequest();
}

void ScrapeLoop::SetForcedError(std::string error) {
  const MutexLock lock(mutex_);
  forced_error_ = std::move(error);
}

ScrapeStatus ScrapeLoop::status() const {
  const MutexLock lock(mutex_);
  return status_;
}

}  // namespace barograph::server
