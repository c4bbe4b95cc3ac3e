#include "tsdb/block/column_format.h"

#include <algorithm>
#include <bit>

#include "base/bytes/varint.h"
#include "tsdb/chunk/timestamp_codec.h"

namespace barograph::tsdb {
namespace {

void AppendHead(ColumnKind kind, uint64_t rows, std::string& out) {
  AppendVarint(out, rows << kColumnKindBits | static_cast<uint64_t>(kind));
}

bool ParsePieces(const char* in, const char* end, size_t piece_rows, ParsedColumn& column) {
  const size_t count = (column.rows + piece_rows - 1) / piece_rows;
  if (count == 1) {
    column.pieces = {{{}, {in, static_cast<size_t>(end - in)}}};
    return true;
  }
  if (count > static_cast<size_t>(end - in)) return false;
  column.pieces.resize(count);
  std::vector<uint64_t> sizes(count);
  uint64_t first = 0, step = 0;
  for (size_t i = 0; i < count; ++i) {
    in = GetVarint(in, end, step);
    if (in != nullptr) in = GetVarint(in, end, sizes[i]);
    if (in == nullptr) return false;
    first = i == 0 ? static_cast<uint64_t>(UnZigZag(step)) : first + step;
    column.pieces[i].first = FromMs(static_cast<int64_t>(first));
  }
  for (size_t i = 0; i < count; ++i) {
    if (sizes[i] > static_cast<size_t>(end - in)) return false;
    column.pieces[i].bytes = {in, sizes[i]};
    in += sizes[i];
  }
  return in == end;
}

size_t CountBits(std::string_view bits) {
  size_t count = 0;
  for (const char byte : bits) {
    count += static_cast<size_t>(std::popcount(static_cast<uint8_t>(byte)));
  }
  return count;
}

bool ParseDerived(const char* in, const char* end, ParsedColumn& column) {
  in = GetVarint(in, end, column.base);
  if (in != nullptr) in = GetVarint(in, end, column.first_row);
  if (in == nullptr || column.first_row > kMaxColumnRows) return false;
  column.bits = {in, static_cast<size_t>(end - in)};
  if (column.kind == ColumnKind::kPart) return column.bits.empty();
  return CountBits(column.bits) == column.rows;
}

}  // namespace

void AppendOwnColumn(std::span<const Timestamp> timestamps, size_t piece_rows, std::string& out) {
  AppendHead(ColumnKind::kOwn, timestamps.size(), out);
  if (timestamps.size() <= piece_rows) return EncodeTimestamps(timestamps, out);
  std::string pieces;
  int64_t last = 0;
  for (size_t begin = 0; begin < timestamps.size(); begin += piece_rows) {
    const int64_t first = ToMs(timestamps[begin]);
    const size_t offset = pieces.size();
    EncodeTimestamps(timestamps.subspan(begin, std::min(piece_rows, timestamps.size() - begin)),
                     pieces);
    const uint64_t step = static_cast<uint64_t>(first) - static_cast<uint64_t>(last);
    AppendVarint(out, begin == 0 ? ZigZag(first) : step);
    AppendVarint(out, pieces.size() - offset);
    last = first;
  }
  out += pieces;
}

void AppendPartColumn(uint64_t base, uint64_t first_row, uint64_t rows, std::string& out) {
  AppendHead(ColumnKind::kPart, rows, out);
  AppendVarint(out, base);
  AppendVarint(out, first_row);
}

void AppendPickColumn(uint64_t base, uint64_t first_row, uint64_t rows, std::string_view bits,
                      std::string& out) {
  AppendHead(ColumnKind::kPick, rows, out);
  AppendVarint(out, base);
  AppendVarint(out, first_row);
  out += bits;
}

bool ParseColumn(std::string_view bytes, size_t piece_rows, ParsedColumn& column) {
  column = {};
  const char* const end = bytes.data() + bytes.size();
  uint64_t head = 0;
  const char* const in = GetVarint(bytes.data(), end, head);
  if (in == nullptr || (head & kColumnKindMask) > static_cast<uint64_t>(ColumnKind::kPick)) {
    return false;
  }
  column.kind = static_cast<ColumnKind>(head & kColumnKindMask);
  column.rows = head >> kColumnKindBits;
  if (column.rows == 0 || column.rows > kMaxColumnRows) return false;
  return column.kind == ColumnKind::kOwn ? ParsePieces(in, end, piece_rows, column)
                                         : ParseDerived(in, end, column);
}

bool DecodePieces(const ParsedColumn& column, size_t piece_rows, size_t first, size_t last,
                  std::vector<Timestamp>& out) {
  const size_t begin = out.size();
  const size_t rows = std::min<size_t>(last * piece_rows, column.rows) - first * piece_rows;
  out.resize(begin + rows);
  std::span<Timestamp> left = std::span(out).subspan(begin);
  for (size_t i = first; i < last; ++i) {
    const std::span<Timestamp> piece = left.first(std::min(piece_rows, left.size()));
    if (!DecodeTimestamps(column.pieces[i].bytes, piece)) return false;
    left = left.subspan(piece.size());
  }
  unsigned descents = 0;  // a number, so that many are compared at once
  for (size_t i = begin + 1; i < out.size(); ++i) {
    descents |= static_cast<unsigned>(out[i] <= out[i - 1]);
  }
  return descents == 0;
}

}  // namespace barograph::tsdb
