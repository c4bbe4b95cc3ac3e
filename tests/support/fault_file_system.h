#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/mutex.h"

namespace barograph::test {

enum class FileOperation : uint8_t {
  kOpen,
  kAppend,
  kSync,
  kTruncate,
  kClose,
  kMap,
  kList,
  kCreateDirectories,
  kRemove,  ///< and RemoveAll
  kRename,
  kLink,
  kSyncDirectory,
  kAny,  ///< of a fault: whichever it is
};
inline constexpr size_t kFileOperations = 12;

/// What goes wrong.
struct Fault {
  FileOperation operation;

  /// The nth call from now, from 1, counting only paths that hold `path_part`.
  int nth = 1;
  std::string path_part = {};

  /// Io, or LimitExceeded for a full disk.
  ErrorCode code = ErrorCode::kIo;

  /// kAppend only: how many bytes are written before it fails.
  size_t written_bytes = 0;

  /// Every call from the nth on, and not only that one.
  bool stays = false;
};

/// Passes every call on to another file system, and counts it; fails those that it was told to.
/// Thread-safe. Size, Exists and Lock never fail by fault.
class FaultFileSystem final : public FileSystem {
 public:
  explicit FaultFileSystem(FileSystem& below) : below_(below) {}

  void Inject(Fault fault);
  void ClearFaults();

  /// Calls so far, failed ones too.
  int count(FileOperation operation) const;

  /// How often a call failed because it was told to.
  int failed() const;

  Result<std::unique_ptr<WritableFile>> OpenWritable(const std::string& path,
                                                     OpenMode mode) override;
  Result<std::unique_ptr<FileContents>> Map(const std::string& path) override;
  Result<std::unique_ptr<FileContents>> MapAhead(const std::string& path, size_t capacity) override;
  Result<std::vector<DirectoryEntry>> List(const std::string& directory) override;
  Result<uint64_t> Size(const std::string& path) override { return below_.Size(path); }
  bool Exists(const std::string& path) override { return below_.Exists(path); }
  Result<uint64_t> DiskBytes(const std::string& path) override { return below_.DiskBytes(path); }
  Status CreateDirectories(const std::string& path) override;
  Status Remove(const std::string& path) override;
  Status RemoveAll(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Link(const std::string& from, const std::string& to) override;
  Status SyncDirectory(const std::string& directory) override;
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    return below_.Lock(path);
  }

 private:
  class Writer;

  // Counts the call; the fault that it meets, if any.
  std::optional<Fault> Meet(FileOperation operation, const std::string& path);

  // As Meet, with the fault as an error.
  Status Check(FileOperation operation, const std::string& path);

  FileSystem& below_;
  mutable Mutex mutex_;
  std::vector<Fault> faults_ GUARDED_BY(mutex_);
  std::array<int, kFileOperations> counts_ GUARDED_BY(mutex_){};
  int failed_ GUARDED_BY(mutex_) = 0;
};

}  // namespace barograph::test
