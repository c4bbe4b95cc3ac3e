#include "server/storage_options.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/memory_limit.h"
#include "base/model/duration.h"
#include "base/model/number.h"

namespace barograph::server {
namespace {

constexpr Duration kLongestBlock = std::chrono::hours(24 * 31);
constexpr uint64_t kMinSegmentBytes = 4096;

Result<uint64_t> BytesOf(const std::string& text, std::string_view flag) {
  auto bytes = ParseBytes(text);
  if (!bytes) return std::unexpected(Annotate(std::move(bytes).error(), flag));
  return bytes;
}

// As in Prometheus: 15 days only where neither bound is set.
Result<tsdb::Retention> RetentionOf(const ServerOptions& options) {
  tsdb::Retention retention;
  if (!options.retention_size.empty()) {
    retention.bytes = TRY(BytesOf(options.retention_size, "--storage.tsdb.retention.size"));
    retention.time = Duration(0);
  }
  if (!options.retention_time.empty()) {
    auto time = ParseDuration(options.retention_time);
    if (!time) {
      return std::unexpected(Annotate(std::move(time).error(), "--storage.tsdb.retention.time"));
    }
    retention.time = *time;
  }
  return retention;
}

// A tenth of the retention, so that what is kept too long stays in proportion.
Duration LongestBlock(const ServerOptions& options, const tsdb::Retention& retention) {
  if (options.max_block_duration.count() != 0) return options.max_block_duration;
  const Duration tenth = retention.time.count() == 0 ? kLongestBlock : retention.time / 10;
  return std::clamp(tenth, options.min_block_duration, kLongestBlock);
}

}  // namespace

Result<tsdb::Options> StorageOptionsOf(const ServerOptions& options) {
  tsdb::Options storage;
  storage.path = options.storage_path;
  storage.no_lockfile = options.no_lockfile;
  if (options.wal_fsync == "always") storage.wal_fsync = tsdb::WalFsync::kAlways;
  if (options.wal_fsync == "off") storage.wal_fsync = tsdb::WalFsync::kOff;
  storage.wal_segment_bytes = std::max(
      kMinSegmentBytes, TRY(BytesOf(options.wal_segment_size, "--storage.tsdb.wal-segment-size")));
  storage.retention = TRY(RetentionOf(options));
  if (options.min_block_duration <= Duration(0)) {
    return Fail(ErrorCode::kInvalidArgument,
                "--storage.tsdb.min-block-duration: must be more than 0");
  }
  storage.min_block_duration = options.min_block_duration;
  storage.max_block_duration = LongestBlock(options, storage.retention);
  if (storage.max_block_duration < storage.min_block_duration) {
    return Fail(ErrorCode::kInvalidArgument,
                "--storage.tsdb.max-block-duration: must not be less than "
                "--storage.tsdb.min-block-duration");
  }
  if (options.maintenance_interval <= Duration(0)) {
    return Fail(ErrorCode::kInvalidArgument,
                "--storage.tsdb.block-reload-interval: must be more than 0");
  }
  storage.maintenance_interval = options.maintenance_interval;
  return storage;
}

Result<uint64_t> MemoryLimitOf(const ServerOptions& options) {
  constexpr std::string_view kFlag = "--storage.memory-limit";
  const std::string& text = options.memory_limit;
  if (!text.ends_with('%')) return BytesOf(text, kFlag);
  const auto share = ParseValue(std::string_view(text).substr(0, text.size() - 1));
  if (!share || !(*share > 0 && *share <= 100)) {
    return Fail(ErrorCode::kInvalidArgument,
                std::string(kFlag) + ": not a share of more than 0% and at most 100%: " + text);
  }
  return static_cast<uint64_t>(static_cast<double>(SystemMemoryBytes()) * *share / 100);
}

size_t MaxExemplarsOf(const StorageConfig& config) {
  return static_cast<size_t>(
      std::max<int64_t>(config.max_exemplars.value_or(kDefaultMaxExemplars), 0));
}

tsdb::Retention RetentionOf(const StorageConfig& config, const tsdb::Retention& flags) {
  if (!config.retention_time && !config.retention_bytes && config.retention_percentage == 0) {
    return flags;
  }
  return {.time = config.retention_time.value_or(Duration(0)),
          .bytes = config.retention_bytes.value_or(0),
          .disk_percentage = config.retention_percentage};
}

std::string Describe(const tsdb::Retention& retention) {
  std::vector<std::string> bounds;
  if (retention.time.count() != 0) bounds.push_back(FormatDuration(retention.time));
  if (retention.bytes != 0) bounds.push_back(FormatBytes(retention.bytes));
  if (retention.disk_percentage != 0) {
    bounds.push_back(FormatShortest(retention.disk_percentage) + "%");
  }
  return fmt::format("{}", fmt::join(bounds, " or "));
}

}  // namespace barograph::server
