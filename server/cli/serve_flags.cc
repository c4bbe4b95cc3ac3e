#include "server/cli/serve_flags.h"

#include <fmt/format.h>

#include "base/model/number.h"
#include "base/model/regex.h"
#include "server/ingest/write_format.h"
#include "server/storage_options.h"

namespace barograph::server::cli {
namespace {

void AddConfigFlags(FlagSet& flags, ServerOptions& options) {
  flags.Add("config.file", options.config_file,
            "Configuration file. Without it, and without a prometheus.yml in the working "
            "directory, a built-in configuration is used");
  flags.Add("config.auto-reload", options.auto_reload,
            "Reload the configuration when its file changes");
  flags.Add("config.auto-reload-interval", options.auto_reload_interval,
            "How often to look for a changed configuration");
}

void AddWebFlags(FlagSet& flags, ServerOptions& options) {
  flags.Add("web.listen-address", options.listen_addresses,
            "Address to listen on. Can be repeated");
  flags.Add("web.external-url", options.external_url,
            "The URL under which this server is reachable from outside, for links back to it");
  flags.Add("web.route-prefix", options.route_prefix,
            "Prefix of all paths. Defaults to the path of --web.external-url");
  flags.Add("web.page-title", options.page_title, "Title of the web pages");
  flags.Add("web.cors.origin", options.cors_origin,
            "Regular expression for the CORS origin, anchored at both ends");
  flags.Add("web.enable-lifecycle", options.enable_lifecycle,
            "Allow reload and shutdown over HTTP");
  flags.Add("web.enable-admin-api", options.enable_admin_api,
            "Allow deleting series and making snapshots over HTTP");
  flags.Add("web.read-timeout", options.read_timeout,
            "How long reading a request may take, and how long an idle connection is kept");
  flags.Add("web.max-connections", options.max_connections,
            "Most connections at a time, over all listeners");
  flags.Add(
      "web.max-buffered-body-bytes", options.max_buffered_body_bytes,
      "Most bytes that the bodies of all requests may take together; clients that there is no "
      "room for are told to try again");
}

void AddRemoteWriteFlags(FlagSet& flags, ServerOptions& options,
                         std::vector<std::string>& messages) {
  WriteReceiverOptions& receiver = options.remote_write;
  flags.Add("web.enable-remote-write-receiver", options.enable_remote_write_receiver,
            "Accept samples by remote write at /api/v1/write");
  flags.Add("web.remote-write-receiver.accepted-protobuf-messages", messages,
            "A remote write protobuf message to accept: prometheus.WriteRequest or "
            "io.prometheus.write.v2.Request. Can be repeated");
  flags.Add("web.remote-write-receiver.max-body-bytes", receiver.max_body_bytes,
            "Most bytes that a remote write request may have as it is sent");
  flags.Add("web.remote-write-receiver.max-decoded-bytes", receiver.max_decoded_bytes,
            "Most bytes that a remote write request may have decompressed");
  flags.Add("web.remote-write-receiver.max-concurrency", receiver.max_concurrency,
            "Most remote write requests that are worked on at a time. 0 is one a processor");
  flags.Add("web.remote-write-receiver.max-waiting", receiver.max_waiting,
            "Most remote write requests that wait; senders of more are told to try again");
  flags.Add("web.remote-write-receiver.max-cached-series", receiver.max_cached_series,
            "Most series that are remembered by the labels that senders write");
  flags.Add("web.remote-write-receiver.max-metadata-families", receiver.max_metadata_families,
            "Most metric families whose metadata is kept as senders tell it");
}

void AddStorageFlags(FlagSet& flags, ServerOptions& options) {
  flags.Add("storage.tsdb.path", options.storage_path, "Folder of the stored metrics");
  flags.Add("storage.tsdb.no-lockfile", options.no_lockfile,
            "Do not lock the folder of the stored metrics");
  flags.Add("storage.tsdb.retention.time", options.retention_time,
            "How long samples are kept; 0 is for ever. The configuration's "
            "storage.tsdb.retention.time goes before. Without any bound it is 15d");
  flags.Add("storage.tsdb.retention.size", options.retention_size,
            "Most bytes on the disk, such as 512MB; above it the oldest blocks are removed. The "
            "configuration's storage.tsdb.retention.size goes before");
  flags.Add("storage.memory-limit", options.memory_limit,
            "Memory near which no new series are taken: bytes, such as 8GB, or a share of what the "
            "container or the machine has, such as 80%. 0 is no limit");
  flags.Add("storage.tsdb.min-block-duration", options.min_block_duration,
            "How long the shortest blocks are");
  flags.Add("storage.tsdb.max-block-duration", options.max_block_duration,
            "How long blocks may become by merges. Without it a tenth of the retention, and 31d "
            "at most");
  flags.Add("storage.tsdb.block-reload-interval", options.maintenance_interval,
            "How often it is looked whether blocks are to be made, merged or removed");
  flags.Add("storage.tsdb.wal-segment-size", options.wal_segment_size,
            "Size at which a new segment of the write-ahead log is begun");
  for (const char* name : {"storage.tsdb.min-block-duration", "storage.tsdb.max-block-duration",
                           "storage.tsdb.block-reload-interval", "storage.tsdb.wal-segment-size"}) {
    flags.Hide(name);
  }
  flags.AddChoice("storage.tsdb.wal-fsync", options.wal_fsync, {"interval", "always", "off"},
                  "When the write-ahead log is forced to the disk: once a second, at every write, "
                  "or when the system likes");
}

void AddQueryFlags(FlagSet& flags, ServerOptions& options) {
  flags.Add("query.lookback-delta", options.lookback_delta,
            "How old a sample may be to count as a series' current value");
  flags.Add("query.timeout", options.query_timeout, "How long a query may take");
  flags.Add("query.max-concurrency", options.query_concurrency, "Most queries at a time");
  flags.Add("query.max-samples", options.query_max_samples,
            "Most samples that one query may hold in memory");
  flags.Add("query.max-memory", options.query_max_memory,
            "Most bytes that one query may hold in memory");
  flags.Add("query.threads", options.query_threads,
            "Most threads that work on one query. 0 is one for each core");
  flags.Add("query.result-cache-size", options.query_result_cache_size,
            "Most bytes of answers of range queries that are kept, to evaluate of the next query "
            "like it only what is new or changed. 0 keeps none");
}

void AddScrapeFlags(FlagSet& flags, ServerOptions& options) {
  flags.Add("scrape.adjust-timestamps", options.adjust_timestamps,
            "Store a scrape at its tick when it starts soon after");
  flags.Add("scrape.timestamp-tolerance", options.timestamp_tolerance,
            "What counts as soon after a tick");
  flags.Add("scrape.discovery-reload-interval", options.discovery_reload_interval,
            "How often changed targets are taken over at most");
  for (const char* name : {"scrape.adjust-timestamps", "scrape.timestamp-tolerance",
                           "scrape.discovery-reload-interval"}) {
    flags.Hide(name);
  }
}

void AddLogFlags(FlagSet& flags, ServerOptions& options) {
  flags.AddChoice("log.level", options.log_level, {"debug", "info", "warn", "error"},
                  "Only log messages with this severity or above");
  flags.AddChoice("log.format", options.log_format, {"logfmt", "json"}, "Form of log lines");
  flags.Add("enable-feature", options.features,
            "Comma-separated names of features, as Prometheus has them. Can be repeated");
}

/// Flags that tune the Go runtime: they have nothing to tune here, and are taken so that a
/// command line of Prometheus works as it is.
struct GoRuntimeFlags {
  bool gomaxprocs = true;
  bool gomemlimit = true;
  double gomemlimit_ratio = 0.9;
  Duration gomemlimit_refresh{0};

  void AddTo(FlagSet& flags) {
    flags.Add("auto-gomaxprocs", gomaxprocs, "Go only: without effect");
    flags.Add("auto-gomemlimit", gomemlimit, "Go only: without effect");
    flags.Add("auto-gomemlimit.ratio", gomemlimit_ratio, "Go only: without effect");
    flags.Add("auto-gomemlimit.refresh-interval", gomemlimit_refresh, "Go only: without effect");
    for (const char* name : {"auto-gomaxprocs", "auto-gomemlimit", "auto-gomemlimit.ratio",
                             "auto-gomemlimit.refresh-interval"}) {
      flags.Hide(name);
    }
  }
};

/// Flags of Prometheus whose feature is not there.
std::vector<std::string> FlagsNotYetSupported() {
  return {"agent",
          "alertmanager.drain-notification-queue-on-shutdown",
          "alertmanager.notification-batch-size",
          "alertmanager.notification-queue-capacity",
          "rules.alert.for-grace-period",
          "rules.alert.for-outage-tolerance",
          "rules.alert.resend-delay",
          "rules.max-concurrent-evals",
          "storage.remote.flush-deadline",
          "storage.remote.read-concurrent-limit",
          "storage.remote.read-max-bytes-in-frame",
          "storage.remote.read-sample-limit",
          "storage.tsdb.delay-compact-file.path",
          "storage.tsdb.head-chunks-write-queue-size",
          "storage.tsdb.wal-compression",
          "web.config.file",
          "web.console.libraries",
          "web.console.templates",
          "web.enable-otlp-receiver",
          "web.max-notifications-subscribers",
          "web.search.max-limit",
          "web.user-assets"};
}

Status ReadAcceptedMessages(const std::vector<std::string>& messages, ServerOptions& options) {
  options.remote_write.accepted.clear();
  for (const std::string& message : messages) {
    auto protocol = ParseWriteProtocol(message);
    if (!protocol) {
      return std::unexpected(Annotate(std::move(protocol.error()),
                                      "--web.remote-write-receiver.accepted-protobuf-messages"));
    }
    options.remote_write.accepted.push_back(*protocol);
  }
  return {};
}

Status CheckOptions(ServerOptions& options) {
  for (const std::string& address : options.listen_addresses) {
    if (address.find(':') != std::string::npos) continue;
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("--web.listen-address: address {}: missing port in address", address));
  }
  if (auto regex = Regex::Compile(options.cors_origin); !regex) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("could not compile CORS regex string {}: {}",
                            Quote(options.cors_origin), regex.error().message));
  }
  TRY(StorageOptionsOf(options));
  TRY(MemoryLimitOf(options));
  options.auto_reload_interval =
      std::max<Duration>(options.auto_reload_interval, std::chrono::seconds(1));
  return {};
}

}  // namespace

Result<ServeRequest> ParseServeFlags(const Arguments& arguments) {
  ServeRequest request;
  ServerOptions& options = request.options;
  GoRuntimeFlags go_runtime;
  FlagSet flags("barograph", "Run the metrics server.");
  AddConfigFlags(flags, options);
  AddWebFlags(flags, options);
  std::vector<std::string> messages;
  for (const WriteProtocol protocol : options.remote_write.accepted) {
    messages.emplace_back(ToString(protocol));
  }
  AddRemoteWriteFlags(flags, options, messages);
  AddStorageFlags(flags, options);
  AddQueryFlags(flags, options);
  AddScrapeFlags(flags, options);
  AddLogFlags(flags, options);
  go_runtime.AddTo(flags);
  flags.NotYet(FlagsNotYetSupported());
  if (TRY(flags.Parse(arguments)) == FlagSet::Asked::kHelp) {
    request.help = flags.Help();
    return request;
  }
  TRY(CheckOptions(options));
  TRY(ReadAcceptedMessages(messages, options));
  options.config_file_given = flags.Given("config.file");
  options.flags = flags.Values();
  return request;
}

}  // namespace barograph::server::cli
