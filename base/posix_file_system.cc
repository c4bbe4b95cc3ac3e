#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/file_system.h"

namespace barograph {
namespace {

ErrorCode CodeOf(int error) {
  switch (error) {
    case ENOENT: return ErrorCode::kNotFound;
    case ENOSPC:
    case EDQUOT: return ErrorCode::kLimitExceeded;
    default: return ErrorCode::kIo;
  }
}

// What the system says about the call that just failed: `open /data/wal/7: No such file ...`.
std::unexpected<Error> SystemError(std::string_view call, std::string_view path,
                                   int error = errno) {
  return Fail(CodeOf(error),
              fmt::format("{} {}: {}", call, path, std::generic_category().message(error)));
}

// Closes a descriptor when it ends.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;

  int number() const { return number_; }
  int Release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

Result<Descriptor> Open(const std::string& path, int flags) {
  int number;
  do {
    number = open(path.c_str(), flags | O_CLOEXEC, 0666);
  } while (number < 0 && errno == EINTR);
  if (number < 0) return SystemError("open", path);
  return Descriptor(number);
}

class PosixWritableFile final : public WritableFile {
 public:
  PosixWritableFile(Descriptor file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}

  Status Append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = write(file_.number(), bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return SystemError("write", path_);
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return {};
  }

  Status Sync() override {
    if (fdatasync(file_.number()) != 0) return SystemError("fdatasync", path_);
    return {};
  }

  Status Truncate(uint64_t size) override {
    if (ftruncate(file_.number(), static_cast<off_t>(size)) != 0) {
      return SystemError("ftruncate", path_);
    }
    return {};
  }

  Status Close() override {
    const int number = file_.Release();
    if (number >= 0 && close(number) != 0) return SystemError("close", path_);
    return {};
  }

 private:
  Descriptor file_;
  std::string path_;
};

class MappedFile final : public FileContents {
 public:
  explicit MappedFile(std::string_view bytes) : bytes_(bytes) {}
  ~MappedFile() override {
    if (!bytes_.empty()) munmap(const_cast<char*>(bytes_.data()), bytes_.size());
  }
  std::string_view bytes() const override { return bytes_; }

  // The mapping is shared and only read: its pages are the file's, and nothing is lost with them.
  void Release() const override {
    if (!bytes_.empty()) madvise(const_cast<char*>(bytes_.data()), bytes_.size(), MADV_DONTNEED);
  }

 private:
  std::string_view bytes_;
};

Result<std::unique_ptr<FileContents>> MapBytes(const Descriptor& file, size_t size,
                                               const std::string& path) {
  if (size == 0) return std::make_unique<MappedFile>(std::string_view());
  void* bytes = mmap(nullptr, size, PROT_READ, MAP_SHARED, file.number(), 0);
  if (bytes == MAP_FAILED) return SystemError("mmap", path);
  return std::make_unique<MappedFile>(std::string_view(static_cast<char*>(bytes), size));
}

class PosixFileLock final : public FileLock {
 public:
  explicit PosixFileLock(Descriptor file) : file_(std::move(file)) {}

 private:
  Descriptor file_;  // closing it gives the lock up
};

class PosixFiles final : public FileSystem {
 public:
  Result<std::unique_ptr<WritableFile>> OpenWritable(const std::string& path,
                                                     OpenMode mode) override {
    const int flags = O_WRONLY | O_CREAT | O_APPEND | (mode == OpenMode::kCreate ? O_TRUNC : 0);
    return std::make_unique<PosixWritableFile>(TRY(Open(path, flags)), path);
  }

  Result<std::unique_ptr<FileContents>> Map(const std::string& path) override {
    const Descriptor file = TRY(Open(path, O_RDONLY));
    struct stat status;
    if (fstat(file.number(), &status) != 0) return SystemError("stat", path);
    if (S_ISDIR(status.st_mode)) return SystemError("read", path, EISDIR);
    const auto size = static_cast<size_t>(status.st_size);
    return MapBytes(file, size, path);
  }

  Result<std::unique_ptr<FileContents>> MapAhead(const std::string& path,
                                                 size_t capacity) override {
    return MapBytes(TRY(Open(path, O_RDONLY)), capacity, path);
  }

  Result<std::vector<DirectoryEntry>> List(const std::string& directory) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir(directory.c_str()), closedir);
    if (stream == nullptr) return SystemError("open", directory);
    std::vector<DirectoryEntry> entries;
    errno = 0;
    while (const dirent* entry = readdir(stream.get())) {
      const std::string_view name = entry->d_name;
      struct stat status;
      // A file may go between the two calls: then it is not there.
      if (name == "." || name == ".." ||
          fstatat(dirfd(stream.get()), entry->d_name, &status, 0) != 0) {
        errno = 0;
        continue;
      }
      entries.push_back({.name = std::string(name),
                         .is_directory = S_ISDIR(status.st_mode),
                         .size = static_cast<uint64_t>(status.st_size)});
    }
    if (errno != 0) return SystemError("read", directory);
    std::ranges::sort(entries, {}, &DirectoryEntry::name);
    return entries;
  }

  Result<uint64_t> Size(const std::string& path) override {
    struct stat status;
    if (stat(path.c_str(), &status) != 0) return SystemError("stat", path);
    return static_cast<uint64_t>(status.st_size);
  }

  bool Exists(const std::string& path) override {
    struct stat status;
    return stat(path.c_str(), &status) == 0;
  }

  Result<uint64_t> DiskBytes(const std::string& path) override {
    struct statvfs disk;
    if (statvfs(path.c_str(), &disk) != 0) return SystemError("statvfs", path);
    return uint64_t{disk.f_blocks} * disk.f_frsize;
  }

  Status CreateDirectories(const std::string& path) override {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return SystemError("mkdir", path, error.value());
    return {};
  }

  Status Remove(const std::string& path) override {
    if (unlink(path.c_str()) != 0) return SystemError("remove", path);
    return {};
  }

  Status RemoveAll(const std::string& path) override {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error) return SystemError("remove", path, error.value());
    return {};
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (rename(from.c_str(), to.c_str()) != 0) return SystemError("rename", from + " to " + to);
    return {};
  }

  Status Link(const std::string& from, const std::string& to) override {
    if (link(from.c_str(), to.c_str()) != 0) return SystemError("link", from + " to " + to);
    return {};
  }

  Status SyncDirectory(const std::string& directory) override {
    const Descriptor file = TRY(Open(directory, O_RDONLY | O_DIRECTORY));
    if (fsync(file.number()) != 0) return SystemError("fsync", directory);
    return {};
  }

  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    Descriptor file = TRY(Open(path, O_RDWR | O_CREAT));
    if (flock(file.number(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return SystemError("lock", path);
      return Fail(ErrorCode::kUnavailable, fmt::format("lock {}: another holder has it", path));
    }
    return std::make_unique<PosixFileLock>(std::move(file));
  }
};

}  // namespace

FileSystem& PosixFileSystem() {
  static PosixFiles files;
  return files;
}

}  // namespace barograph
