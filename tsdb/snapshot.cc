#include "tsdb/snapshot.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <random>

namespace barograph::tsdb {
std::string SnapshotName(Timestamp now) {
  std::random_device random;
  const uint64_t number = uint64_t{random()} << 32 | random();
  return fmt::format("{:%Y%m%dT%H%M%SZ}-{:016x}", fmt::gmtime(ToMs(now) / 1000), number);
}

Status LinkFolder(FileSystem& files, const std::string& from, const std::string& to) {
  TRY(files.CreateDirectories(to));
  for (const DirectoryEntry& entry : TRY(files.List(from))) {
    TRY(files.Link(from + "/" + entry.name, to + "/" + entry.name));
  }
  return files.SyncDirectory(to);
}

}  // namespace barograph::tsdb
