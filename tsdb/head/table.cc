#include "tsdb/head/table.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/containers.h"
#include "tsdb/start_stream.h"

namespace barograph::tsdb {
namespace {

constexpr ColumnId kNoColumn = ~ColumnId{0};

// Released columns that may wait for a full tail before they force an early seal.
constexpr size_t kReleasedAllowed = 64;

}  // namespace

ColumnId Table::NextColumn() const {
  ReaderLock lock(mutex_);
  return free_.empty() ? static_cast<ColumnId>(series_->size()) : free_.back();
}

void Table::Assign(ColumnId column, SeriesId series) {
  WriterLock lock(mutex_);
  Take(column, series);
}

void Table::Take(ColumnId column, SeriesId series) {
  Widen(size_t{column} + 1);
  if (!free_.empty() && free_.back() == column) {
    free_.pop_back();
  } else {
    std::erase(free_, column);
  }
  ClearBit(released_, column);
  ChangeableSeries()[column] = series;
  SetBit(assigned_, column);
  if (IsStartStream(series)) {
    SetBit(streams_, column);
    has_start_streams_ = true;
  } else {
    ClearBit(streams_, column);
  }
  tail_.ResetColumn(column);
}

size_t Table::CountSamples(std::span<const uint64_t> present) const {
  ReaderLock lock(mutex_);
  size_t count = CountBits(present);
  if (!has_start_streams_) return count;
  for (size_t w = 0; w < std::min(present.size(), streams_.size()); ++w) {
    count -= static_cast<size_t>(std::popcount(present[w] & streams_[w]));
  }
  return count;
}

// Makes the table that wide; the new columns are free.
void Table::Widen(size_t width) {
  if (width <= series_->size()) return;
  for (size_t c = series_->size(); c < width; ++c) free_.push_back(static_cast<ColumnId>(c));
  std::ranges::sort(free_, std::greater());
  std::vector<SeriesId>& series = ChangeableSeries();
  GrowTight(series, width);
  series.resize(width, kNoSeries);
  assigned_.resize(WordsFor(width), 0);
  released_.resize(WordsFor(width), 0);
  streams_.resize(WordsFor(width), 0);
  tail_.Widen(width);
}

void Table::Release(ColumnId column) {
  WriterLock lock(mutex_);
  if (column >= series_->size() || !TestBit(assigned_, column)) return;
  ClearBit(assigned_, column);
  SetBit(released_, column);
  if (!tail_.HasValues(column)) FreeReleased();
}

void Table::ReleaseAll() {
  WriterLock lock(mutex_);
  for (size_t w = 0; w < assigned_.size(); ++w) released_[w] |= std::exchange(assigned_[w], 0);
  FreeReleased();
}

bool Table::Resume(ColumnId column, SeriesId series) {
  WriterLock lock(mutex_);
  return TakeUp(column, series);
}

bool Table::TakeUp(ColumnId column, SeriesId series) {
  if (column >= series_->size() || (*series_)[column] != series) return false;
  if (!TestBit(released_, column)) return false;
  ClearBit(released_, column);
  SetBit(assigned_, column);
  return true;
}

Status Table::ApplyEdits(const RowHeader& header, ValueEncoder& encoder) {
  for (const ColumnId column : header.releases) Release(column);
  if (header.key) ReleaseUnlisted(header.assignments);
  {
    // Columns that were taken and given up between two rows widen the table all the same.
    WriterLock lock(mutex_);
    Widen(header.width);
  }
  std::span<const ColumnAssignment> left = header.assignments;
  while (true) {
    TRY(ApplyAssignments(left, header.key));
    if (left.empty()) return {};
    // The log gives a column on only after its values were sealed; after a lost record that may
    // still have to be done.
    Seal(encoder);
  }
}

// Takes those off that are done, up to the first whose column has values of another series.
Status Table::ApplyAssignments(std::span<const ColumnAssignment>& left, bool key) {
  WriterLock lock(mutex_);
  for (; !left.empty(); left = left.subspan(1)) {
    const auto& [column, series, resumed] = left.front();
    const bool assigned = TestBit(assigned_, column);
    if (key && assigned && (*series_)[column] == series) continue;
    if ((key || resumed) && TakeUp(column, series)) continue;
    if (resumed) {
      return Fail(ErrorCode::kCorruption, "row record: resumes a column that is gone");
    }
    if (column < series_->size() && tail_.HasValues(column)) return {};
    Take(column, series);
  }
  return {};
}

void Table::ReleaseUnlisted(std::span<const ColumnAssignment> listed) {
  auto next = listed.begin();
  for (const ColumnAssignment& mine : Assignments()) {
    while (next != listed.end() && next->column < mine.column) ++next;
    const bool kept = next != listed.end() && next->column == mine.column;
    if (!kept || next->series != mine.series) Release(mine.column);
  }
}

// Frees those released columns that have nothing in the tail.
void Table::FreeReleased() {
  const size_t before = free_.size();
  for (size_t w = 0; w < released_.size(); ++w) {
    ForEachBit(released_[w], w * 64, [&](size_t c) REQUIRES(mutex_) {
      const auto column = static_cast<ColumnId>(c);
      if (tail_.HasValues(column)) return;
      ClearBit(released_, column);
      ChangeableSeries()[column] = kNoSeries;
      free_.push_back(column);
    });
  }
  if (free_.size() != before) std::ranges::sort(free_, std::greater());
}

SeriesId Table::SeriesOf(ColumnId column) const {
  ReaderLock lock(mutex_);
  return TestBit(assigned_, column) ? (*series_)[column] : kNoSeries;
}

size_t Table::width() const {
  ReaderLock lock(mutex_);
  for (size_t w = assigned_.size(); w-- > 0;) {
    if (assigned_[w] != 0) return w * 64 + static_cast<size_t>(std::bit_width(assigned_[w]));
  }
  return 0;
}

std::vector<ColumnAssignment> Table::Assignments() const {
  ReaderLock lock(mutex_);
  std::vector<ColumnAssignment> all;
  for (size_t w = 0; w < assigned_.size(); ++w) {
    ForEachBit(assigned_[w], w * 64, [&](size_t column) REQUIRES_SHARED(mutex_) {
      all.push_back({static_cast<ColumnId>(column), (*series_)[column], false});
    });
  }
  return all;
}

void Table::KeepAssigned(std::vector<uint64_t>& present) const {
  ReaderLock lock(mutex_);
  present.resize(assigned_.size(), 0);
  for (size_t w = 0; w < present.size(); ++w) present[w] &= assigned_[w];
}

void Table::Encode(RowInput row, RowBuffers& buffers, std::string& out,
                   std::vector<RowChange>& changes) const {
  ReaderLock lock(mutex_);
  row.assigned = assigned_;
  EncodeRow(row, tail_.coding(), buffers, out, changes);
}

Status Table::Decode(const RowHeader& header, std::vector<uint64_t>& present,
                     std::vector<RowChange>& changes) const {
  ReaderLock lock(mutex_);
  return DecodeRow(header, assigned_, tail_.coding(), present, changes);
}

void Table::Append(uint64_t sequence, Timestamp timestamp, std::span<const uint64_t> present,
                   std::span<const RowChange> changes) {
  WriterLock lock(mutex_);
  next_sequence_ = sequence + 1;
  if (tail_.rows() > 0 && timestamp == range_.max) {
    tail_.Amend(present, changes);
  } else {
    tail_.Append(timestamp, present, changes);
  }
  range_.min = std::min(range_.min, timestamp);
  range_.max = std::max(range_.max, timestamp);
}

bool Table::tail_empty() const {
  ReaderLock lock(mutex_);
  return tail_.rows() == 0;
}

std::vector<SealedRun::Columns> Table::ColumnSets() const {
  std::vector<SealedRun::Columns> sets;
  ReaderLock lock(mutex_);
  for (const StoredRun& stored : runs_) {
    const SealedRun::Columns& columns = stored.run->columns();
    if (sets.empty() || sets.back() != columns) sets.push_back(columns);
  }
  return sets;
}

std::vector<SeriesId> Table::AllSeries() const {
  std::vector<SeriesId> all;
  for (const SealedRun::Columns& columns : ColumnSets()) {
    all.insert(all.end(), columns->begin(), columns->end());
  }
  {
    ReaderLock lock(mutex_);
    all.insert(all.end(), series_->begin(), series_->end());
  }
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all).begin(), all.end());
  return all;
}

bool Table::HoldsNothing() const {
  ReaderLock lock(mutex_);
  return runs_.empty() && tail_.rows() == 0;
}

SealCount Table::SealWhenDue(ValueEncoder& encoder) {
  {
    ReaderLock lock(mutex_);
    const bool crowded = CountBits(released_) > std::max(kReleasedAllowed, series_->size() / 2);
    if (tail_.rows() < Tail::kRows && !crowded && !seal_requested_) return {};
  }
  return Seal(encoder);
}

SealCount Table::Seal(ValueEncoder& encoder) {
  seal_requested_ = false;
  // Only this thread writes: what is read under the shared lock stays as it is until the swap.
  const std::shared_ptr<const SealedRun> run = BuildRun(encoder);
  SealCount count;
  if (run != nullptr) {
    WriterLock lock(mutex_);
    runs_.push_back({id_, sealed_rows_, next_sequence_, run});
    sealed_rows_ += run->rows();
    series_ = run->columns();
    own_series_ = nullptr;
    tail_.Clear();
    FreeReleased();
    count.runs = 1;
    for (const SeriesId series : *run->columns()) count.chunks += series != kNoSeries;
  }
  StoreRuns();
  return count;
}

std::shared_ptr<const SealedRun> Table::BuildRun(ValueEncoder& encoder) const {
  ReaderLock lock(mutex_);
  return tail_.rows() == 0 ? nullptr : SealedRun::Build(tail_, SharedColumns(), encoder);
}

// Runs that the disk does not take stay in memory, and are tried again after the next seal.
void Table::StoreRuns() {
  if (files_ == nullptr) return;
  while (true) {
    StoredRun next;
    {
      ReaderLock lock(mutex_);
      if (stored_ == runs_.size()) break;
      next = runs_[stored_];
    }
    auto mapped = files_->Store(next);
    if (!mapped) return;
    WriterLock lock(mutex_);
    runs_[stored_++].run = std::move(*mapped);
  }
  ReaderLock lock(mutex_);
  if (tail_.rows() == 0) needs_segment_ = kNoSegment;
}

void Table::End() {
  WriterLock lock(mutex_);
  tail_ = Tail();
  series_ = std::make_shared<const std::vector<SeriesId>>();
  own_series_ = nullptr;
  for (auto* const bits : {&assigned_, &streams_, &released_}) FreeMemory(*bits);
  FreeMemory(free_);
}

void Table::ExpectRow(uint64_t segment) {
  uint64_t none = kNoSegment;
  needs_segment_.compare_exchange_strong(none, segment);
}

namespace {

// The run over `columns`, where those are the same as its own.
std::shared_ptr<const SealedRun> ShareColumns(const SealedRun::Columns& columns,
                                              std::shared_ptr<const SealedRun> run) {
  if (columns == run->columns()) return run;
  return *columns == *run->columns() ? run->With(columns) : run;
}

}  // namespace

void Table::Restore(StoredRun run) {
  WriterLock lock(mutex_);
  range_.min = std::min(range_.min, run.run->range().min);
  range_.max = std::max(range_.max, run.run->range().max);
  sealed_rows_ = run.first_row + run.run->rows();
  next_sequence_ = run.next_sequence;
  if (!runs_.empty()) run.run = ShareColumns(runs_.back().run->columns(), std::move(run.run));
  const bool is_known = !runs_.empty() && runs_.back().run->columns() == run.run->columns();
  if (!is_known && std::ranges::any_of(*run.run->columns(), IsStartStream)) {
    has_start_streams_ = true;
  }
  runs_.push_back(std::move(run));
  stored_ = runs_.size();
}

void Table::DropBefore(Timestamp cut) {
  WriterLock lock(mutex_);
  size_t gone = 0;
  while (gone < stored_ && runs_[gone].run->range().max < cut) ++gone;
  if (gone == 0) return;
  runs_.erase(runs_.begin(), runs_.begin() + static_cast<ptrdiff_t>(gone));
  stored_ -= gone;
  if (!runs_.empty()) {
    range_.min = runs_.front().run->range().min;
  } else if (tail_.rows() > 0) {
    range_.min = tail_.timestamps().front();
  } else {
    range_.min = range_.max;  // the last timestamp is still one that no row may be below
  }
}

// What the next run has: the list of the run before where it is the same, else one without spare
// room.
SealedRun::Columns Table::SharedColumns() const {
  if (own_series_ == nullptr) return series_;
  if (!runs_.empty() && *runs_.back().run->columns() == *series_) {
    return runs_.back().run->columns();
  }
  return std::make_shared<const std::vector<SeriesId>>(*series_);
}

std::vector<SeriesId>& Table::ChangeableSeries() {
  if (own_series_ == nullptr) {
    auto copy = std::make_shared<std::vector<SeriesId>>(*series_);
    own_series_ = copy.get();
    series_ = std::move(copy);
  }
  return *own_series_;
}

SealCount Table::ResetCoding(ValueEncoder& encoder) {
  const SealCount count = Seal(encoder);
  WriterLock lock(mutex_);
  for (size_t c = 0; c < series_->size(); ++c) tail_.ResetColumn(static_cast<ColumnId>(c));
  return count;
}

size_t Table::TakeOutLastRow(std::span<const double> values, std::vector<uint64_t>& present) const {
  ReaderLock lock(mutex_);
  size_t duplicates = 0;
  std::vector<double> rows(tail_.rows());
  for (size_t w = 0; w < std::min(present.size(), assigned_.size()); ++w) {
    ForEachBit(present[w] & assigned_[w], w * 64, [&](size_t c) REQUIRES_SHARED(mutex_) {
      const auto column = static_cast<ColumnId>(c);
      if (!tail_.IsPresentInLastRow(column)) return;
      tail_.Decode(column, rows);
      duplicates += !SameBits(rows.back(), values[c]);
      ClearBit(present, c);
    });
  }
  return duplicates;
}

TimeRange Table::range() const {
  ReaderLock lock(mutex_);
  return range_;
}

uint64_t Table::rows() const {
  ReaderLock lock(mutex_);
  return sealed_rows_ + tail_.rows();
}

Status Table::View(TimeRange range, uint64_t row_limit, DamagedRuns damaged,
                   TableView& view) const {
  view = {};
  {
    ReaderLock lock(mutex_);
    const auto begins_late = [](const StoredRun& stored, Timestamp t) {
      return stored.run->range().max < t;
    };
    const auto first =
        std::lower_bound(runs_.begin(), runs_.end(), range.min, begins_late) - runs_.begin();
    for (auto r = static_cast<size_t>(first); r < runs_.size(); ++r) {
      const auto& [table, first_row, next_sequence, run] = runs_[r];
      if (run->range().min > range.max || first_row >= row_limit) break;
      if (view.runs.empty()) view.first_row = first_row;
      view.runs.push_back(run);
    }
    view.tail_row = sealed_rows_;
    if (view.runs.empty()) view.first_row = sealed_rows_;
    if (sealed_rows_ < row_limit && tail_.rows() > 0 && tail_.timestamps().front() <= range.max &&
        range.min <= tail_.last_timestamp()) {
      const std::span<const Timestamp> tail = tail_.timestamps();
      view.tail_rows = std::min<uint64_t>(tail.size(), row_limit - sealed_rows_);
      view.timestamps.assign(tail.begin(), tail.begin() + static_cast<ptrdiff_t>(view.tail_rows));
    }
  }
  // The first to read a run may have to wait for the disk.
  uint64_t lost = 0;
  for (const auto& run : view.runs) {
    if (run->IsIntact()) continue;
    if (damaged == DamagedRuns::kFail) return std::unexpected(run->Damage());
    lost += run->rows();
  }
  if (lost > 0) std::erase_if(view.runs, [](const auto& run) { return !run->IsIntact(); });
  std::vector<Timestamp> sealed;
  for (const auto& run : view.runs) {
    sealed.resize(sealed.size() + run->rows());
    const Status decoded = run->DecodeTimestamps(std::span(sealed).last(run->rows()));
    if (!decoded) return decoded;
  }
  if (!std::ranges::is_sorted(sealed)) {
    return Fail(ErrorCode::kCorruption, "a table's sealed rows are not in the order of time");
  }
  view.timestamps.insert(view.timestamps.begin(), sealed.begin(), sealed.end());
  const uint64_t visible = row_limit - std::min(row_limit, view.first_row + lost);
  if (view.timestamps.size() > visible) view.timestamps.resize(visible);
  return {};
}

ColumnId Table::FindInTail(SeriesId series, ColumnId guess) const {
  const std::vector<SeriesId>& columns = *series_;
  if (guess < columns.size() && columns[guess] == series) return guess;
  const auto found = std::ranges::find(columns, series);
  return found == columns.end() ? kNoColumn : static_cast<ColumnId>(found - columns.begin());
}

bool Table::ReadTail(SeriesId series, ColumnId guess, uint64_t tail_row, std::span<double> out,
                     RowMask& present) const {
  ReaderLock lock(mutex_);
  present = {};
  if (sealed_rows_ != tail_row) return false;
  const ColumnId column = FindInTail(series, guess);
  if (column == kNoColumn) return true;
  present = tail_.Present(column);
  std::array<double, Tail::kRows> values;
  tail_.Decode(column, std::span(values).first(tail_.rows()));
  std::ranges::copy(std::span(values).first(std::min(out.size(), tail_.rows())), out.begin());
  return true;
}

}  // namespace barograph::tsdb
