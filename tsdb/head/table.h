#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/model/sample.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/storage/appendable.h"
#include "base/time.h"
#include "tsdb/head/sealed_run.h"
#include "tsdb/head/table_files.h"
#include "tsdb/head/tail.h"
#include "tsdb/wal/row_codec.h"

namespace barograph::tsdb {

/// What a row did, for the head's counters.
struct SealCount {
  uint64_t runs = 0;
  uint64_t chunks = 0;
};

/// What becomes of a reader that comes upon a damaged run.
enum class DamagedRuns : uint8_t {
  kFail,     ///< it fails: an answer must not lack samples
  kLeaveOut  ///< it goes on without: the others must move on
};

/// Part of a table's rows as a query reads it: the runs that overlap the query's time range, and
/// the timestamps of those runs' rows followed by those of the tail.
struct TableView {
  std::vector<std::shared_ptr<const SealedRun>> runs;
  std::vector<Timestamp> timestamps;
  uint64_t first_row = 0;  ///< the table's row that timestamps[0] belongs to
  uint64_t tail_row = 0;   ///< the table's row that the tail starts with
  size_t tail_rows = 0;    ///< how many of the tail's rows are in the view
};

/// The samples of one target: rows over shared timestamps, in sealed runs and a tail. Rows are
/// numbered from 0 for the table's life. One thread writes (the scrape loop that owns the table, or
/// replay); any number reads meanwhile. Readers wait for no disk.
///
/// A column that is released keeps its number until its values are sealed: only then may another
/// series have it, so that a column of the tail belongs to one series.
///
/// Measured (bench/append_bench.cc; 1,000 columns of which half change at each row): 23 ns of CPU a
/// sample, of which half is the codec when the tail is sealed, a fifth the kernel, and 7 ns all
/// that is done for the row itself; 3 ns a sample where nothing changes.
class Table {
 public:
  /// `id` names the table in the log. Sealed runs go to `files`, which must outlive the table;
  /// without, they stay in memory.
  explicit Table(uint64_t id, TableFiles* files = nullptr) : id_(id), files_(files) {}

  /// Where sealed runs go from now on. Precondition: nobody writes yet.
  void UseFiles(TableFiles* files) { files_ = files; }

  /// For a restart: takes over a run that was sealed before; runs come in their order.
  void Restore(StoredRun run);

  /// Row records of the log below this are in sealed runs.
  uint64_t next_sequence() const { return next_sequence_; }

  uint64_t id() const { return id_; }

  /// For the writer: columns.
  ColumnId NextColumn() const;  ///< free, and the lowest that is
  void Assign(ColumnId column, SeriesId series);
  void Release(ColumnId column);
  void ReleaseAll();

  /// Takes a released column up again for the series it had, if its values are not sealed yet; its
  /// coding state goes on. False when the column is not there to be resumed.
  bool Resume(ColumnId column, SeriesId series);

  /// For replay: does what a row's header says. Corruption when it cannot apply to this table.
  Status ApplyEdits(const RowHeader& header, ValueEncoder& encoder);
  SeriesId SeriesOf(ColumnId column) const;  ///< kNoSeries when released or out of range
  size_t width() const;                      ///< one more than the highest column in use
  std::vector<ColumnAssignment> Assignments() const;

  /// For the writer: rows. Takes columns without a series out of `present`, and makes it as many
  /// words as Encode wants.
  void KeepAssigned(std::vector<uint64_t>& present) const;

  /// EncodeRow against this table; `row.assigned` is filled in here.
  void Encode(RowInput row, RowBuffers& buffers, std::string& out,
              std::vector<RowChange>& changes) const;
  Status Decode(const RowHeader& header, std::vector<uint64_t>& present,
                std::vector<RowChange>& changes) const;

  /// Makes a row visible, which the log calls `sequence`. A timestamp equal to the last row's adds
  /// to that row; precondition: it is not below, and the added columns are absent there.
  void Append(uint64_t sequence, Timestamp timestamp, std::span<const uint64_t> present,
              std::span<const RowChange> changes);

  /// Whether the tail has no rows: then the next row must be one that needs none before it.
  bool tail_empty() const;

  /// Seals the tail when it is full, when much of it belongs to released columns, or when
  /// RequestSeal was called.
  SealCount SealWhenDue(ValueEncoder& encoder);
  SealCount Seal(ValueEncoder& encoder);

  /// Nobody writes any more: gives up what only rows to come would need. Precondition: the tail is
  /// empty.
  void End();

  /// Makes the caller the only writer; false while there is another. What was appended before is
  /// seen by whoever claims it next. Any thread.
  bool Claim() { return !claimed_.exchange(true, std::memory_order_acquire); }
  void Disclaim() { claimed_.store(false, std::memory_order_release); }

  /// To be called before a row goes to the log: the row will be in `segment` or a later one.
  void ExpectRow(uint64_t segment);

  /// The log's segments from here on hold rows that are in no file yet; kNoSegment when none do.
  /// Any thread.
  static constexpr uint64_t kNoSegment = ~uint64_t{0};
  uint64_t needs_segment() const { return needs_segment_; }

  /// Asks whoever writes to seal before the next row, so that the log can be cut. Any thread.
  void RequestSeal() { seal_requested_ = true; }

  /// Forgets the runs that end before `cut`. Precondition: no reader looks before it any more.
  void DropBefore(Timestamp cut);

  /// Seals, and makes every column's coding state new: for replay after rows were lost.
  SealCount ResetCoding(ValueEncoder& encoder);

  bool empty() const { return range() == kNoRange; }
  /// The series of the runs' columns; most runs share them.
  std::vector<SealedRun::Columns> ColumnSets() const;
  /// All series that have a column or samples here, ascending.
  std::vector<SeriesId> AllSeries() const;
  bool HoldsNothing() const;  ///< neither runs nor a tail

  /// Whether there ever was a column of start timestamps (tsdb/start_stream.h). Any thread.
  bool has_start_streams() const { return has_start_streams_; }
  /// How many of a row's values are samples of series.
  size_t CountSamples(std::span<const uint64_t> present) const;

  Timestamp last_timestamp() const { return range().max; }

  /// Of the columns of `present` (as many as there are values), those that the last row has with
  /// another value count as duplicates; those that it lacks are left in `present`.
  size_t TakeOutLastRow(std::span<const double> values, std::vector<uint64_t>& present) const;

  /// For readers.
  static constexpr TimeRange kNoRange{kMaxTimestamp, kMinTimestamp};
  TimeRange range() const;  ///< of the rows; kNoRange when there is none
  uint64_t rows() const;

  /// To be called before samples of the table's series are stored elsewhere, because they are
  /// older than its last row or than a cut.
  void ExpectLateSamples() { ++late_appends_; }
  /// How often that was. Any thread.
  uint64_t late_appends() const { return late_appends_; }

  /// Replaces `view` by the part in `range` of the rows below `row_limit`. Corruption where a run
  /// of it is damaged, unless those are to be left out.
  Status View(TimeRange range, uint64_t row_limit, DamagedRuns damaged, TableView& view) const;

  /// Fills out[i] with the values of `series` in the tail's rows. Precondition: out.size() is at
  /// most the tail's rows. False when the tail no longer starts with `tail_row`: view again.
  /// `present` is empty when the series has nothing there.
  bool ReadTail(SeriesId series, ColumnId guess, uint64_t tail_row, std::span<double> out,
                RowMask& present) const;

 private:
  std::shared_ptr<const SealedRun> BuildRun(ValueEncoder& encoder) const;
  void StoreRuns();
  std::vector<SeriesId>& ChangeableSeries() REQUIRES(mutex_);
  ColumnId FindInTail(SeriesId series, ColumnId guess) const REQUIRES_SHARED(mutex_);
  SealedRun::Columns SharedColumns() const REQUIRES_SHARED(mutex_);
  void Widen(size_t width) REQUIRES(mutex_);
  void FreeReleased() REQUIRES(mutex_);
  void Take(ColumnId column, SeriesId series) REQUIRES(mutex_);
  bool TakeUp(ColumnId column, SeriesId series) REQUIRES(mutex_);
  Status ApplyAssignments(std::span<const ColumnAssignment>& left, bool key);
  void ReleaseUnlisted(std::span<const ColumnAssignment> listed);

  const uint64_t id_;
  TableFiles* files_;
  mutable SharedMutex mutex_;
  Tail tail_ GUARDED_BY(mutex_);
  SealedRun::Columns series_ GUARDED_BY(mutex_) = std::make_shared<const std::vector<SeriesId>>();
  // The same, null where runs share it. By column; released ones stay until they are sealed.
  std::vector<SeriesId>* own_series_ GUARDED_BY(mutex_) = nullptr;
  std::vector<uint64_t> assigned_ GUARDED_BY(mutex_);  // columns in use
  std::vector<uint64_t> streams_ GUARDED_BY(mutex_);   // columns of start timestamps
  std::vector<uint64_t> released_ GUARDED_BY(mutex_);  // with values in the tail
  std::vector<ColumnId> free_ GUARDED_BY(mutex_);      // descending
  std::vector<StoredRun> runs_ GUARDED_BY(mutex_);
  size_t stored_ GUARDED_BY(mutex_) = 0;  // of them, the first ones, are in files
  uint64_t sealed_rows_ GUARDED_BY(mutex_) = 0;
  TimeRange range_ GUARDED_BY(mutex_) = kNoRange;
  std::atomic<uint64_t> next_sequence_ = 0;
  std::atomic<uint64_t> needs_segment_ = kNoSegment;
  std::atomic<bool> seal_requested_ = false;
  std::atomic<bool> has_start_streams_ = false;
  std::atomic<uint64_t> late_appends_ = 0;
  std::atomic<bool> claimed_ = false;
};

}  // namespace barograph::tsdb
