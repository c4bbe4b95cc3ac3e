#pragma once

#include <memory>
#include <vector>

#include "base/log.h"
#include "base/metrics/registry.h"
#include "base/storage/appendable.h"
#include "base/storage/exemplars.h"
#include "base/time.h"
#include "net/http_server.h"
#include "server/ingest/write_options.h"
#include "web/server_state.h"

/// The receiver of remote write: POST /api/v1/write.
namespace barograph::server {

/// Thread-safe. Answers as Prometheus 3 does: 204 when all is stored; 400 with the first reasons
/// when a part will never be accepted (the rest is stored); 415 for other messages and encodings;
/// 413 over a size limit; 429 when storage takes no new series for now (the others' samples are
/// stored); 500 and 503 when the sender shall try again.
class WriteReceiver {
 public:
  /// What it works on must outlive it; `exemplars` is null where none are kept.
  WriteReceiver(WriteReceiverOptions options, Appendable& storage, MetricsRegistry& metrics,
                const Clock& clock, Logger logger, ExemplarAppendable* exemplars = nullptr);
  /// Precondition: no request is under way.
  ~WriteReceiver();

  /// What senders told of metric families, in order of their names.
  void ListMetadata(std::vector<web::MetricMetadata>& out) const;

  /// Takes requests for as long as the receiver lives.
  net::HttpHandler Handler();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace barograph::server
