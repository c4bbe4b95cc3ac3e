#pragma once

#include <optional>
#include <string>

#include "base/file_system.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/result.h"
#include "tsdb/head/series_registry.h"

namespace barograph::tsdb {

/// Keeps the registry's series in the file `series` of the head's folder, so that a restart need
/// not ask the index for each (docs/formats/head.md, "Series"). What the file lacks the index has,
/// and what it has beyond the head it must not have: the index may have forgotten such a series,
/// which then would have no place there when it came back. So the file goes before that can happen.
///
/// Thread-safe; the registry may be used meanwhile.
class RegistryFile {
 public:
  /// `files` and `registry` must outlive it.
  RegistryFile(FileSystem& files, std::string directory, Logger logger, SeriesRegistry& registry);

  /// Takes over what the file has, where there is one. One that is of no use is removed, which the
  /// log tells. Precondition: the registry is empty.
  void Load();

  /// Writes the file anew unless it has all series, and no others.
  Status Save() EXCLUDES(mutex_);

  /// The same, but leaves the file as it is while it only lacks less than one in kShare.
  Status SaveWhenMuchIsNew() EXCLUDES(mutex_);

  /// To be called when series left the registry.
  void NoteRemovals() EXCLUDES(mutex_);

  /// To be called before the index may forget series: removes the file where it has some that left.
  Status DropStale() EXCLUDES(mutex_);

 private:
  static constexpr size_t kShare = 8;

  Status Write() REQUIRES(mutex_);
  Status WriteTo(WritableFile& file);
  Status Remove();

  FileSystem& files_;
  const std::string directory_, path_;
  const Logger logger_;
  SeriesRegistry& registry_;
  Mutex mutex_;
  size_t saved_ GUARDED_BY(mutex_) = 0;           // series in the file
  bool has_too_many_ GUARDED_BY(mutex_) = false;  // that the registry has not
};

}  // namespace barograph::tsdb
