#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/model/labels.h"
#include "base/model/sample.h"
#include "base/result.h"

namespace barograph::tsdb {

/// Every series that ever was, on disk: labels by id, ids by labels, and for each label pair the
/// ids that have it. The only user of RocksDB, whose own log is off: the write-ahead log covers
/// what was not flushed, and writing a series twice changes nothing.
///
/// Column families: series (id -> packed labels), ids (labels' hash, id -> nothing), postings
/// (name, value, upper half of the id -> roaring bitmap of lower halves, grown by a merge
/// operator), state (last_id). All are flushed together or not at all.
///
/// Thread-safe. Errors are Io, or Corruption when RocksDB finds its files damaged.
class SeriesIndex {
 public:
  struct Entry {
    SeriesId id;
    std::string packed_labels;
  };

  /// Opens or makes the index in the folder `path`.
  static Result<std::unique_ptr<SeriesIndex>> Open(const std::string& path);
  ~SeriesIndex();

  Status Put(std::span<const Entry> entries);

  /// Makes what was put durable.
  Status Flush();

  /// kNoSeries when there is none.
  Result<SeriesId> Find(const Labels& labels) const;
  Result<std::optional<Labels>> LabelsOf(SeriesId id) const;

  /// The ids of all series with that label, ascending.
  Result<std::vector<SeriesId>> Postings(std::string_view name, std::string_view value) const;

  /// The highest id that was ever put; all below it were put before.
  Result<SeriesId> LastId() const;

 private:
  struct Impl;
  explicit SeriesIndex(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace barograph::tsdb
