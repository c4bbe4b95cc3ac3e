#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/model/sample.h"
#include "base/result.h"
#include "base/worker_pool.h"
#include "tsdb/chunk/value_codec.h"
#include "tsdb/head/head.h"
#include "tsdb/wal/format.h"
#include "tsdb/wal/record.h"
#include "tsdb/wal/row_codec.h"

namespace barograph::tsdb {

/// What a log holds of scrape tables, read into a head. Records are gathered as the log has them,
/// and applied a segment at a time: the tables know nothing of each other, so that all cores take
/// part, and each table gets its records in their order. For one thread.
///
/// Of a table, a lost row is taken from the copy in the next; where that is lost too, rows wait for
/// the next key row.
class TableReplay {
 public:
  /// The id that a series goes by, where it can be known. Called from several threads at a time.
  using FindSeries = std::function<std::optional<SeriesId>(SeriesId)>;

  TableReplay(Head& head, FindSeries find_series);

  /// Where a record's frame is in the log.
  struct Place {
    wal::Position begin;
    uint64_t end = 0;
  };

  /// Gathers the record at that place. Its bytes must stay where they are until Apply has returned.
  /// Corruption when it is malformed; then nothing is gathered.
  Status AddRow(std::string_view payload, Place place);
  Status AddClose(std::string_view payload, Place place);

  struct Applied {
    std::vector<Place> damaged;                         ///< records that nobody wrote, ascending
    std::vector<std::pair<SeriesId, Source>> nameless;  ///< columns of series that nobody knows yet
  };

  /// Applies what was gathered, after which nothing is.
  Applied Apply();

  uint64_t next_table() const { return next_table_; }  ///< above every table that was gathered
  uint64_t lost_rows() const;                          ///< that are known to be missing

 private:
  struct Record {
    Place place;
    std::optional<wal::RowEnvelope> row;  ///< none: the table was closed
  };

  struct TableState {
    uint32_t number = 0;
    uint64_t next_sequence = 0;
    uint64_t lost_rows = 0;
    bool broken = false;    ///< rows were lost: only a key row can be read
    bool headless = false;  ///< its first rows were cut off with the log's old segments
    std::vector<Record> gathered = {};
  };

  /// What a thread works in.
  struct Worker {
    ValueEncoder encoder;
    std::vector<uint64_t> present;
    std::vector<RowChange> changes;
    std::vector<SeriesId> series;
    Applied applied;
  };

  TableState& StateOf(uint64_t table, uint64_t first_sequence);
  void Gather(TableState& state, Record record);
  void ApplyTable(TableState& state, Worker& worker);
  Status ApplyRecord(TableState& state, const Record& record, Worker& worker);
  Status ApplyBody(TableState& state, uint64_t sequence, std::string_view body, uint64_t segment,
                   Worker& worker);
  Status ReadBody(TableState& state, uint64_t sequence, std::string_view body, uint64_t segment,
                  Worker& worker);
  Status AppendRow(Table& table, uint64_t sequence, uint64_t segment, const RowHeader& header,
                   Worker& worker);
  void UseKnownIds(RowHeader& header, Worker& worker);
  void AddSources(uint32_t number, const RowHeader& header, Worker& worker);

  Head& head_;
  const FindSeries find_series_;
  WorkerPool pool_;
  std::vector<Worker> workers_;
  std::deque<TableState> states_;                         // stay where they are
  boost::unordered_flat_map<uint64_t, size_t> by_table_;  // in states_
  std::vector<TableState*> waiting_;                      // those that have something gathered
  uint64_t next_table_ = 1;
};

}  // namespace barograph::tsdb
