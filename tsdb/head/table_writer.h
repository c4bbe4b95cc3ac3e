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
class TableWriter : public ScrapeTable {
 public:
  /// `id` names the table in the log and must be new.
  TableWriter(WritePath& path, uint64_t id);

  /// Says in the log that no more rows come, and seals what is there.
  ~TableWriter() override;

  Result<ColumnId> AddColumn(const Labels& labels) override;
  void ReleaseColumn(ColumnId column) override;
  SeriesId series(ColumnId column) const override { return table_->SeriesOf(column); }
  size_t width() const override { return table_->width(); }
  Result<AppendReport> AppendRow(const Row& row) override;

 private:
  /// Every so many rows one tells the whole state, so that what follows lost rows can be read. So
  /// does the first after a seal: the log may be cut there.
  static constexpr uint64_t kKeyInterval = 60;

  Result<AppendReport> AppendLate(const Row& row, std::span<const uint64_t> present);
  bool Refuse(const Row& row, TimeRange had, std::vector<uint64_t>& present, AppendReport& report);
  Status Write(const Row& row, TimeRange had, RowWorkspace& work);
  void Encode(const Row& row, RowWorkspace& work);
  void KeepBody(std::string_view body);

  WritePath& path_;
  const uint32_t number_;
  const std::shared_ptr<Table> table_;
  uint64_t sequence_ = 0;  // of the next row
  uint64_t next_key_ = 0;

  // Edits of the columns that no row has told the log yet.
  std::vector<ColumnId> releases_;
  std::vector<ColumnAssignment> assignments_;

  std::string previous_body_;
};

}  // namespace barograph::tsdb
