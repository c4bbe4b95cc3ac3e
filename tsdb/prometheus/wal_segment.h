#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace barograph::tsdb::prometheus {

/// Reads the records of one file of Prometheus's write-ahead log, plain or compressed
/// (prometheus/tsdb/docs/format/wal.md). A broken record costs itself and what follows in its page
/// of 32 KiB; reading goes on with the next. Not thread-safe.
class WalSegmentReader {
 public:
  /// `bytes` must outlive the reader; `path` is for errors.
  WalSegmentReader(std::string_view bytes, std::string path);

  /// The next whole record, valid until the next call; nullopt at the end.
  std::optional<std::string_view> Next();

  /// Where the record that Next gave began.
  uint64_t record_offset() const { return record_offset_; }

  /// What could not be read so far. A record that the file's end cuts off is here too: after a
  /// crash that is how a log ends.
  const std::vector<Error>& problems() const { return problems_; }

 private:
  struct Fragment {
    uint8_t flags = 0;
    std::string_view data;
  };

  std::optional<Fragment> NextFragment();
  std::optional<std::string_view> Decompress(uint8_t flags);
  void Problem(uint64_t offset, std::string_view what);
  void SkipPage();

  const std::string_view bytes_;
  const std::string path_;
  size_t position_ = 0;
  uint64_t fragment_offset_ = 0;
  uint64_t record_offset_ = 0;
  bool in_record_ = false;  // its first fragment was read, its last was not
  bool resuming_ = false;   // behind what was broken
  std::string record_;
  std::string decompressed_;
  std::vector<Error> problems_;
};

}  // namespace barograph::tsdb::prometheus
