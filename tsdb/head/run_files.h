#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/result.h"
#include "tsdb/wal/format.h"

namespace barograph::tsdb {

/// Whether a payload is what was written: found out once, by whoever comes first. Thread-safe.
class LateCheck {
 public:
  struct File {
    std::shared_ptr<const FileContents> contents;
    std::string path;
    uint64_t number = 0;
    Logger logger;
    std::function<void()> on_damage = {};  ///< may be empty
  };

  /// Of the frame of `length` bytes at `offset`.
  LateCheck(std::shared_ptr<const File> file, uint64_t offset, uint64_t length)
      : file_(std::move(file)), offset_(offset), length_(length) {}

  /// False when the payload does not have its checksum or `is_well_formed` says so, which is logged
  /// with file and offset, and counted. Takes no longer than the first call.
  template <typename IsWellFormed>
  bool Passes(const IsWellFormed& is_well_formed) const {
    std::call_once(once_, [&] {
      passes_ = HasChecksum() && is_well_formed();
      if (!passes_) TellDamage();
    });
    return passes_;
  }

  /// What to say to those who need a payload that does not pass: Corruption.
  Error Damage() const;

 private:
  bool HasChecksum() const;
  void TellDamage() const;

  const std::shared_ptr<const File> file_;
  const uint64_t offset_, length_;
  mutable std::once_flag once_;
  mutable bool passes_ = false;
};

/// Files that full runs of the head move to as they are made: numbered from 1, append-only, in the
/// log's frames, and mapped, so that what is in them needs no memory of its own. What a frame's
/// payload means is the caller's business. Format: docs/formats/head.md.
///
/// Append is one write(2): it survives the death of the process. Sync makes all survive the
/// machine's, also what another process left.
///
/// Errors. An Append that fails, as on a full disk, leaves nothing behind and may be tried again. A
/// sync that fails is final: what the kernel kept is unknown, so every later call fails too.
///
/// Thread-safe. Appends wait for no fsync, but for the making of a new file.
class RunFiles {
 public:
  static constexpr std::string_view kMagic = "BARORUN1";  ///< at the begin of each file

  struct Options {
    std::string directory;  ///< made where it is missing
    std::string prefix;     ///< of the files' names: `prefix`-00000001
    uint64_t file_bytes = uint64_t{64} << 20;
    uint64_t dropped_through = 0;  ///< files up to this number are removed unread

    /// Called for each damaged part when it is found, by Open or later, by any thread.
    std::function<void()> on_damage = {};

    /// Sync leaves a mark in the files, and Open does not read the payloads that are known to have
    /// been synced.
    bool check_late = false;
  };

  /// A payload in its file. The bytes live as long as the owner does, even when the file is gone.
  struct Stored {
    std::shared_ptr<const FileContents> owner;
    std::string_view bytes;
    uint64_t file = 0;
    uint64_t offset = 0;                          ///< of its frame
    std::shared_ptr<const LateCheck> check = {};  ///< null where that was done
  };
  using Visit = std::function<void(const Stored&)>;

  /// Calls visit for each payload in the folder's files, in the order in which they were written.
  /// Damaged frames are told to the logger and passed over; what a crash cut off at the end is
  /// removed. `files` must outlive the object.
  static Result<std::unique_ptr<RunFiles>> Open(FileSystem& files, Options options, Logger logger,
                                                const Visit& visit);

  /// Whether a frame of such a file has a payload of the caller.
  static bool HasPayload(const wal::Record& record);

  Result<Stored> Append(std::string_view payload);

  /// Returns once everything that was appended before is on the device.
  Status Sync();

  /// What is appended from now on lies in files with higher numbers than the one returned, and
  /// what was appended before does not.
  uint64_t Rotate();

  /// Removes the files up to this number; until the next Sync a crash of the machine may bring them
  /// back. On an error those that are left go with the next call.
  Status DropThrough(uint64_t file);

  /// Of all files, on the disk.
  uint64_t bytes() const;

  /// What was read of the files needs no memory any more, until it is read again.
  void Release() const;

  /// How many damaged parts and missing files Open came upon; a torn end is none.
  uint64_t damaged() const { return damaged_; }

 private:
  struct File {
    uint64_t bytes = 0;
    std::weak_ptr<const FileContents> contents = {};  // mapped as long as payloads are in use
  };

  /// The file that grows.
  struct Current {
    uint64_t number = 0;
    std::unique_ptr<WritableFile> file;
    std::shared_ptr<WritableFile> synced;  // a handle of its own: fsync waits for no append
    std::shared_ptr<const FileContents> contents;
    bool dirty = false;  // since the last sync
  };

  RunFiles(FileSystem& files, Options options, Logger logger);

  Status ReadAll(const Visit& visit);
  Result<wal::Position> FindSynced(const std::vector<uint64_t>& numbers);
  Status ReadFile(uint64_t number, bool last, wal::Position synced, const Visit& visit);
  Status SyncLater(uint64_t number);
  Status CutTornEnd(uint64_t number, uint64_t size);
  void ReportDamage(uint64_t number, uint64_t begin, uint64_t end);
  void ReportMissing(uint64_t number);
  Status SyncOlder() REQUIRES(mutex_);
  Status Begin(size_t frame_bytes) REQUIRES(mutex_);
  Result<Current> Create(uint64_t number, uint64_t capacity);
  Status Write(std::string_view frame) REQUIRES(mutex_);
  void MarkSynced(wal::Position end) REQUIRES(mutex_);
  void StopWriting(const Status& synced) REQUIRES(mutex_);
  void End() REQUIRES(mutex_);
  std::string PathOf(uint64_t number) const;

  FileSystem& files_;
  const Options options_;
  const Logger logger_;

  uint64_t damaged_ = 0;  // does not change after Open

  Mutex sync_mutex_;  // one sync at a time; before mutex_
  mutable Mutex mutex_;
  std::map<uint64_t, File> kept_ GUARDED_BY(mutex_);  // by number
  std::optional<Current> current_ GUARDED_BY(mutex_);
  uint64_t next_number_ GUARDED_BY(mutex_) = 1;
  std::vector<std::shared_ptr<WritableFile>> unsynced_ GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<WritableFile>> syncing_ GUARDED_BY(mutex_);
  bool names_unsynced_ GUARDED_BY(mutex_) = false;
  Status failure_ GUARDED_BY(mutex_);
};

}  // namespace barograph::tsdb
