#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/result.h"
#include "tsdb/head/series_registry.h"

namespace barograph::tsdb {

/// Keeps the registry's series in the files `series` and `series-added` of the head's folder, so
/// that a restart need not ask the index for each, nor have lost any with it (docs/formats/head.md,
/// "Series"). What the log no longer tells must be in there: Cover. What left the head must not be
/// in there once the index forgets it, which then would have no place there when it came back:
/// ForgetRemoved.
///
/// Thread-safe; the registry may be used meanwhile.
class RegistryFile {
 public:
  /// `files` and `registry` must outlive it.
  RegistryFile(FileSystem& files, std::string directory, Logger logger, SeriesRegistry& registry);

  /// Takes over what the files have, where there are some. What is of no use is told to the log; a
  /// file `series` like that is removed. Precondition: the registry is empty.
  void Load() EXCLUDES(mutex_);

  /// Writes `series` anew unless it has all series, and no others.
  Status Save() EXCLUDES(mutex_);

  /// The same, but leaves it as it is while it only lacks less than one in kShare.
  Status SaveWhenMuchIsNew() EXCLUDES(mutex_);

  /// Sees to it that a restart has the series that are in the registry now without log and index,
  /// also after the machine's death. Costs what is new since the last call. To be called before the
  /// log is cut; not while series leave the registry.
  Status Cover() EXCLUDES(mutex_);

  /// To be called when series left the registry.
  void NoteRemovals() EXCLUDES(mutex_);

  /// Writes `series` anew where the files have series that left the registry. On an error the index
  /// must not forget any.
  Status ForgetRemoved() EXCLUDES(mutex_);

 private:
  static constexpr size_t kShare = 8;

  void LoadSeries() REQUIRES(mutex_);
  void LoadAdded() REQUIRES(mutex_);
  bool MuchIsNew(size_t size) const REQUIRES(mutex_);
  Status Write() REQUIRES(mutex_);
  Status WriteTo(WritableFile& file);
  Status BeginAdded() REQUIRES(mutex_);
  Status Add() REQUIRES(mutex_);
  Status Remove(const std::string& path);

  FileSystem& files_;
  const std::string directory_, path_, added_path_;
  const Logger logger_;
  SeriesRegistry& registry_;
  Mutex mutex_;
  // The registry's series from the first on, in order: so many are in `series`, so many in both.
  size_t saved_ GUARDED_BY(mutex_) = 0;
  size_t covered_ GUARDED_BY(mutex_) = 0;
  // Some in the files the registry has not, or its order is another, or `series-added` is broken.
  bool stale_ GUARDED_BY(mutex_) = false;
  std::unique_ptr<WritableFile> added_ GUARDED_BY(mutex_);  // null: this process began none
  uint64_t added_bytes_ GUARDED_BY(mutex_) = 0;
};

/// Calls visit for each series that the bytes of a file `series-added` tell. Corruption where a
/// part is damaged, which is passed over; an end that was cut off is no damage. The first error of
/// `visit` is passed on, too.
Status ReadAddedSeries(std::string_view bytes,
                       const std::function<Status(SeriesId, const Labels&)>& visit);

}  // namespace barograph::tsdb
