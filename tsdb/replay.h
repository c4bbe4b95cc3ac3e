#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/file_system.h"
#include "base/log.h"
#include "base/model/labels.h"
#include "base/result.h"
#include "tsdb/head/head.h"
#include "tsdb/table_replay.h"
#include "tsdb/wal/log.h"
#include "tsdb/wal/record.h"

namespace barograph::tsdb {

/// Reads the write-ahead log into a head: once, before anything else uses it. Not thread-safe.
/// Scrape tables are read by all cores (tsdb/table_replay.h); of a segment, first come the series
/// that it defines, then the tables, then the samples that came one at a time.
///
/// What is damaged is counted, named in the log and passed over.
class Replay {
 public:
  /// The labels of a series whose definition the log lacks, or nullopt. Called from several threads
  /// at a time.
  using FindLabels = std::function<std::optional<Labels>(SeriesId)>;

  struct Outcome {
    wal::Log::Start start;    ///< where to go on writing
    uint64_t next_table = 1;  ///< above every table in the log
    uint64_t bytes = 0;       ///< of the log
    uint64_t records = 0;
    uint64_t lost_rows = 0;  ///< that are known to be missing
  };

  Replay(FileSystem& files, std::string directory, Head& head, Metrics& metrics, Logger logger,
         FindLabels find_labels);

  /// Also cuts a torn end off the last segment. Io when a segment cannot be read.
  Result<Outcome> Run();

 private:
  /// What came of a series before its definition did, whose first copy was damaged.
  struct Nameless {
    std::vector<Source> columns;
    std::vector<Sample> samples;
    std::vector<wal::LoneHistogram> histograms;
    std::vector<TimeRange> deletions;
  };

  /// A record that waits for the tables.
  struct Waiting {
    TableReplay::Place place;
    wal::Record record;
  };

  Result<std::vector<uint64_t>> ListSegments();
  Status ReadSegment(uint64_t number, bool last);
  Status CutTornEnd(uint64_t number, uint64_t size);
  void ReportDamage(uint64_t number, uint64_t begin, uint64_t end);
  void ReportMissing(uint64_t first, uint64_t count);

  Status Take(const wal::Record& record, TableReplay::Place place);
  Status ApplyGathered();
  Status Judge(Status applied, TableReplay::Place place);
  Status ApplyLone(const Waiting& waiting);
  Status ApplySeries(std::string_view payload);
  Status ApplySamples(std::string_view payload, wal::Position at);
  Status ApplyHistograms(std::string_view payload, wal::Position at);
  Status ApplyDeletions(std::string_view payload);

  std::optional<SeriesId> FindSeries(SeriesId id);
  void NameNameless(SeriesId id);
  void StoreNameless(SeriesId id);
  void AddLoneSources();
  bool IsInFiles(wal::Position at) const;
  void StoreSample(SeriesId id, const LonePoint& point) { StoreSamples(id, {&point, 1}); }
  void StoreSamples(SeriesId id, std::span<const LonePoint> points);

  FileSystem& files_;
  const std::string directory_;
  Head& head_;
  Metrics& metrics_;
  const Logger logger_;
  const FindLabels find_labels_;
  TableReplay tables_;
  std::vector<Waiting> lone_;
  size_t gathered_ = 0;                                     // records in both
  boost::unordered_flat_map<uint64_t, Nameless> nameless_;  // by series id
  Outcome outcome_;
};

}  // namespace barograph::tsdb
