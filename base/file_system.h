#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

/// The disk, behind a small interface, so that tests can put a disk in its place that lives in
/// memory, that fails, or that forgets what was not synced. Errors are Io (NotFound where the file
/// is missing, LimitExceeded when the disk is full) and name the path and what the system said.
namespace barograph {

/// A file that only grows. Not thread-safe.
class WritableFile {
 public:
  virtual ~WritableFile() = default;

  /// Writes all of `bytes` at the end. After an error the file may hold a part of them; its size
  /// can be set back with Truncate.
  virtual Status Append(std::string_view bytes) = 0;

  /// Forces what was appended to the device. After an error nothing is known about what arrived:
  /// the caller must not count on a second try.
  virtual Status Sync() = 0;
  virtual Status Truncate(uint64_t size) = 0;
  virtual Status Close() = 0;
};

/// A whole file's bytes, mapped or loaded, for as long as the object lives. Thread-safe.
class FileContents {
 public:
  virtual ~FileContents() = default;
  virtual std::string_view bytes() const = 0;

  /// For what will not be read soon: the bytes need no memory of the process any more, and come
  /// back, at the same place, when somebody reads them. What was loaded stays.
  virtual void Release() const {}
};

/// Holds a directory's lock until destroyed.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

enum class OpenMode : uint8_t { kCreate, kAppend };  ///< kCreate empties what is there

struct DirectoryEntry {
  std::string name;
  bool is_directory = false;
  uint64_t size = 0;
};

/// Thread-safe.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual Result<std::unique_ptr<WritableFile>> OpenWritable(const std::string& path,
                                                             OpenMode mode) = 0;
  virtual Result<std::unique_ptr<FileContents>> Map(const std::string& path) = 0;

  /// Maps a file that still grows, up to `capacity` bytes: what is appended later shows in the
  /// same place. bytes() has that capacity; only those that the file holds may be touched.
  virtual Result<std::unique_ptr<FileContents>> MapAhead(const std::string& path,
                                                         size_t capacity) = 0;

  /// In name order, without . and ...
  virtual Result<std::vector<DirectoryEntry>> List(const std::string& directory) = 0;
  virtual Result<uint64_t> Size(const std::string& path) = 0;
  virtual bool Exists(const std::string& path) = 0;

  /// How many bytes the disk has that `path` is on, free and taken together.
  virtual Result<uint64_t> DiskBytes(const std::string& path) = 0;

  virtual Status CreateDirectories(const std::string& path) = 0;
  virtual Status Remove(const std::string& path) = 0;  ///< a file
  /// Removes a folder and all in it; no error when it is not there.
  virtual Status RemoveAll(const std::string& path) = 0;
  virtual Status Rename(const std::string& from, const std::string& to) = 0;  ///< atomic
  virtual Status Link(const std::string& from, const std::string& to) = 0;    ///< a hard link

  /// Makes created, renamed and removed names in `directory` durable.
  virtual Status SyncDirectory(const std::string& directory) = 0;

  /// Unavailable when another process, or another holder in this one, has the lock.
  virtual Result<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;

  /// Whole small files. Write is atomic and durable: a temporary file (path + ".tmp"), synced,
  /// renamed, and the folder synced.
  Result<std::string> ReadFile(const std::string& path);
  Status WriteFile(const std::string& path, std::string_view bytes);

  /// The sizes of all files in `directory` and below it; 0 where it is not there.
  Result<uint64_t> BytesBelow(const std::string& directory);
};

/// The machine's disk.
FileSystem& PosixFileSystem();

}  // namespace barograph
