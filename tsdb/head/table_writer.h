#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/storage/appendable.h"
#include "tsdb/head/write_path.h"

namespace barograph::tsdb {

/// A target's table as its scrape loop writes it: the row goes to the log as one record, then to
/// the table. The writer must end before the path does.
///
/// It goes on in the table where the target's series were before, in this process or in one before
/// it, when nobody else writes there: a series then has one table however often the server starts,
/// and what was replayed for it need not be sealed before its time.
class TableWriter : public ScrapeTable {
 public:
  /// `id` is new: the table's name in the log, unless it is one that was there before.
  TableWriter(WritePath& path, uint64_t id) : path_(path), id_(id) {}

  /// Says in the log that no more rows come, and seals what is there.
  ~TableWriter() override;

  Result<ColumnId> AddColumn(const Labels& labels) override;
  void ReleaseColumn(ColumnId column) override;
  SeriesId series(ColumnId column) const override {
    return table_ == nullptr ? kNoSeries : table_->SeriesOf(column);
  }
  size_t width() const override { return table_ == nullptr ? 0 : table_->width(); }
  Result<AppendReport> AppendRow(const Row& row) override;

 private:
  /// Every so many rows one tells the whole state, so that what follows lost rows can be read. So
  /// does the first after a seal: the log may be cut there.
  static constexpr uint64_t kKeyInterval = 60;

  /// The column that holds the start timestamps of another.
  struct StartColumn {
    ColumnId column = 0;
    bool is_there = false;
    bool is_released = false;  ///< with the other: it may be resumed
  };

  void OpenTable(SeriesId first);
  bool GoOnWith(uint32_t number);
  Result<AppendReport> AppendLate(const Row& row, std::span<const uint64_t> present);
  bool Refuse(const Row& row, TimeRange had, std::vector<uint64_t>& present, AppendReport& report);
  Result<ColumnId> TakeColumn(SeriesId series);
  bool ResumeColumn(ColumnId column, SeriesId series);
  void GiveUpColumn(ColumnId column);
  Result<ColumnId> StartColumnOf(ColumnId column);
  Status AddStarts(const Row& row, RowWorkspace& work);
  Status AppendZeros(const Row& row, std::span<const uint64_t> present, Timestamp last);
  Status Write(const Row& row, TimeRange had, RowWorkspace& work);
  void Encode(const Row& row, RowWorkspace& work);
  void KeepBody(std::string_view body);

  WritePath& path_;
  const uint64_t id_;
  uint32_t number_ = 0;
  std::shared_ptr<Table> table_;  // null until there is a column
  bool wrote_ = false;
  uint64_t sequence_ = 0;  // of the next row
  uint64_t next_key_ = 0;

  // Edits of the columns that no row has told the log yet.
  std::vector<ColumnId> releases_;
  std::vector<ColumnAssignment> assignments_;

  std::vector<StartColumn> start_columns_;  // by column; as far as any was needed

  // Only where zeros are stored at starts: the last start of each column, and columns whose series
  // have no rows in the table yet.
  std::vector<Timestamp> last_starts_;
  std::vector<ColumnId> new_columns_;

  std::string previous_body_;
};

}  // namespace barograph::tsdb
