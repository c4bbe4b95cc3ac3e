#include "tests/support/fault_file_system.h"

#include <numeric>
#include <utility>

namespace barograph::test {
namespace {

std::unexpected<Error> Failure(const Fault& fault, const std::string& path) {
  const bool full = fault.code == ErrorCode::kLimitExceeded;
  return Fail(fault.code, path + (full ? ": No space left on device" : ": Input/output error"));
}

}  // namespace

class FaultFileSystem::Writer final : public WritableFile {
 public:
  Writer(FaultFileSystem& files, std::unique_ptr<WritableFile> below, std::string path)
      : files_(files), below_(std::move(below)), path_(std::move(path)) {}

  Status Append(std::string_view bytes) override {
    const auto fault = files_.Meet(FileOperation::kAppend, path_);
    if (!fault.has_value()) return below_->Append(bytes);
    TRY(below_->Append(bytes.substr(0, fault->written_bytes)));
    return Failure(*fault, path_);
  }
  Status Sync() override {
    TRY(files_.Check(FileOperation::kSync, path_));
    return below_->Sync();
  }
  Status Truncate(uint64_t size) override {
    TRY(files_.Check(FileOperation::kTruncate, path_));
    return below_->Truncate(size);
  }
  Status Close() override {
    TRY(files_.Check(FileOperation::kClose, path_));
    return below_->Close();
  }

 private:
  FaultFileSystem& files_;
  std::unique_ptr<WritableFile> below_;
  std::string path_;
};

void FaultFileSystem::Inject(Fault fault) {
  const MutexLock lock(mutex_);
  faults_.push_back(std::move(fault));
}

void FaultFileSystem::ClearFaults() {
  const MutexLock lock(mutex_);
  faults_.clear();
}

int FaultFileSystem::count(FileOperation operation) const {
  const MutexLock lock(mutex_);
  if (operation == FileOperation::kAny) return std::accumulate(counts_.begin(), counts_.end(), 0);
  return counts_[static_cast<size_t>(operation)];
}

int FaultFileSystem::failed() const {
  const MutexLock lock(mutex_);
  return failed_;
}

std::optional<Fault> FaultFileSystem::Meet(FileOperation operation, const std::string& path) {
  const MutexLock lock(mutex_);
  ++counts_[static_cast<size_t>(operation)];
  std::optional<Fault> met;
  for (Fault& fault : faults_) {
    const bool is_it = fault.operation == operation || fault.operation == FileOperation::kAny;
    if (!is_it || !path.contains(fault.path_part)) continue;
    --fault.nth;
    if (fault.nth == 0 || (fault.nth < 0 && fault.stays)) met = fault;
  }
  failed_ += met.has_value();
  return met;
}

Status FaultFileSystem::Check(FileOperation operation, const std::string& path) {
  const auto fault = Meet(operation, path);
  if (fault.has_value()) return Failure(*fault, path);
  return {};
}

Result<std::unique_ptr<WritableFile>> FaultFileSystem::OpenWritable(const std::string& path,
                                                                    OpenMode mode) {
  TRY(Check(FileOperation::kOpen, path));
  return std::make_unique<Writer>(*this, TRY(below_.OpenWritable(path, mode)), path);
}

Result<std::unique_ptr<FileContents>> FaultFileSystem::Map(const std::string& path) {
  TRY(Check(FileOperation::kMap, path));
  return below_.Map(path);
}

Result<std::unique_ptr<FileContents>> FaultFileSystem::MapAhead(const std::string& path,
                                                                size_t capacity) {
  TRY(Check(FileOperation::kMap, path));
  return below_.MapAhead(path, capacity);
}

Result<std::vector<DirectoryEntry>> FaultFileSystem::List(const std::string& directory) {
  TRY(Check(FileOperation::kList, directory));
  return below_.List(directory);
}

Status FaultFileSystem::CreateDirectories(const std::string& path) {
  TRY(Check(FileOperation::kCreateDirectories, path));
  return below_.CreateDirectories(path);
}

Status FaultFileSystem::Remove(const std::string& path) {
  TRY(Check(FileOperation::kRemove, path));
  return below_.Remove(path);
}

Status FaultFileSystem::RemoveAll(const std::string& path) {
  TRY(Check(FileOperation::kRemove, path));
  return below_.RemoveAll(path);
}

Status FaultFileSystem::Rename(const std::string& from, const std::string& to) {
  TRY(Check(FileOperation::kRename, from));
  return below_.Rename(from, to);
}

Status FaultFileSystem::Link(const std::string& from, const std::string& to) {
  TRY(Check(FileOperation::kLink, from));
  return below_.Link(from, to);
}

Status FaultFileSystem::SyncDirectory(const std::string& directory) {
  TRY(Check(FileOperation::kSyncDirectory, directory));
  return below_.SyncDirectory(directory);
}

}  // namespace barograph::test
