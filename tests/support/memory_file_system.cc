#include "tests/support/memory_file_system.h"

#include <algorithm>
#include <filesystem>

namespace barograph::test {
namespace {

std::string Normal(const std::string& path) {
  std::string normal = std::filesystem::path(path).lexically_normal().string();
  if (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
  return normal;
}

std::string Parent(const std::string& normal_path) {
  const std::string parent = std::filesystem::path(normal_path).parent_path().string();
  return parent.empty() ? "." : parent;
}

bool IsInside(const std::string& path, const std::string& folder) {
  return path.starts_with(folder + "/");
}

std::unexpected<Error> Missing(std::string_view path) {
  return Fail(ErrorCode::kNotFound, "open " + std::string(path) + ": No such file or directory");
}

class Bytes final : public FileContents {
 public:
  explicit Bytes(std::string bytes) : bytes_(std::move(bytes)) {}
  std::string_view bytes() const override { return bytes_; }

 private:
  std::string bytes_;
};

// The names directly in `folder` are replaced by those of `from`.
template <typename Names>
void CopyFolder(const std::string& folder, const Names& from, Names& to) {
  std::erase_if(to, [&](const auto& name) { return Parent(name.first) == folder; });
  for (const auto& name : from) {
    if (Parent(name.first) == folder) to.insert(name);
  }
}

}  // namespace

// Guarded by the file system's mutex.
struct MemoryFileSystem::File {
  std::string bytes;
  std::string synced;  // as of the last sync
};

class MemoryFileSystem::Writer final : public WritableFile {
 public:
  Writer(MemoryFileSystem& files, std::shared_ptr<File> file, std::string path, int crashes)
      : files_(files), file_(std::move(file)), path_(std::move(path)), crashes_(crashes) {}

  Status Append(std::string_view bytes) override {
    const MutexLock lock(files_.mutex_);
    TRY(CheckOpen());
    file_->bytes += bytes;
    return {};
  }

  Status Sync() override {
    const MutexLock lock(files_.mutex_);
    TRY(CheckOpen());
    file_->synced = file_->bytes;
    return {};
  }

  Status Truncate(uint64_t size) override {
    const MutexLock lock(files_.mutex_);
    TRY(CheckOpen());
    file_->bytes.resize(size);
    return {};
  }

  Status Close() override {
    const MutexLock lock(files_.mutex_);
    closed_ = true;
    return {};
  }

 private:
  Status CheckOpen() const REQUIRES(files_.mutex_) {
    if (closed_) return Fail(ErrorCode::kIo, "write " + path_ + ": the file is closed");
    if (files_.crashes_ != crashes_) {
      return Fail(ErrorCode::kIo, "write " + path_ + ": the machine crashed since it was opened");
    }
    return {};
  }

  MemoryFileSystem& files_;
  std::shared_ptr<File> file_;
  std::string path_;
  int crashes_;
  bool closed_ = false;
};

class MemoryFileSystem::Lease final : public FileLock {
 public:
  Lease(MemoryFileSystem& files, std::string path, int crashes)
      : files_(files), path_(std::move(path)), crashes_(crashes) {}
  ~Lease() override {
    const MutexLock lock(files_.mutex_);
    if (files_.crashes_ == crashes_) files_.locked_.erase(path_);
  }

 private:
  MemoryFileSystem& files_;
  std::string path_;
  int crashes_;
};

// The file's own bytes, which do not move while they fit into what was reserved.
class MemoryFileSystem::Ahead final : public FileContents {
 public:
  Ahead(std::shared_ptr<File> file, size_t capacity)
      : file_(std::move(file)), bytes_(file_->bytes.data(), capacity) {}
  std::string_view bytes() const override { return bytes_; }

 private:
  const std::shared_ptr<File> file_;
  const std::string_view bytes_;
};

MemoryFileSystem::MemoryFileSystem() : folders_{".", "/"} {}
MemoryFileSystem::~MemoryFileSystem() = default;

void MemoryFileSystem::Crash(size_t kept_unsynced_bytes) {
  const MutexLock lock(mutex_);
  ++crashes_;
  locked_.clear();
  names_ = durable_names_;
  for (const auto& [path, file] : names_) {
    const bool grew = file->bytes.starts_with(file->synced);
    const std::string tail = grew ? file->bytes.substr(file->synced.size()) : "";
    file->bytes = file->synced + tail.substr(0, kept_unsynced_bytes);
    file->synced = file->bytes;
  }
}

size_t MemoryFileSystem::UnsyncedBytes(const std::string& path) const {
  const MutexLock lock(mutex_);
  const auto file = Find(path);
  if (file == nullptr) return 0;
  if (!file->bytes.starts_with(file->synced)) return file->bytes.size();
  return file->bytes.size() - file->synced.size();
}

std::shared_ptr<MemoryFileSystem::File> MemoryFileSystem::Find(const std::string& path) const {
  const auto found = names_.find(Normal(path));
  return found == names_.end() ? nullptr : found->second;
}

Status MemoryFileSystem::CheckParent(const std::string& path) const {
  const std::string normal = Normal(path);
  if (!folders_.contains(Parent(normal))) return Missing(path);
  if (folders_.contains(normal)) {
    return Fail(ErrorCode::kIo, "open " + path + ": Is a directory");
  }
  return {};
}

Result<std::unique_ptr<WritableFile>> MemoryFileSystem::OpenWritable(const std::string& path,
                                                                     OpenMode mode) {
  const MutexLock lock(mutex_);
  TRY(CheckParent(path));
  std::shared_ptr<File>& file = names_[Normal(path)];
  if (file == nullptr) file = std::make_shared<File>();
  if (mode == OpenMode::kCreate) file->bytes.clear();
  return std::make_unique<Writer>(*this, file, path, crashes_);
}

Result<std::unique_ptr<FileContents>> MemoryFileSystem::Map(const std::string& path) {
  const MutexLock lock(mutex_);
  const auto file = Find(path);
  if (file == nullptr) return Missing(path);
  return std::make_unique<Bytes>(file->bytes);
}

Result<std::unique_ptr<FileContents>> MemoryFileSystem::MapAhead(const std::string& path,
                                                                 size_t capacity) {
  const MutexLock lock(mutex_);
  const auto file = Find(path);
  if (file == nullptr) return Missing(path);
  file->bytes.reserve(capacity);
  return std::make_unique<Ahead>(file, capacity);
}

Result<std::vector<DirectoryEntry>> MemoryFileSystem::List(const std::string& directory) {
  const MutexLock lock(mutex_);
  const std::string folder = Normal(directory);
  if (!folders_.contains(folder)) return Missing(directory);
  const auto name = [](const std::string& path) {
    return std::filesystem::path(path).filename().string();
  };
  std::vector<DirectoryEntry> entries;
  for (const auto& [path, file] : names_) {
    if (Parent(path) == folder) entries.push_back({name(path), false, file->bytes.size()});
  }
  for (const std::string& path : folders_) {
    if (path != folder && Parent(path) == folder) entries.push_back({name(path), true, 0});
  }
  std::erase_if(entries, [](const DirectoryEntry& entry) { return entry.name.empty(); });
  std::ranges::sort(entries, {}, &DirectoryEntry::name);
  return entries;
}

Result<uint64_t> MemoryFileSystem::Size(const std::string& path) {
  const MutexLock lock(mutex_);
  const auto file = Find(path);
  if (file == nullptr) return Missing(path);
  return file->bytes.size();
}

Result<uint64_t> MemoryFileSystem::DiskBytes(const std::string&) { return kDiskBytes; }

bool MemoryFileSystem::Exists(const std::string& path) {
  const MutexLock lock(mutex_);
  return Find(path) != nullptr || folders_.contains(Normal(path));
}

Status MemoryFileSystem::CreateDirectories(const std::string& path) {
  const MutexLock lock(mutex_);
  for (std::string folder = Normal(path); folders_.insert(folder).second;) {
    if (names_.contains(folder)) {
      folders_.erase(folder);
      return Fail(ErrorCode::kIo, "mkdir " + path + ": Not a directory");
    }
    folder = Parent(folder);
  }
  return {};
}

Status MemoryFileSystem::Remove(const std::string& path) {
  const MutexLock lock(mutex_);
  if (names_.erase(Normal(path)) == 0) return Missing(path);
  return {};
}

Status MemoryFileSystem::RemoveAll(const std::string& path) {
  const MutexLock lock(mutex_);
  const std::string top = Normal(path);
  for (Names* names : {&names_, &durable_names_}) {
    std::erase_if(*names, [&](const auto& name) { return IsInside(name.first, top); });
  }
  names_.erase(top);
  std::erase_if(folders_,
                [&](const std::string& folder) { return folder == top || IsInside(folder, top); });
  return {};
}

Status MemoryFileSystem::Rename(const std::string& from, const std::string& to) {
  const MutexLock lock(mutex_);
  const std::string source = Normal(from), target = Normal(to);
  if (!folders_.contains(Parent(target))) return Missing(to);
  const bool is_folder = folders_.contains(source);
  if (!is_folder && !names_.contains(source)) return Missing(from);
  if (source == target) return {};
  if (!is_folder) {
    names_[target] = names_.extract(source).mapped();
    return {};
  }
  const auto moved = [&](const std::string& path) {
    const bool inside = path == source || IsInside(path, source);
    return inside ? target + path.substr(source.size()) : path;
  };
  for (Names* names : {&names_, &durable_names_}) {
    Names renamed;
    for (const auto& [path, file] : *names) renamed.insert_or_assign(moved(path), file);
    *names = std::move(renamed);
  }
  std::set<std::string> folders;
  for (const std::string& folder : folders_) folders.insert(moved(folder));
  folders_ = std::move(folders);
  return {};
}

Status MemoryFileSystem::Link(const std::string& from, const std::string& to) {
  const MutexLock lock(mutex_);
  const auto file = Find(from);
  if (file == nullptr) return Missing(from);
  TRY(CheckParent(to));
  if (!names_.emplace(Normal(to), file).second) {
    return Fail(ErrorCode::kIo, "link " + to + ": File exists");
  }
  return {};
}

Status MemoryFileSystem::SyncDirectory(const std::string& directory) {
  const MutexLock lock(mutex_);
  const std::string folder = Normal(directory);
  if (!folders_.contains(folder)) return Missing(directory);
  CopyFolder(folder, names_, durable_names_);
  return {};
}

Result<std::unique_ptr<FileLock>> MemoryFileSystem::Lock(const std::string& path) {
  const MutexLock lock(mutex_);
  TRY(CheckParent(path));
  std::shared_ptr<File>& file = names_[Normal(path)];
  if (file == nullptr) file = std::make_shared<File>();
  if (!locked_.insert(Normal(path)).second) {
    return Fail(ErrorCode::kUnavailable, "lock " + path + ": another holder has it");
  }
  return std::make_unique<Lease>(*this, Normal(path), crashes_);
}

}  // namespace barograph::test
