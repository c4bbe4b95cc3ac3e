#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "server/ingest/write_options.h"

namespace barograph::server {

/// What the command line says. Defaults are Prometheus's.
struct ServerOptions {
  std::string config_file = "prometheus.yml";
  /// Without a file under its default name, the built-in configuration is used.
  bool config_file_given = false;
  bool auto_reload = false;
  Duration auto_reload_interval{std::chrono::seconds(30)};

  std::vector<std::string> listen_addresses = {"0.0.0.0:9090"};
  std::string external_url;
  std::string route_prefix;
  std::string page_title = "Barograph";
  std::string cors_origin = ".*";
  bool enable_lifecycle = false;
  bool enable_admin_api = false;
  bool enable_remote_write_receiver = false;
  WriteReceiverOptions remote_write;
  Duration read_timeout{std::chrono::minutes(5)};
  uint64_t max_connections = 512;
  uint64_t max_buffered_body_bytes = uint64_t{256} << 20;  ///< of all request bodies together

  std::string storage_path = "data/";
  bool no_lockfile = false;
  std::string wal_fsync = "interval";  ///< interval, always or off
  std::string retention_time;          ///< empty is 15d where retention_size is empty too
  std::string retention_size;
  Duration min_block_duration{std::chrono::hours(2)};
  Duration max_block_duration{0};  ///< 0 is a tenth of the retention, 31 days at most
  Duration maintenance_interval{std::chrono::minutes(1)};
  std::string memory_limit = "80%";
  std::string wal_segment_size = "128MB";

  Duration lookback_delta{std::chrono::minutes(5)};
  Duration query_timeout{std::chrono::minutes(2)};
  uint64_t query_concurrency = 20;
  uint64_t query_max_samples = 50'000'000;
  uint64_t query_max_memory = uint64_t{2} << 30;          ///< bytes
  uint64_t query_threads = 0;                             ///< 0 is one a core
  uint64_t query_result_cache_size = uint64_t{64} << 20;  ///< bytes; 0 keeps no answers

  bool adjust_timestamps = true;
  Duration timestamp_tolerance{2};
  Duration discovery_reload_interval{std::chrono::seconds(5)};

  std::string log_level = "info";
  std::string log_format = "logfmt";
  std::vector<std::string> features;

  std::map<std::string, std::string> flags;  ///< all of the above as /api/v1/status/flags shows it
};

}  // namespace barograph::server
