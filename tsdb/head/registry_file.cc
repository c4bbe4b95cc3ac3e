#include "tsdb/head/registry_file.h"

#include <utility>

namespace barograph::tsdb {

RegistryFile::RegistryFile(FileSystem& files, std::string directory, Logger logger,
                           SeriesRegistry& registry)
    : files_(files),
      directory_(std::move(directory)),
      path_(directory_ + "/series"),
      logger_(std::move(logger)),
      registry_(registry) {}

void RegistryFile::Load() {
  if (!files_.Exists(path_)) return;
  const auto load = [this]() -> Status {
    const auto contents = TRY(files_.Map(path_));
    return registry_.Load(contents->bytes());
  };
  MutexLock lock(mutex_);
  const Status loaded = load();
  saved_ = registry_.size();
  if (loaded) return;
  logger_.Warn("The file of the head's series is of no use; they are taken from the index",
               {{"file", path_}, {"err", loaded.error()}});
  // Ids that are given from now on may be other series' in there.
  if (Status removed = Remove(); !removed) {
    logger_.Error("It could not be removed", {{"err", removed.error()}});
  }
}

Status RegistryFile::Save() {
  MutexLock lock(mutex_);
  return has_too_many_ || registry_.size() != saved_ ? Write() : Status();
}

Status RegistryFile::SaveWhenMuchIsNew() {
  MutexLock lock(mutex_);
  const size_t size = registry_.size();
  const bool much = size > saved_ && (size - saved_) * kShare >= size;
  return has_too_many_ || much ? Write() : Status();
}

void RegistryFile::NoteRemovals() {
  MutexLock lock(mutex_);
  has_too_many_ = true;
}

Status RegistryFile::DropStale() {
  MutexLock lock(mutex_);
  if (!has_too_many_) return {};
  TRY(Remove());
  saved_ = 0;
  has_too_many_ = false;
  return {};
}

Status RegistryFile::Remove() {
  if (!files_.Exists(path_)) return {};
  TRY(files_.Remove(path_));
  return files_.SyncDirectory(directory_);
}

// A file that was not finished has another name, and is written over by the next.
Status RegistryFile::Write() {
  const size_t size = registry_.size();  // those that come meanwhile may be in it or not
  const std::string fresh = path_ + ".tmp";
  auto file = TRY(files_.OpenWritable(fresh, OpenMode::kCreate));
  if (Status written = WriteTo(*file); !written) {
    (void)file->Close();
    (void)files_.Remove(fresh);
    return written;
  }
  TRY(files_.Rename(fresh, path_));
  TRY(files_.SyncDirectory(directory_));
  saved_ = size;
  has_too_many_ = false;
  return {};
}

Status RegistryFile::WriteTo(WritableFile& file) {
  TRY(registry_.Dump([&](std::string_view piece) { return file.Append(piece); }));
  TRY(file.Sync());
  return file.Close();
}

}  // namespace barograph::tsdb
