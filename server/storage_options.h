#pragma once

#include "base/result.h"
#include "server/config/config.h"
#include "server/options.h"
#include "tsdb/database.h"

namespace barograph::server {

/// The storage's options as the command line says, but for the memory limit. InvalidArgument names
/// the flag.
Result<tsdb::Options> StorageOptionsOf(const ServerOptions& options);

/// The bytes of --storage.memory-limit; 0 is no limit. InvalidArgument names the flag.
Result<uint64_t> MemoryLimitOf(const ServerOptions& options);

/// How many exemplars are kept, where the exemplar storage is enabled.
size_t MaxExemplarsOf(const StorageConfig& config);

/// What is kept: as the configuration says, else as `flags` say. Where the configuration sets one
/// bound, the other is the configuration's too, as in Prometheus.
tsdb::Retention RetentionOf(const StorageConfig& config, const tsdb::Retention& flags);

/// As Prometheus shows it: "15d", "15d or 1GiB"; empty where all is kept.
std::string Describe(const tsdb::Retention& retention);

}  // namespace barograph::server
