#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/model/labels.h"
#include "base/model/matcher.h"
#include "base/model/sample.h"
#include "base/result.h"
#include "tsdb/index/partition.h"

namespace rocksdb {
class Env;
}

namespace barograph::tsdb {

struct SeriesIndexOptions {
  // Bounds of the memory that an index takes.
  size_t block_cache_bytes = size_t{32} << 20;     ///< blocks of the files, filters included
  size_t postings_cache_bytes = size_t{16} << 20;  ///< decoded sets of ids
  size_t write_buffer_bytes = size_t{16} << 20;    ///< what is not in files yet
  int max_open_files = 256;

  /// Changes nothing on the disk, and makes no index: NotFound where there is none. Nothing that
  /// writes may be called.
  bool read_only = false;

  /// What its files are reached through; must outlive the index. Null is the machine's own disk.
  rocksdb::Env* environment = nullptr;
};

/// Every series that may have samples, on disk: labels by id, ids by labels, and for each day and
/// label pair the ids that have it and have samples that day. Layout: docs/formats/index.md.
///
/// The only user of RocksDB, whose own log is off: what was not flushed is lost at a crash, all
/// families together, and always the newest writes. The write-ahead log covers it, and writing
/// the same thing twice changes nothing.
///
/// Thread-safe; readers never wait for a writer. Errors are Io, or Corruption when files are found
/// damaged or missing, and name the folder. Functions with a stop token poll it: Cancelled.
class SeriesIndex {
 public:
  struct Entry {
    SeriesId id;
    std::string packed_labels;
  };

  /// Opens or makes the index in the folder `path`. InvalidArgument when it is of a format that
  /// this version does not know. Corruption when it cannot be trusted: then it must be made anew.
  static Result<std::unique_ptr<SeriesIndex>> Open(const std::string& path,
                                                   SeriesIndexOptions options = {});
  ~SeriesIndex();

  /// `tell` gets each error of a later call that says that the files are damaged, from any thread.
  /// To be called before anyone else uses the index.
  void OnDamage(std::function<void(const Error&)> tell);

  /// Defines series. Precondition: the labels are well-formed.
  Status Put(std::span<const Entry> entries);

  /// Notes that the series have samples on that day. Only what is new costs more than a look.
  /// Precondition: `ids` ascend. NotFound when some were never put; the others are noted.
  Status AddToPartition(PartitionId day, std::span<const SeriesId> ids);

  /// Makes what was written durable.
  Status Flush();

  /// Reads all files: Corruption where a checksum does not match.
  Status VerifyChecksums() const;

  /// kNoSeries when there is none.
  Result<SeriesId> Find(const Labels& labels) const;
  Result<std::optional<Labels>> LabelsOf(SeriesId id) const;

  /// Calls visit(i, packed labels) for each ids[i] that is defined, in order. The view is good
  /// during the call only. Precondition: `ids` ascend. Much faster than one at a time.
  Status ReadLabels(std::span<const SeriesId> ids,
                    const std::function<void(size_t, std::string_view)>& visit,
                    std::stop_token stop) const;

  /// Calls visit(id, packed labels) for every series that is defined, ids ascending.
  Status ForEach(const std::function<void(SeriesId, std::string_view)>& visit,
                 std::stop_token stop) const;

  /// The highest id that was ever put, also when it was dropped since.
  Result<SeriesId> LastId() const;

  /// The days that have series, ascending.
  std::vector<PartitionId> Partitions() const;

  /// The series that match all of `matchers` and have samples on one of the days from `first` to
  /// `last`, ascending. A label that a series lacks counts as empty, as in Prometheus. No matchers
  /// match all.
  Result<std::vector<SeriesId>> Match(PartitionId first, PartitionId last, const Matchers& matchers,
                                      std::stop_token stop) const;

  /// The label names, or the values of `name`, of the series that Match gives: sorted, unique.
  Result<std::vector<std::string>> LabelNames(PartitionId first, PartitionId last,
                                              const Matchers& matchers, std::stop_token stop) const;
  Result<std::vector<std::string>> LabelValues(std::string_view name, PartitionId first,
                                               PartitionId last, const Matchers& matchers,
                                               std::stop_token stop) const;

  /// Forgets all days before `day`, and the series that are in no other day, unless keep(id) says
  /// that they live elsewhere (the head). Returns when the disk space is free. `keep` is called
  /// while writers wait: it must not call the index. The caller sees to it that `keep` knows an id
  /// that Find gave from then on, or puts it again.
  Status DropPartitionsBefore(PartitionId day, const std::function<bool(SeriesId)>& keep);

  /// What was read of the files needs no memory any more, until it is read again.
  void ReleaseFiles();
  size_t cached_bytes() const;  ///< of the files, in memory

  /// Makes a copy, by hard links where it can, in the folder `path`, which must not exist.
  Status Checkpoint(const std::string& path) const;

 private:
  struct Impl;
  explicit SeriesIndex(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace barograph::tsdb
