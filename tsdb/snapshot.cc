#include "tsdb/snapshot.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <vector>

#include "tsdb/wal/format.h"

namespace barograph::tsdb {
namespace {

Status CopyFile(FileSystem& files, const std::string& from, const std::string& to) {
  const auto contents = TRY(files.Map(from));
  const auto file = TRY(files.OpenWritable(to, OpenMode::kCreate));
  TRY(file->Append(contents->bytes()));
  TRY(file->Sync());
  return file->Close();
}

}  // namespace

std::string SnapshotName(Timestamp now) {
  std::random_device random;
  const uint64_t number = uint64_t{random()} << 32 | random();
  return fmt::format("{:%Y%m%dT%H%M%SZ}-{:016x}", fmt::gmtime(ToMs(now) / 1000), number);
}

Status CopyLog(FileSystem& files, const std::string& from, const std::string& to) {
  std::vector<uint64_t> segments;
  for (const DirectoryEntry& entry : TRY(files.List(from))) {
    if (const auto number = wal::ParseSegmentName(entry.name)) segments.push_back(*number);
  }
  std::ranges::sort(segments);
  for (const uint64_t number : segments) {
    const std::string name = "/" + wal::SegmentName(number);
    const bool complete = number != segments.back();
    TRY(complete ? files.Link(from + name, to + name) : CopyFile(files, from + name, to + name));
  }
  return files.SyncDirectory(to);
}

}  // namespace barograph::tsdb
