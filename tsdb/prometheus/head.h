#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/model/labels.h"
#include "base/storage/exemplars.h"
#include "tsdb/prometheus/samples.h"

/// Reading what Prometheus keeps outside blocks: its last two to three hours, in the write-ahead
/// log (wal/, with its checkpoint), the out-of-order log (wbl/) and the chunks of the head
/// (chunks_head/).
namespace barograph::tsdb::prometheus {

/// Takes the head's samples, in the order of the files. An error ends the reading.
class HeadVisitor {
 public:
  virtual ~HeadVisitor() = default;

  /// A series, before any of its samples. `series` is how its samples name it; labels may come
  /// again under another name.
  virtual Status OnSeries(uint64_t series, const Labels& labels) = 0;
  virtual Status OnFloat(uint64_t series, Timestamp timestamp, double value) = 0;
  virtual Status OnHistogram(uint64_t series, Timestamp timestamp,
                             const StoredHistogram& histogram) = 0;
  virtual Status OnExemplar(uint64_t series, const Exemplar& exemplar) = 0;
};

struct HeadReport {
  uint64_t series = 0;
  uint64_t floats = 0;
  uint64_t histograms = 0;
  uint64_t exemplars = 0;
  uint64_t ignored_records = 0;  ///< of metadata, which is not read
  uint64_t orphans =
      0;  ///< samples, exemplars and chunks of series that nothing tells the labels of

  /// What could not be read, by file and offset; everything else was. The end of a log that a crash
  /// cut off is here, too.
  std::vector<Error> problems;
};

/// Reads the head of `directory`, a Prometheus data directory that no process uses. Samples that
/// tombstones delete are left out, and those in order that are before `min_time`, where blocks end
/// (kMinTimestamp where there are none). A sample may come twice, and samples of a series in any
/// order. Nothing of it needs to be there. Memory: an entry of a hash map for each series, and the
/// tombstones.
Result<HeadReport> ReadHead(FileSystem& files, const std::string& directory, Timestamp min_time,
                            HeadVisitor& visitor);

}  // namespace barograph::tsdb::prometheus
