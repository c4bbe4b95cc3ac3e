#include "tsdb/head/table_writer.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "base/containers.h"
#include "tsdb/head/lone_appender.h"
#include "tsdb/start_stream.h"
#include "tsdb/wal/record.h"

namespace barograph::tsdb {
namespace {

// Fills in the presence bits that have a value.
void TakePresence(const Row& row, std::vector<uint64_t>& present) {
  const size_t words = std::min(row.presence.size(), WordsFor(row.values.size()));
  present.assign(row.presence.begin(), row.presence.begin() + static_cast<ptrdiff_t>(words));
  const size_t used = row.values.size() % 64;
  if (words == WordsFor(row.values.size()) && used != 0) {
    present.back() &= (uint64_t{1} << used) - 1;
  }
}

}  // namespace

TableWriter::~TableWriter() {
  if (table_ == nullptr) return;
  if (wrote_) {
    std::string payload;
    wal::AppendClose(payload, table_->id());
    // Only a hint for the next replay: nothing is lost without it.
    (void)path_.log.Append(std::vector<wal::Record>{{wal::RecordType::kClose, payload}});
  }
  const RowWorkspaces::Lease work(path_.workspaces);
  path_.head.CountChunks(table_->Seal(work->encoder));
  table_->End();
  table_->Disclaim();
}

// The table that the target's first series was in last, if it is free.
void TableWriter::OpenTable(SeriesId first) {
  for (const Source& source : std::views::reverse(path_.head.registry.SourcesOf(first))) {
    if (source.table != Source::kLone && GoOnWith(source.table)) return;
  }
  number_ = path_.head.AddTable(id_);
  table_ = path_.head.TableAt(number_);
  table_->Claim();
}

// Not where all rows to come would be late ones, as after a clock that was ahead.
bool TableWriter::GoOnWith(uint32_t number) {
  std::shared_ptr<Table> table = path_.head.TableAt(number);
  if (table == nullptr || !table->Claim()) return false;
  if (!table->empty() && table->last_timestamp() > path_.clock.Now()) {
    table->Disclaim();
    return false;
  }
  number_ = number;
  table_ = std::move(table);
  sequence_ = table_->next_sequence();
  table_->ReleaseAll();  // what is there still is resumed, column by column
  return true;
}

Result<ColumnId> TableWriter::AddColumn(const Labels& labels) {
  SeriesRegistry& registry = path_.head.registry;
  const SeriesId series = TRY(registry.GetOrCreate(labels));
  if (table_ == nullptr) OpenTable(series);
  const auto had = registry.ColumnIn(series, number_);
  if (had) {
    if (table_->SeriesOf(*had) == series || ResumeColumn(*had, series)) return *had;
  }
  const ColumnId column = TRY(TakeColumn(series));
  if (column < start_columns_.size()) start_columns_[column] = {};
  if (column < last_starts_.size()) last_starts_[column] = kUnknownStart;
  if (!had && path_.zeros_at_starts()) new_columns_.push_back(column);
  if (!registry.SetSource(series, {number_, column})) TRY(registry.Restore(series, labels));
  registry.SetSource(series, {number_, column});
  return column;
}

Result<ColumnId> TableWriter::TakeColumn(SeriesId series) {
  const ColumnId column = table_->NextColumn();
  if (column >= kMaxColumns) {
    return Fail(ErrorCode::kLimitExceeded,
                "a target can have " + std::to_string(kMaxColumns) + " series at most");
  }
  table_->Assign(column, series);
  assignments_.push_back({column, series, false});
  return column;
}

bool TableWriter::ResumeColumn(ColumnId column, SeriesId series) {
  if (!table_->Resume(column, series)) return false;
  // A release that the log has not heard of did not happen.
  if (std::erase(releases_, column) == 0) assignments_.push_back({column, series, true});
  return true;
}

void TableWriter::ReleaseColumn(ColumnId column) {
  if (series(column) == kNoSeries) return;
  GiveUpColumn(column);
  if (column >= start_columns_.size()) return;
  StartColumn& starts = start_columns_[column];
  if (!starts.is_there || starts.is_released) return;
  GiveUpColumn(starts.column);
  starts.is_released = true;
}

void TableWriter::GiveUpColumn(ColumnId column) {
  table_->Release(column);
  const size_t untold = std::erase_if(
      assignments_, [&](const ColumnAssignment& edit) { return edit.column == column; });
  if (untold == 0) releases_.push_back(column);
}

Result<AppendReport> TableWriter::AppendRow(const Row& row) {
  if (table_ == nullptr) return AppendReport();  // without a column there is no value
  const RowWorkspaces::Lease work(path_.workspaces);
  TakePresence(row, work->present);
  table_->KeepAssigned(work->present);
  ReaderLock gate(path_.cut_mutex);
  const TimeRange had = table_->range();
  if (row.timestamp < path_.cut || (row.timestamp < had.max && had != Table::kNoRange)) {
    return AppendLate(row, work->present);
  }
  AppendReport report;
  const bool refused = Refuse(row, had, work->present, report);
  path_.CountRefused(report);
  if (refused) return report;
  report.appended = CountBits(work->present);
  if (report.appended == 0) return report;
  Row whole = row;
  if (!row.start_timestamps.empty() && path_.zeros_at_starts()) {
    TRY(AppendZeros(row, work->present, had.max));
  }
  if (!row.start_timestamps.empty() && path_.stores_starts()) {
    TRY(AddStarts(row, *work));
    whole.values = work->values;
  }
  TRY(Write(whole, had, *work));
  path_.head.CountSamples(report.appended, 0, {row.timestamp, row.timestamp});
  path_.changes.NoteChange(row.timestamp);
  return report;
}

// A row that is not the newest: its samples go where those go that come one at a time.
Result<AppendReport> TableWriter::AppendLate(const Row& row, std::span<const uint64_t> present) {
  if (!path_.TakesLate(row.timestamp)) {
    AppendReport report;
    const bool too_old = path_.LateReason() == RefusalReason::kTooOld;
    (too_old ? report.too_old : report.out_of_order) = CountBits(present);
    path_.CountRefused(report);
    return report;
  }
  table_->ExpectLateSamples();
  LoneAppender appender(path_);
  for (size_t w = 0; w < present.size(); ++w) {
    ForEachBit(present[w], w * 64, [&](size_t column) {
      const Timestamp start =
          column < row.start_timestamps.size() ? row.start_timestamps[column] : kUnknownStart;
      appender.Append(table_->SeriesOf(static_cast<ColumnId>(column)),
                      {row.timestamp, row.values[column]}, start);
    });
  }
  return appender.Commit();
}

// Whether the row as a whole has no place; takes single samples that have none out of `present`.
// The table's rows so far are in the range `had`.
bool TableWriter::Refuse(const Row& row, TimeRange had, std::vector<uint64_t>& present,
                         AppendReport& report) {
  if (!path_.InBounds(row.timestamp)) {
    report.out_of_bounds = CountBits(present);
    return true;
  }
  if (row.timestamp == had.max) {
    report.duplicate = table_->TakeOutLastRow(row.values, present);
  }
  return false;
}

// The column for the start timestamps of a column in use.
Result<ColumnId> TableWriter::StartColumnOf(ColumnId column) {
  if (column >= start_columns_.size()) start_columns_.resize(size_t{column} + 1);
  StartColumn& starts = start_columns_[column];
  if (starts.is_there && !starts.is_released) return starts.column;
  const SeriesId stream = StartStreamOf(table_->SeriesOf(column));
  if (!starts.is_there || !ResumeColumn(starts.column, stream)) {
    starts.column = TRY(TakeColumn(stream));
  }
  starts.is_there = true;
  starts.is_released = false;
  return starts.column;
}

// Where a column's start is another than in the row before, which was at `last`.
Status TableWriter::AppendZeros(const Row& row, std::span<const uint64_t> present, Timestamp last) {
  table_->ExpectLateSamples();
  LoneAppender appender(path_);
  last_starts_.resize(std::max(last_starts_.size(), row.start_timestamps.size()), kUnknownStart);
  for (size_t w = 0; w < present.size(); ++w) {
    ForEachBit(present[w], w * 64, [&](size_t c) {
      if (c >= row.start_timestamps.size()) return;
      const Timestamp start = row.start_timestamps[c];
      if (start == kUnknownStart || start == last_starts_[c] || IsStale(row.values[c])) return;
      last_starts_[c] = start;
      const auto column = static_cast<ColumnId>(c);
      const bool is_new = std::ranges::find(new_columns_, column) != new_columns_.end();
      if (!is_new && start <= last) return;
      appender.AppendZero(table_->SeriesOf(column), start, row.timestamp, number_);
    });
  }
  TRY(appender.Commit());
  return {};
}

// Puts the start timestamps of the columns in `present` beside their values.
Status TableWriter::AddStarts(const Row& row, RowWorkspace& work) {
  work.values.assign(row.values.begin(), row.values.end());
  std::vector<std::pair<ColumnId, Timestamp>> starts;
  for (size_t w = 0; w < work.present.size(); ++w) {
    ForEachBit(work.present[w], w * 64, [&](size_t column) {
      if (column >= row.start_timestamps.size()) return;
      const Timestamp start = row.start_timestamps[column];
      if (start == kUnknownStart || IsStale(row.values[column])) return;
      starts.emplace_back(static_cast<ColumnId>(column), start);
    });
  }
  for (const auto& [column, start] : starts) {
    const ColumnId at = TRY(StartColumnOf(column));
    if (at >= work.values.size()) work.values.resize(size_t{at} + 1);
    if (WordsFor(size_t{at} + 1) > work.present.size()) work.present.resize(at / 64 + 1);
    work.values[at] = ToStreamValue(start);
    SetBit(work.present, at);
  }
  // As wide as the table is now.
  table_->KeepAssigned(work.present);
  return {};
}

Status TableWriter::Write(const Row& row, TimeRange had, RowWorkspace& work) {
  if (row.timestamp > had.max) path_.head.CountChunks(table_->SealWhenDue(work.encoder));
  Encode(row, work);
  work.payload.clear();
  wal::AppendRow(work.payload, {table_->id(), sequence_, work.body, previous_body_});
  table_->ExpectRow(path_.log.segment());
  const wal::Record record{wal::RecordType::kRow, work.payload};
  TRY(path_.Log({&record, 1}));
  table_->Append(sequence_, row.timestamp, work.present, work.changes);
  ++sequence_;
  wrote_ = true;
  KeepBody(work.body);
  FreeMemory(releases_);
  FreeMemory(assignments_);
  FreeMemory(new_columns_);
  return {};
}

// A key row's body is several times as long as the others: its room is not kept.
void TableWriter::KeepBody(std::string_view body) {
  if (previous_body_.capacity() / 2 > body.size()) {
    previous_body_ = std::string(body);
  } else {
    previous_body_.assign(body);
  }
}

void TableWriter::Encode(const Row& row, RowWorkspace& work) {
  RowInput input{.timestamp = row.timestamp,
                 .values = row.values,
                 .present = work.present,
                 .assigned = {},
                 .key = table_->tail_empty() || sequence_ >= next_key_,
                 .releases = releases_,
                 .assignments = assignments_};
  std::vector<ColumnAssignment> all;
  if (input.key) {
    all = table_->Assignments();
    next_key_ = sequence_ + kKeyInterval;
    input.releases = {};
    input.assignments = all;
  }
  work.body.clear();
  table_->Encode(input, work.buffers, work.body, work.changes);
}

}  // namespace barograph::tsdb
