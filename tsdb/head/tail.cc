#include "tsdb/head/tail.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/containers.h"

namespace barograph::tsdb {
namespace {

template <typename T>
bool Fits(int64_t value) {
  return value >= std::numeric_limits<T>::min() && value <= std::numeric_limits<T>::max();
}

uint8_t BytesForChange(int64_t change) {
  if (Fits<int8_t>(change)) return 1;
  if (Fits<int16_t>(change)) return 2;
  return Fits<int32_t>(change) ? 4 : 8;
}

int64_t Load(const char* slot, size_t row, uint8_t bytes) {
  const auto as = [&]<typename T>(T value) -> int64_t {
    std::memcpy(&value, slot + row * sizeof(T), sizeof(T));
    return value;
  };
  switch (bytes) {
    case 1: return as(int8_t{});
    case 2: return as(int16_t{});
    case 4: return as(int32_t{});
    case 8: return as(int64_t{});
    default: return 0;
  }
}

void StoreChange(char* slot, size_t row, uint8_t bytes, int64_t change) {
  // Little-endian: the low bytes of the change are the narrow integer.
  std::memcpy(slot + row * bytes, &change, bytes);
}

template <typename T>
void DecodeDecimal(const char* slot, size_t first, int64_t quantum, DecimalMode places,
                   std::span<double> out) {
  for (size_t row = out.size(); row-- > first;) {
    out[row] = FromDecimal(quantum, places);
    T change;
    std::memcpy(&change, slot + row * sizeof(T), sizeof(T));
    quantum -= change;
  }
}

void DecodeRaw(const char* slot, size_t first, double last, std::span<double> out) {
  uint64_t bits = Bits(last);
  for (size_t row = out.size(); row-- > first;) {
    out[row] = FromBits(bits);
    bits -= static_cast<uint64_t>(Load(slot, row, 8));
  }
}

}  // namespace

// Calls visit(list by column, what a new column has there).
template <typename F>
void Tail::ForEachList(F&& visit) {
  visit(last_, 0.0);
  visit(mode_, DecimalMode{0});
  visit(raw_, uint8_t{0});
  visit(bytes_, uint8_t{0});
  visit(first_row_, kNoRow);
  visit(slot_, uint32_t{0});
}

void Tail::Widen(size_t width) {
  if (width <= last_.size()) return;
  ForEachList([width](auto& list, auto with) {
    GrowTight(list, width);
    list.resize(width, with);
  });
  regular_.resize(WordsFor(width), 0);
}

void Tail::ResetColumn(ColumnId column) {
  last_[column] = 0;
  mode_[column] = 0;
  raw_[column] = 0;
}

RowMask Tail::Present(ColumnId column) const {
  if (!HasValues(column)) return {};
  if (TestBit(regular_, column)) return RowMask::Range(first_row_[column], rows_);
  return masks_.at(column);
}

bool Tail::IsPresentInLastRow(ColumnId column) const {
  return rows_ > 0 && HasValues(column) && Present(column).Test(rows_ - 1);
}

void Tail::Append(Timestamp timestamp, std::span<const uint64_t> present,
                  std::span<const RowChange> changes) {
  if (rows_ == room_) MakeRoom();
  const size_t row = rows_++;
  timestamps_[row] = timestamp;
  for (size_t w = 0; w < regular_.size(); ++w) {
    ForEachBit(regular_[w] & ~WordAt(present, w), w * 64,
               [&](size_t column) { MarkGone(column, row); });
  }
  MarkPresent(present, row);
  // Of each column one cache line is written, which since the last row is likely to be out of the
  // caches: the lines are asked for some changes ahead.
  constexpr size_t kAhead = 8;
  for (size_t i = 0; i < changes.size(); ++i) {
    if (i + kAhead < changes.size())
      __builtin_prefetch(AddressOf(changes[i + kAhead].column, row), 1);
    Apply(changes[i], row);
  }
}

void Tail::Amend(std::span<const uint64_t> present, std::span<const RowChange> changes) {
  const size_t row = rows_ - 1;
  MarkPresent(present, row);
  for (const RowChange& change : changes) Apply(change, row);
}

void Tail::MarkPresent(std::span<const uint64_t> present, size_t row) {
  for (size_t w = 0; w < regular_.size(); ++w) {
    ForEachBit(WordAt(present, w) & ~regular_[w], w * 64,
               [&](size_t column) { MarkNew(column, row); });
  }
}

void Tail::MarkGone(size_t column, size_t row) {
  ClearBit(regular_, column);
  masks_[static_cast<ColumnId>(column)] = RowMask::Range(first_row_[column], row);
}

void Tail::MarkNew(size_t column, size_t row) {
  if (first_row_[column] == kNoRow) {
    first_row_[column] = static_cast<uint8_t>(row);
    SetBit(regular_, column);
  } else {
    masks_.at(static_cast<ColumnId>(column)).Set(row);
  }
}

void Tail::Apply(const RowChange& change, size_t row) {
  const ColumnId column = change.column;
  switch (change.kind) {
    case RowChange::Kind::kSpecial:
      specials_[column].emplace_back(static_cast<uint8_t>(row), change.value);
      return;
    case RowChange::Kind::kDelta:
    case RowChange::Kind::kSet: Store(change, row); return;
    case RowChange::Kind::kState:
      last_[column] = change.value;
      mode_[column] = change.mode;
      raw_[column] = change.mode == kRawBits;
      return;
  }
}

void Tail::Store(const RowChange& change, size_t row) {
  const ColumnId column = change.column;
  if (row == first_row_[column]) {
    raw_[column] = change.mode == kRawBits;
  } else if (raw_[column]) {
    Write(column, row, Change(last_[column], change.value, kRawBits));
  } else if (change.kind == RowChange::Kind::kDelta) [[likely]] {
    Write(column, row, change.delta);
  } else if (change.mode == mode_[column]) {
    Write(column, row, Change(last_[column], change.value, change.mode));
  } else {
    SwitchMode(change, row);
  }
  last_[column] = change.value;
  mode_[column] = change.mode;
}

// Tells the rows before `row` again in the new mode where it holds them all, else in bits.
void Tail::SwitchMode(const RowChange& change, size_t row) {
  const ColumnId column = change.column;
  std::array<double, kRows> values;
  Decode(column, std::span(values).first(rows_));
  const size_t first = first_row_[column];
  const std::span<const double> before(values.data() + first, row - first);
  const bool fits = change.mode != kRawBits && FitsMode(column, change.mode, before);
  raw_[column] = !fits;
  bytes_[column] = 0;
  values[row] = change.value;
  for (size_t r = first + 1; r <= row; ++r) {
    const int64_t delta = Change(values[r - 1], values[r], fits ? change.mode : kRawBits);
    if (delta != 0) Write(column, r, delta);
  }
}

bool Tail::FitsMode(ColumnId column, DecimalMode mode, std::span<const double> values) const {
  // Rows with a special value decode to it; they are not part of the chain of changes.
  if (specials_.contains(column)) return false;
  return std::ranges::all_of(values, [&](double value) {
    int64_t ignored;
    return ToDecimal(value, mode, ignored);
  });
}

int64_t Tail::Change(double from, double to, DecimalMode mode) const {
  if (mode == kRawBits) return static_cast<int64_t>(Bits(to) - Bits(from));
  return Quantum(to, mode) - Quantum(from, mode);
}

void Tail::Write(ColumnId column, size_t row, int64_t delta) {
  const uint8_t needed = raw_[column] ? 8 : BytesForChange(delta);
  if (needed > bytes_[column]) [[unlikely]]
    SetWidth(column, needed);
  StoreChange(changes_.data() + slot_[column], row, bytes_[column], delta);
}

void Tail::SetWidth(ColumnId column, uint8_t bytes) {
  const size_t old = slot_[column];
  AddSlot(changes_, column, bytes);
  for (size_t row = 0; row < rows_ && bytes_[column] != 0; ++row) {
    const int64_t change = Load(changes_.data() + old, row, bytes_[column]);
    StoreChange(changes_.data() + slot_[column], row, bytes, change);
  }
  bytes_[column] = bytes;
}

// Gives the column an empty slot at the end of `changes`.
void Tail::AddSlot(std::vector<char>& changes, ColumnId column, uint8_t bytes) {
  const size_t at = changes.size();
  const size_t end = at + room_ * bytes;
  GrowTight(changes, end);
  changes.resize(end, 0);
  slot_[column] = static_cast<uint32_t>(at);
}

void Tail::MakeRoom() {
  room_ = std::min(kRows, room_ + room_ / 2);
  size_t size = 0;
  for (const uint8_t bytes : bytes_) size += room_ * bytes;
  std::vector<char> changes;
  changes.reserve(size + size / 8);
  for (size_t c = 0; c < bytes_.size(); ++c) {
    if (bytes_[c] == 0) continue;
    const char* const from = changes_.data() + slot_[c];
    AddSlot(changes, static_cast<ColumnId>(c), bytes_[c]);
    std::memcpy(changes.data() + slot_[c], from, rows_ * bytes_[c]);
  }
  changes_ = std::move(changes);
}

void Tail::Decode(ColumnId column, std::span<double> out) const {
  const size_t first = HasValues(column) ? first_row_[column] : 0;
  const char* slot = changes_.data() + slot_[column];
  const double last = last_[column];
  const DecimalMode places = mode_[column];
  switch (raw_[column] && bytes_[column] != 0 ? 0xFF : bytes_[column]) {
    case 0: std::ranges::fill(out, last); break;
    case 1: DecodeDecimal<int8_t>(slot, first, Quantum(last, places), places, out); break;
    case 2: DecodeDecimal<int16_t>(slot, first, Quantum(last, places), places, out); break;
    case 4: DecodeDecimal<int32_t>(slot, first, Quantum(last, places), places, out); break;
    case 8: DecodeDecimal<int64_t>(slot, first, Quantum(last, places), places, out); break;
    default: DecodeRaw(slot, first, last, out); break;
  }
  const auto special = specials_.find(column);
  if (special == specials_.end()) return;
  for (const auto& [row, value] : special->second) out[row] = value;
}

void Tail::Clear() {
  const size_t room = std::clamp(rows_ + 1, kLeastRoom, kRows);
  if (room < room_) FreeMemory(changes_);  // less will do
  ForEachList([](auto& list, auto) { list.shrink_to_fit(); });
  room_ = room;
  rows_ = 0;
  changes_.clear();
  masks_.clear();
  specials_.clear();
  std::ranges::fill(bytes_, uint8_t{0});
  std::ranges::fill(slot_, uint32_t{0});
  std::ranges::fill(first_row_, kNoRow);
  std::ranges::fill(regular_, uint64_t{0});
  for (size_t c = 0; c < mode_.size(); ++c) raw_[c] = mode_[c] == kRawBits;
}

}  // namespace barograph::tsdb
