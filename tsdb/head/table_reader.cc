#include "tsdb/head/table_reader.h"

#include <algorithm>

#include "tsdb/start_stream.h"

namespace barograph::tsdb {
namespace {

// A tail can be sealed while it is read, but hardly so often: a seal takes 120 rows.
constexpr int kTries = 16;

// The first clear bit at or after `from`, or `end`.
size_t FindGap(std::span<const uint64_t> bits, size_t from, size_t end) {
  while (from < end) {
    const uint64_t gaps = ~bits[from / 64] >> (from % 64);
    if (gaps != 0) return std::min(end, from + static_cast<size_t>(std::countr_zero(gaps)));
    from = (from / 64 + 1) * 64;
  }
  return end;
}

size_t FindBit(std::span<const uint64_t> bits, size_t from, size_t end) {
  while (from < end) {
    const uint64_t set = bits[from / 64] >> (from % 64);
    if (set != 0) return std::min(end, from + static_cast<size_t>(std::countr_zero(set)));
    from = (from / 64 + 1) * 64;
  }
  return end;
}

}  // namespace

Result<SeriesSamples> TableReader::Read(uint32_t index, SeriesId series, ColumnId guess) {
  if (index != loaded_) TRY(LoadView(index));
  TRY(Decode(index, series, guess));
  const size_t first = FindBit(present_, begin_, end_);
  if (FindGap(present_, first, end_) == end_) return Contiguous(index, first);
  return Scattered();
}

Result<SeriesSamples> TableReader::ReadStarts(uint32_t index, SeriesId series) {
  if (!tables_[index].table->has_start_streams()) return SeriesSamples();
  found_ = starts_guess_;
  const SeriesSamples stream = TRY(Read(index, StartStreamOf(series), starts_guess_));
  starts_guess_ = found_ + 1;
  return stream;
}

RowLimit TableReader::LimitOf(uint32_t index) const {
  const auto renewed = new_limits_.find(index);
  return renewed == new_limits_.end() ? tables_[index].limit : renewed->second;
}

bool TableReader::TakeNewRows(uint32_t index) {
  const RowLimit now = SelectedTable::LimitNow(*tables_[index].table);
  if (now.late_appends == LimitOf(index).late_appends) return false;
  new_limits_[index] = now;
  if (loaded_ == index) loaded_ = kNoTable;
  return true;
}

void TableReader::ForgetNewRows() {
  if (new_limits_.contains(loaded_)) loaded_ = kNoTable;
  new_limits_.clear();
}

Status TableReader::LoadView(uint32_t index) {
  loaded_ = kNoTable;
  TRY(tables_[index].table->View(range_, LimitOf(index).rows, damaged_, view_));
  const auto& times = view_.timestamps;
  begin_ = static_cast<size_t>(std::ranges::lower_bound(times, range_.min) - times.begin());
  end_ = static_cast<size_t>(std::ranges::upper_bound(times, range_.max) - times.begin());
  loaded_ = index;
  return {};
}

Status TableReader::Decode(uint32_t index, SeriesId series, ColumnId guess) {
  for (int attempt = 0; attempt < kTries; ++attempt) {
    TRY(DecodeRuns(series, guess));
    if (view_.tail_rows == 0) return {};
    RowMask present;
    const std::span<double> tail = std::span(values_).last(view_.tail_rows);
    if (tables_[index].table->ReadTail(series, guess, view_.tail_row, tail, present)) {
      MarkPresent(values_.size() - view_.tail_rows, present);
      return {};
    }
    TRY(LoadView(index));
  }
  return Fail(ErrorCode::kUnavailable, "a target's table changes too fast to be read");
}

Status TableReader::DecodeRuns(SeriesId series, ColumnId guess) {
  size_t rows = view_.tail_rows;
  for (const auto& run : view_.runs) rows += run->rows();
  values_.resize(rows);
  // A mask is two words and may start at any row.
  present_.assign(WordsFor(rows) + 3, 0);
  size_t first_row = 0;
  for (const auto& run : view_.runs) {
    const size_t column = run->Find(series, guess);
    if (column != SealedRun::kNotFound) {
      found_ = static_cast<ColumnId>(column);
      const std::span<double> out = std::span(values_).subspan(first_row, run->rows());
      TRY(run->DecodeValues(column, out, decode_));
      MarkPresent(first_row, run->Present(column));
    }
    first_row += run->rows();
  }
  return {};
}

void TableReader::MarkPresent(size_t first_row, RowMask rows) {
  const size_t word = first_row / 64, shift = first_row % 64;
  for (size_t w = 0; w < 2; ++w) {
    present_[word + w] |= rows.words[w] << shift;
    if (shift != 0) present_[word + w + 1] |= rows.words[w] >> (64 - shift);
  }
}

SeriesSamples TableReader::Contiguous(uint32_t index, size_t first) {
  const size_t count = end_ - first;
  SeriesSamples samples;
  samples.timestamps = std::span(view_.timestamps).subspan(first, count);
  samples.values = std::span(values_).subspan(first, count);
  // All such series end at the same row: the table and the first row say the rest.
  const uint64_t row = view_.first_row + first;
  if (count > 0 && row < uint64_t{1} << 40) {
    samples.timestamp_column = (uint64_t{index} + 1) << 40 | row;
  }
  return samples;
}

SeriesSamples TableReader::Scattered() {
  compact_.clear();
  for (size_t row = FindBit(present_, begin_, end_); row < end_;
       row = FindBit(present_, row + 1, end_)) {
    compact_.timestamps.push_back(view_.timestamps[row]);
    compact_.values.push_back(values_[row]);
  }
  SeriesSamples samples;
  samples.timestamps = compact_.timestamps;
  samples.values = compact_.values;
  return samples;
}

}  // namespace barograph::tsdb
