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
#include "tsdb/chunk/value_codec.h"
#include "tsdb/head/head.h"
#include "tsdb/wal/log.h"
#include "tsdb/wal/record.h"

namespace barograph::tsdb {

/// Reads the write-ahead log into a head: once, before anything else uses it. Not thread-safe.
///
/// What is damaged is counted, named in the log and passed over. Of a table, a lost row is taken
/// from the copy in the next; where that is lost too, rows wait for the next key row.
class Replay {
 public:
  /// The labels of a series whose definition the log lacks, or nullopt.
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

  struct TableState {
    uint32_t number = 0;
    uint64_t next_sequence = 0;
    bool broken = false;    ///< rows were lost: only a key row can be read
    bool headless = false;  ///< its first rows were cut off with the log's old segments
  };

  Result<std::vector<uint64_t>> ListSegments();
  Status ReadSegment(uint64_t number, bool last);
  Status CutTornEnd(uint64_t number, uint64_t size);
  void ReportDamage(uint64_t number, uint64_t begin, uint64_t end);

  Status Apply(const wal::Record& record);
  Status ApplySeries(std::string_view payload);
  Status ApplyRow(std::string_view payload);
  Status ApplySamples(std::string_view payload);
  Status ApplyHistograms(std::string_view payload);
  Status ApplyClose(std::string_view payload);
  Status ApplyDeletions(std::string_view payload);

  TableState& StateOf(uint64_t table, uint64_t first_sequence);
  Status ApplyBody(TableState& state, uint64_t sequence, std::string_view body);
  Status ReadBody(TableState& state, uint64_t sequence, bool follows, std::string_view body);
  Status AppendRow(Table& table, uint64_t sequence, const RowHeader& header);
  void UseKnownIds(RowHeader& header);
  void AddSources(uint32_t number, const RowHeader& header);
  std::optional<SeriesId> FindSeries(SeriesId id);
  void NameNameless(SeriesId id);
  void StoreNameless(SeriesId id);
  void AddLoneSources();
  bool IsInFiles() const;
  void StoreSample(SeriesId id, const LonePoint& point);

  FileSystem& files_;
  const std::string directory_;
  Head& head_;
  Metrics& metrics_;
  const Logger logger_;
  const FindLabels find_labels_;
  ValueEncoder encoder_;
  boost::unordered_flat_map<uint64_t, TableState> tables_;
  boost::unordered_flat_map<uint64_t, Nameless> nameless_;  // by series id
  wal::Position at_;                                        // of the record that is applied
  Outcome outcome_;
};

}  // namespace barograph::tsdb
