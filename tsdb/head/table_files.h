#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/file_system.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/time.h"
#include "tsdb/head/run_files.h"
#include "tsdb/head/sealed_run.h"

namespace barograph::tsdb {

/// A run of a table, and where it stands there.
struct StoredRun {
  uint64_t table = 0;          ///< as the log names it
  uint64_t first_row = 0;      ///< the table's row that is the run's first
  uint64_t next_sequence = 0;  ///< row records below this are in this run or in one before
  std::shared_ptr<const SealedRun> run;
};

/// The sealed runs of all scrape tables, on disk: `tables-NNNNNNNN` in the head's folder
/// (docs/formats/head.md). Runs are read where they are mapped, so that they take no memory but
/// what the kernel lends. Thread-safe.
class TableFiles {
 public:
  /// Opens what is there; `visit` gets every run, those of one table in their order. `on_damage` is
  /// RunFiles::Options::on_damage.
  static Result<std::unique_ptr<TableFiles>> Open(FileSystem& files, const std::string& directory,
                                                  Logger logger,
                                                  const std::function<void(StoredRun)>& visit,
                                                  const std::function<void()>& on_damage = {});

  /// Writes the run, which then survives the death of the process; the same run, mapped.
  Result<std::shared_ptr<const SealedRun>> Store(const StoredRun& run);

  /// Makes what was stored survive the machine's death.
  Status Sync() { return files_->Sync(); }

  /// Removes the files whose runs all end before `cut`; runs in use stay readable.
  Status DropBefore(Timestamp cut);

  /// What was read of the files needs no memory any more, until it is read again.
  void Release() const { files_->Release(); }

 private:
  TableFiles() = default;
  void NoteEnd(uint64_t file, Timestamp end) EXCLUDES(mutex_);

  std::unique_ptr<RunFiles> files_;
  Mutex mutex_;
  std::map<uint64_t, Timestamp> ends_ GUARDED_BY(mutex_);  // by file: its newest row
};

}  // namespace barograph::tsdb
