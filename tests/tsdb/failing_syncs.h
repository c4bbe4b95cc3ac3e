#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

namespace barograph::test {

/// Which fsync to fail after the nth: each of the first, which make the index, and some of the
/// others, as RocksDB rests for a second after each failure.
inline int NextSync(int nth) { return nth < 8 ? nth + 1 : nth + 7; }

/// The machine's own disk as RocksDB sees it, whose fsyncs fail from one on that is told.
/// Thread-safe.
class FailingSyncs {
 public:
  FailingSyncs()
      : disk_(std::make_shared<Disk>(*this)), environment_(rocksdb::NewCompositeEnv(disk_)) {}

  rocksdb::Env* environment() { return environment_.get(); }

  /// The nth fsync from now, from 1, fails, and all after it.
  void FailFrom(int nth) { left_ = nth; }
  void Heal() { left_ = kNever; }

  int failed() const { return failed_; }

 private:
  using IOStatus = rocksdb::IOStatus;
  static constexpr int kNever = 1 << 30;

  IOStatus Meet() {
    if (--left_ > 0) return IOStatus::OK();
    ++failed_;
    return IOStatus::IOError("fsync failed by order of the test");
  }

  class File final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(std::unique_ptr<rocksdb::FSWritableFile>&& below, FailingSyncs& syncs)
        : FSWritableFileOwnerWrapper(std::move(below)), syncs_(syncs) {}

    IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
      IOStatus met = syncs_.Meet();
      return met.ok() ? FSWritableFileOwnerWrapper::Sync(options, context) : met;
    }
    IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
      IOStatus met = syncs_.Meet();
      return met.ok() ? FSWritableFileOwnerWrapper::Fsync(options, context) : met;
    }

   private:
    FailingSyncs& syncs_;
  };

  class Folder final : public rocksdb::FSDirectoryWrapper {
   public:
    Folder(std::unique_ptr<rocksdb::FSDirectory>&& below, FailingSyncs& syncs)
        : FSDirectoryWrapper(std::move(below)), syncs_(syncs) {}

    IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
      IOStatus met = syncs_.Meet();
      return met.ok() ? FSDirectoryWrapper::Fsync(options, context) : met;
    }
    IOStatus FsyncWithDirOptions(const rocksdb::IOOptions& options,
                                 rocksdb::IODebugContext* context,
                                 const rocksdb::DirFsyncOptions& how) override {
      IOStatus met = syncs_.Meet();
      return met.ok() ? FSDirectoryWrapper::FsyncWithDirOptions(options, context, how) : met;
    }

   private:
    FailingSyncs& syncs_;
  };

  class Disk final : public rocksdb::FileSystemWrapper {
   public:
    explicit Disk(FailingSyncs& syncs)
        : FileSystemWrapper(rocksdb::FileSystem::Default()), syncs_(syncs) {}

    const char* Name() const override { return "FailingSyncs"; }

    IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                             std::unique_ptr<rocksdb::FSWritableFile>* file,
                             rocksdb::IODebugContext* context) override {
      IOStatus made = FileSystemWrapper::NewWritableFile(path, options, file, context);
      if (made.ok()) *file = std::make_unique<File>(std::move(*file), syncs_);
      return made;
    }
    IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                          std::unique_ptr<rocksdb::FSDirectory>* folder,
                          rocksdb::IODebugContext* context) override {
      IOStatus made = FileSystemWrapper::NewDirectory(path, options, folder, context);
      if (made.ok()) *folder = std::make_unique<Folder>(std::move(*folder), syncs_);
      return made;
    }

   private:
    FailingSyncs& syncs_;
  };

  std::atomic<int> left_ = kNever;
  std::atomic<int> failed_ = 0;
  std::shared_ptr<Disk> disk_;
  std::unique_ptr<rocksdb::Env> environment_;
};

}  // namespace barograph::test
