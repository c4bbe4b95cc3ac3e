#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/time.h"

namespace barograph::web {

/// The file `queries.active` in the storage folder: which queries run, so that the next start can
/// log what ran when the process was killed. A line tells that a query began, `+7 {"query":"up",
/// "timestamp_sec":1700000000}`, or ended, `-7`. Of a file that has grown long (64 KiB), only what
/// still runs is kept: to empty it after each query would take ten times as long as the two lines.
/// Lines are not forced to the disk: the system keeps them when the process dies. Thread-safe.
class ActiveQueries {
 public:
  /// Logs what the file says was running, and empties it. Where it cannot be opened nothing is
  /// noted down, which is logged. The folder must be there, and be locked by this process.
  ActiveQueries(FileSystem& files, const std::string& folder, const Logger& logger);

  /// A write that fails is logged; the next one makes the file whole again.
  void Began(uint64_t id, std::string_view query, Timestamp now);
  void Ended(uint64_t id);

 private:
  static constexpr uint64_t kMinRewriteBytes = 64 << 10;

  void Append(const std::string& line) REQUIRES(mutex_);
  void Rewrite() REQUIRES(mutex_);
  void SetTorn(const Status& written) REQUIRES(mutex_);

  const Logger logger_;

  Mutex mutex_;
  std::unique_ptr<WritableFile> file_ GUARDED_BY(mutex_);
  std::map<uint64_t, std::string> running_ GUARDED_BY(mutex_);  // the lines of those that began
  bool torn_ GUARDED_BY(mutex_) = false;                        // the last write failed
  uint64_t size_ GUARDED_BY(mutex_) = 0;
  uint64_t rewrite_at_ GUARDED_BY(mutex_) = kMinRewriteBytes;
};

}  // namespace barograph::web
