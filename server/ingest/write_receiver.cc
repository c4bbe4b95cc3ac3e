#include "server/ingest/write_receiver.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/thread_pool.h"
#include "net/runtime.h"
#include "server/ingest/body_decoder.h"
#include "server/ingest/request_writer.h"
#include "server/ingest/write_format.h"
#include "web/router.h"

namespace barograph::server {
namespace {

using net::HttpRequest;
using net::HttpResponse;

size_t ThreadsOf(const WriteReceiverOptions& options) {
  const size_t threads =
      options.max_concurrency != 0 ? options.max_concurrency : std::thread::hardware_concurrency();
  return std::max<size_t>(threads, 1);
}

/// A request's place among those that wait or run.
class Place {
 public:
  explicit Place(std::atomic<size_t>& taken) : taken_(taken), number_(taken.fetch_add(1)) {}
  ~Place() { taken_.fetch_sub(1); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  size_t number() const { return number_; }

 private:
  std::atomic<size_t>& taken_;
  const size_t number_;
};

HttpResponse Answer(int status, std::string_view text) {
  return web::TextResponse(status, fmt::format("{}\n", text));
}

HttpResponse NoContent() {
  HttpResponse response;
  response.status = 204;
  return response;
}

/// Of a request that could not be read.
int RefusalStatus(const Error& error) {
  if (error.code == ErrorCode::kLimitExceeded) return 413;
  return error.code == ErrorCode::kUnavailable ? 503 : 400;
}

int RetryStatus(const Error& error) { return error.code == ErrorCode::kUnavailable ? 503 : 500; }

void AddCounts(HttpResponse& response, const WriteOutcome& outcome) {
  const auto add = [&](std::string_view what, uint64_t count) {
    response.headers.Set(fmt::format("X-Prometheus-Remote-Write-{}-Written", what),
                         std::to_string(count));
  };
  add("Samples", outcome.samples);
  add("Histograms", outcome.histograms);
  add("Exemplars", outcome.exemplars);
}

}  // namespace

class WriteReceiver::Impl {
 public:
  Impl(WriteReceiverOptions options, Appendable& storage, MetricsRegistry& metrics,
       const Clock& clock, Logger logger, ExemplarAppendable* exemplars)
      : options_(std::move(options)),
        metrics_(metrics),
        series_(options_.max_cached_series),
        metadata_(metrics, clock, options_.max_metadata_families),
        context_{storage, series_, metrics_, clock, exemplars, &metadata_},
        logger_(std::move(logger)),
        max_taken_(ThreadsOf(options_) + options_.max_waiting),
        pool_(ThreadsOf(options_)) {}

  const ReceivedMetadata& metadata() const { return metadata_; }

  net::asio::awaitable<HttpResponse> Serve(const HttpRequest& request) {
    const auto format = ReadWriteFormat(request.headers, options_.accepted);
    if (!format) co_return Refuse(415, format.error().message);
    if (request.body.size() > options_.max_body_bytes) {
      co_return Refuse(
          413, fmt::format("the body is over the limit of {} bytes", options_.max_body_bytes));
    }
    const Place place(taken_);
    if (place.number() >= max_taken_) co_return PutOff();
    co_return co_await net::Offload(pool_, [&] { return Receive(*format, request.body); });
  }

 private:
  HttpResponse Receive(const WriteFormat& format, std::string_view body) {
    net::BodyBuffer decoded;
    const Status fits = DecodeBody(format.encoding, body, options_.max_decoded_bytes, decoded);
    if (!fits) return Refuse(RefusalStatus(fits.error()), fits.error().message);
    const auto request = WriteRequest::Parse(format.protocol, decoded.view(), series_.seed(),
                                             options_.max_decoded_bytes);
    if (!request) return Refuse(RefusalStatus(request.error()), request.error().message);
    RequestWriter writer(context_);
    const Status written = writer.Write(*request);
    if (const uint64_t late = writer.outcome().late_exemplars; late > 0) {
      logger_.Warn("Error on ingesting out-of-order exemplars", {{"num_dropped", late}});
    }
    HttpResponse response = AnswerTo(written, writer.outcome());
    // After an error the sender writes all of it again.
    if (format.protocol == WriteProtocol::kV2)
      AddCounts(response, written ? writer.outcome() : WriteOutcome());
    return response;
  }

  HttpResponse AnswerTo(const Status& written, const WriteOutcome& outcome) const {
    if (!written) {
      logger_.Error("Error while writing a remote write request", {{"err", written.error()}});
      return Answer(RetryStatus(written.error()), written.error().message);
    }
    if (outcome.refused == 0) return NoContent();
    return Refuse(outcome.series_limit ? 429 : 400, outcome.Explanation());
  }

  HttpResponse Refuse(int status, std::string_view reason) const {
    logger_.Warn("A remote write request was refused, or a part of it",
                 {{"status", status}, {"err", reason}});
    return Answer(status, reason);
  }

  HttpResponse PutOff() const {
    metrics_.busy.Increment();
    HttpResponse response = Answer(503, "too many remote write requests are waiting");
    response.headers.Set("Retry-After", "1");
    return response;
  }

  const WriteReceiverOptions options_;
  const WriteMetrics metrics_;
  SeriesCache series_;
  ReceivedMetadata metadata_;
  const WriteContext context_;
  const Logger logger_;
  const size_t max_taken_;
  std::atomic<size_t> taken_ = 0;
  ThreadPool pool_;  // last, so that it is joined first
};

WriteReceiver::WriteReceiver(WriteReceiverOptions options, Appendable& storage,
                             MetricsRegistry& metrics, const Clock& clock, Logger logger,
                             ExemplarAppendable* exemplars)
    : impl_(std::make_unique<Impl>(std::move(options), storage, metrics, clock, std::move(logger),
                                   exemplars)) {}

WriteReceiver::~WriteReceiver() = default;

void WriteReceiver::ListMetadata(std::vector<web::MetricMetadata>& out) const {
  impl_->metadata().List(out);
}

net::HttpHandler WriteReceiver::Handler() {
  return [impl = impl_.get()](const HttpRequest& request) { return impl->Serve(request); };
}

}  // namespace barograph::server
