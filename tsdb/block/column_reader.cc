#include "tsdb/block/column_reader.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace barograph::tsdb {
namespace {

// A column that picks rows of another needs both extents at once.
constexpr size_t kMinExtents = 2;

/// The pieces [first, second) that may have timestamps in the range.
std::pair<size_t, size_t> PiecesIn(std::span<const ColumnPiece> pieces, TimeRange range) {
  if (pieces.size() == 1) return {0, 1};
  const auto after = std::ranges::upper_bound(pieces, range.max, {}, &ColumnPiece::first);
  const auto begin = std::ranges::upper_bound(pieces, range.min, {}, &ColumnPiece::first);
  const auto first = begin == pieces.begin() ? begin : std::prev(begin);
  const auto last = std::max(first, after);
  return {static_cast<size_t>(first - pieces.begin()), static_cast<size_t>(last - pieces.begin())};
}

std::span<const Timestamp> Within(std::span<const Timestamp> timestamps, TimeRange range) {
  const auto begin = std::ranges::lower_bound(timestamps, range.min);
  const auto end = std::ranges::upper_bound(begin, timestamps.end(), range.max);
  return {begin, end};
}

bool Test(std::string_view bits, uint64_t bit) {
  return (static_cast<uint8_t>(bits[bit / 8]) >> (bit % 8) & 1) != 0;
}

/// How many of the first `end` bits are set.
uint64_t CountBelow(std::string_view bits, uint64_t end) {
  uint64_t count = 0;
  for (uint64_t i = 0; i < end / 8; ++i) {
    count += static_cast<uint64_t>(std::popcount(static_cast<uint8_t>(bits[i])));
  }
  for (uint64_t i = end / 8 * 8; i < end; ++i) count += Test(bits, i) ? 1 : 0;
  return count;
}

}  // namespace

ColumnReader::ColumnReader(const BlockData& data, size_t cached_extents, size_t cached_timestamps)
    : data_(data),
      extents_(data, std::max(cached_extents, kMinExtents)),
      capacity_(cached_timestamps) {}

Result<ColumnRows> ColumnReader::Read(uint64_t column, TimeRange range, Inflater& inflater) {
  if (range != range_ || kept_ > capacity_) {
    columns_.clear();
    kept_ = 0;
    range_ = range;
  }
  return Find(column, inflater, Depth::kTop);
}

Result<ColumnRows> ColumnReader::Find(uint64_t column, Inflater& inflater, Depth depth) {
  const auto found = columns_.find(column);
  if (found != columns_.end()) return found->second.rows;
  const ParsedColumn parsed = TRY(Parse(column, inflater));
  Kept kept;
  if (parsed.kind == ColumnKind::kOwn) {
    kept = TRY(DecodeOwn(column, parsed));
  } else {
    if (depth == Depth::kBase) return Damaged(column);
    const ColumnRows base = TRY(Find(parsed.base, inflater, Depth::kBase));
    kept = TRY(parsed.kind == ColumnKind::kPart ? TakePart(column, parsed, base)
                                                : TakePick(column, parsed, base));
  }
  kept_ += 1 + kept.own.size();
  return columns_.emplace(column, std::move(kept)).first->second.rows;
}

Result<ParsedColumn> ColumnReader::Parse(uint64_t column, Inflater& inflater) {
  const std::optional<size_t> extent = data_.directory().ExtentOf(ExtentKind::kColumns, column);
  if (!extent.has_value()) {
    return BlockCorruption(data_.path(), data_.footer().directory_offset,
                           "a series names a column that is not there");
  }
  const ColumnExtent* const columns = TRY(extents_.Get(*extent, inflater));
  const uint64_t index = column - data_.directory().extents()[*extent].first;
  ParsedColumn parsed;
  if (!ParseColumn(columns->At(index), data_.directory().run_rows(), parsed)) {
    return Damaged(column);
  }
  return parsed;
}

Result<ColumnReader::Kept> ColumnReader::DecodeOwn(uint64_t column,
                                                   const ParsedColumn& parsed) const {
  const size_t piece_rows = data_.directory().run_rows();
  const auto [first, last] = PiecesIn(parsed.pieces, range_);
  Kept kept;
  if (!DecodePieces(parsed, piece_rows, first, last, kept.own)) return Damaged(column);
  const std::span<const Timestamp> within = Within(kept.own, range_);
  const auto skipped = static_cast<uint64_t>(within.data() - kept.own.data());
  kept.rows = {within, first * piece_rows + skipped, parsed.rows, column};
  return kept;
}

Result<ColumnReader::Kept> ColumnReader::TakePart(uint64_t column, const ParsedColumn& parsed,
                                                  const ColumnRows& base) const {
  if (parsed.first_row + parsed.rows > base.rows) return Damaged(column);
  const uint64_t size = base.timestamps.size();
  const uint64_t from = std::max(base.first_row, parsed.first_row);
  const uint64_t to = std::min(base.first_row + size, parsed.first_row + parsed.rows);
  Kept kept;
  kept.rows.rows = parsed.rows;
  if (from >= to) return kept;
  kept.rows.timestamps = base.timestamps.subspan(from - base.first_row, to - from);
  kept.rows.first_row = from - parsed.first_row;
  kept.rows.same_as = to - from == size ? base.same_as : column;
  return kept;
}

Result<ColumnReader::Kept> ColumnReader::TakePick(uint64_t column, const ParsedColumn& parsed,
                                                  const ColumnRows& base) const {
  const uint64_t end_of_bits = parsed.first_row + 8 * parsed.bits.size();
  const uint64_t end_of_base = std::max(base.rows, parsed.first_row) - parsed.first_row;
  if (end_of_bits > base.rows && CountBelow(parsed.bits, end_of_base) != parsed.rows) {
    return Damaged(column);
  }
  const uint64_t size = base.timestamps.size();
  const uint64_t from = std::max(base.first_row, parsed.first_row);
  const uint64_t to = std::min(base.first_row + size, end_of_bits);
  Kept kept;
  kept.rows.rows = parsed.rows;
  if (from >= to) return kept;
  for (uint64_t row = from; row < to; ++row) {
    if (!Test(parsed.bits, row - parsed.first_row)) continue;
    kept.own.push_back(base.timestamps[row - base.first_row]);
  }
  kept.rows.timestamps = kept.own;
  kept.rows.first_row = CountBelow(parsed.bits, from - parsed.first_row);
  kept.rows.same_as = kept.own.size() == size ? base.same_as : column;
  return kept;
}

std::unexpected<Error> ColumnReader::Damaged(uint64_t column) const {
  const std::optional<size_t> extent = data_.directory().ExtentOf(ExtentKind::kColumns, column);
  return data_.Damaged(extent.value_or(0), "a malformed column of timestamps");
}

}  // namespace barograph::tsdb
