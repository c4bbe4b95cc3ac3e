#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/mutex.h"
#include "base/storage/appendable.h"
#include "base/storage/exemplars.h"
#include "base/time.h"
#include "net/http_client.h"
#include "server/config/config.h"
#include "server/scrape/manager.h"
#include "server/scrape/metadata_store.h"
#include "server/scrape/scrape_metrics.h"
#include "server/scrape/scrape_schedule.h"
#include "server/scrape/scrape_writer.h"
#include "server/scrape/target.h"
#include "web/server_state.h"

/// Scrapes one target, again and again, on one I/O thread.
namespace barograph::server {

/// What all loops share. Everything in it outlives them.
struct ScrapeEnvironment {
  Appendable& storage;
  ScrapeMetrics& metrics;
  const Clock& clock;
  const ScrapeOptions& options;
  ExemplarAppendable* exemplars = nullptr;  ///< null where none are kept
};

/// How the last scrape went.
struct ScrapeStatus {
  web::TargetHealth health = web::TargetHealth::kUnknown;
  std::string last_error;
  Timestamp last_scrape;
  double last_scrape_seconds = 0;
};

/// The functions are thread-safe but for Run, which runs once, on `context`. Held by its pool and
/// by the coroutine that runs it.
class ScrapeLoop : public std::enable_shared_from_this<ScrapeLoop> {
 public:
  /// `config` is kept as long as it is in use.
  ScrapeLoop(Target target, std::shared_ptr<const ScrapeConfig> config,
             std::shared_ptr<MetadataPool> metadata_pool, std::shared_ptr<PoolSeries> pool_series,
             const ScrapeEnvironment& environment, boost::asio::io_context& context,
             const PhaseRule& phase, const Logger& logger);

  /// Waits for the target's phase, then scrapes each interval, never two at once: a tick that
  /// comes while a scrape is under way follows it. Returns when the coroutine is cancelled, which
  /// means that the server stops, and some time after Stop(); what was scraped is sealed then.
  boost::asio::awaitable<void> Run();

  /// The target is gone. A scrape under way is finished. Two intervals later, when a target that
  /// came back would have been scraped, its series get staleness markers, as of the next tick.
  void Stop();

  /// From the next scrape on, `config` holds. The target stays as it is.
  void Reconfigure(std::shared_ptr<const ScrapeConfig> config);

  /// While there is a forced error, scrapes fail with it and nothing is asked of the target.
  void SetForcedError(std::string error);

  const Target& target() const { return target_; }
  const MetadataStore& metadata() const { return metadata_; }
  ScrapeStatus status() const;

 private:
  boost::asio::awaitable<void> WaitForTick();
  boost::asio::awaitable<void> ScrapeUntilStopped();
  boost::asio::awaitable<void> EndSeries();
  boost::asio::awaitable<void> Scrape(Timestamp timestamp);
  void ObserveInterval(std::chrono::nanoseconds start);

  net::HttpClientRequest MakeRequest() const;
  Status Read(const Result<net::HttpClientResponse>& response, ScrapeReport& report);
  Status ReadResponse(const net::HttpClientResponse& response, ScrapeReport& report);
  Result<PageFormat> FormatOf(std::string_view content_type);
  void CountLimit(const Error& error);
  uint64_t BodyLimit() const;
  void Write(Timestamp timestamp, const Status& read, ScrapeReport& report);
  void AdoptConfig();

  const Target target_;
  const ScrapeEnvironment& environment_;
  boost::asio::io_context& context_;
  const PhaseRule phase_;
  Logger logger_;
  MetadataStore metadata_;

  mutable Mutex mutex_;
  std::shared_ptr<const ScrapeConfig> wanted_config_ GUARDED_BY(mutex_);
  std::string forced_error_ GUARDED_BY(mutex_);
  ScrapeStatus status_ GUARDED_BY(mutex_);

  // On the I/O thread.
  std::shared_ptr<const ScrapeConfig> config_;
  ScrapeWriter writer_;
  std::unique_ptr<net::HttpClient> client_;  // while Run runs
  net::HttpClientRequest request_;
  std::optional<PageFormat> format_;  // of a page with that Content-Type, under config_
  std::string content_type_;
  boost::asio::steady_timer timer_;
  bool stopping_ = false;
  std::optional<std::chrono::nanoseconds> last_start_;
  SummaryMetric* interval_length_ = nullptr;  // once there is an interval
  ScrapeSchedule schedule_;
};

}  // namespace barograph::server
