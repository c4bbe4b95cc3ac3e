#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace barograph::tsdb::prometheus {

/// What was deleted from a block, or from the head: ranges of time, by the reference that the index
/// has for a series. Reading is thread-safe.
class Tombstones {
 public:
  /// A tombstones file (prometheus/tsdb/docs/format/tombstones.md). `path` is for errors.
  static Result<Tombstones> Parse(std::string_view file, std::string_view path);

  void Add(uint64_t series, TimeRange range);

  /// After the last Add, before the first Of.
  void Finish();

  /// The ranges of a series, both ends deleted.
  std::span<const TimeRange> Of(uint64_t series) const;
  bool empty() const { return series_.empty(); }

 private:
  std::vector<uint64_t> series_;   // ascending after Finish
  std::vector<TimeRange> ranges_;  // parallel
};

/// The file of a block that nothing was deleted from.
std::string EmptyTombstonesFile();

}  // namespace barograph::tsdb::prometheus
