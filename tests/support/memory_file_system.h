#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/file_system.h"
#include "base/mutex.h"

namespace barograph::test {

/// A disk in memory that forgets what was not synced when it is told to crash. The rules are the
/// strict ones of POSIX: bytes survive once their file was synced, a name (created, renamed,
/// removed, linked) once its folder was. That a folder was made, renamed or removed survives from
/// the start, which is more than POSIX says. Thread-safe.
class MemoryFileSystem final : public FileSystem {
 public:
  MemoryFileSystem();
  ~MemoryFileSystem() override;

  /// The power goes. Of each file at most `kept_unsynced_bytes` that were appended after its last
  /// sync are still there: a torn tail. Files that were open then fail, locks are given up.
  void Crash(size_t kept_unsynced_bytes = 0);

  static constexpr uint64_t kDiskBytes = uint64_t{1} << 20;  ///< what it says; nothing is refused

  /// How many bytes of the file a crash would lose now.
  size_t UnsyncedBytes(const std::string& path) const;

  Result<std::unique_ptr<WritableFile>> OpenWritable(const std::string& path,
                                                     OpenMode mode) override;
  Result<std::unique_ptr<FileContents>> Map(const std::string& path) override;
  Result<std::unique_ptr<FileContents>> MapAhead(const std::string& path, size_t capacity) override;
  Result<std::vector<DirectoryEntry>> List(const std::string& directory) override;
  Result<uint64_t> Size(const std::string& path) override;
  bool Exists(const std::string& path) override;
  Result<uint64_t> DiskBytes(const std::string& path) override;
  Status CreateDirectories(const std::string& path) override;
  Status Remove(const std::string& path) override;
  Status RemoveAll(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Link(const std::string& from, const std::string& to) override;
  Status SyncDirectory(const std::string& directory) override;
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override;

 private:
  struct File;
  class Writer;
  class Lease;
  class Ahead;
  using Names = std::map<std::string, std::shared_ptr<File>>;

  std::shared_ptr<File> Find(const std::string& path) const REQUIRES(mutex_);
  Status CheckParent(const std::string& path) const REQUIRES(mutex_);

  mutable Mutex mutex_;
  Names names_ GUARDED_BY(mutex_);          // by normal path
  Names durable_names_ GUARDED_BY(mutex_);  // what a crash brings back
  std::set<std::string> folders_ GUARDED_BY(mutex_);
  std::set<std::string> locked_ GUARDED_BY(mutex_);
  int crashes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace barograph::test
