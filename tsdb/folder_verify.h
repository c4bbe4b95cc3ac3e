#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"

/// Reads all files of a database that is not open, to prove them; changes nothing.
namespace barograph::tsdb {

/// A part of a file that is not what was written.
struct FileDamage {
  std::string file;
  uint64_t offset = 0;
  uint64_t length = 0;  ///< 0 where it is not known how far it goes
  std::string what;
};

struct FolderReport {
  uint64_t blocks = 0;  ///< without those that cannot be opened
  uint64_t series = 0;  ///< of all blocks, each time they occur
  uint64_t samples = 0;
  uint64_t log_records = 0;  ///< good ones, of both logs
  uint64_t head_runs = 0;    ///< good frames in the head's files
  std::vector<FileDamage> damage;

  /// What looks like a write that was cut off by a crash: of no harm, removed by the next start.
  std::vector<FileDamage> torn;

  bool good() const { return damage.empty(); }
};

/// Checks the blocks (every extent is read, every series decoded), the write-ahead log and that of
/// the exemplars (every record's checksum and form, but not what a row says to the one before) and
/// the head's files (every frame's checksum). Where `index_path` is not empty, also the series
/// index in that folder (every checksum), and whether it and the blocks say the same of each
/// series. Damage is no error but is reported; NotFound when there is no database in `path`,
/// Cancelled when stopped, Io when a folder cannot be read.
///
/// A running database changes its files meanwhile: who calls this keeps it away.
Result<FolderReport> VerifyFolder(FileSystem& files, const std::string& path,
                                  const std::string& index_path, std::stop_token stop);

}  // namespace barograph::tsdb
