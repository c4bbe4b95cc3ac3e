#include "tsdb/head/sealed_run.h"

#include <array>
#include <cstring>

#include "tsdb/chunk/timestamp_codec.h"
#include "tsdb/head/tail.h"

namespace barograph::tsdb {
namespace {

constexpr size_t kOffsetBytes = 4;
constexpr size_t kPartialBytes = 20;

template <typename T>
void AppendInteger(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

template <typename T>
T LoadInteger(const char* in) {
  T value;
  std::memcpy(&value, in, sizeof(T));
  return value;
}

void AppendPartial(std::string& out, size_t column, RowMask present) {
  AppendInteger(out, static_cast<uint32_t>(column));
  AppendInteger(out, present.words[0]);
  AppendInteger(out, present.words[1]);
}

// Moves the values of the present rows to the front; returns how many there are.
size_t Compact(RowMask present, std::span<double> values) {
  size_t count = 0;
  for (size_t row = 0; row < values.size(); ++row) {
    if (present.Test(row)) values[count++] = values[row];
  }
  return count;
}

}  // namespace

std::shared_ptr<const SealedRun> SealedRun::Build(const Tail& tail, Columns columns,
                                                  ValueEncoder& encoder) {
  std::shared_ptr<SealedRun> run(new SealedRun);
  run->rows_ = tail.rows();
  run->range_ = {tail.timestamps().front(), tail.timestamps().back()};
  run->columns_ = std::move(columns);

  const size_t width = run->columns_->size();
  const RowMask every_row = RowMask::Range(0, tail.rows());
  std::string offsets, partials, chunks;
  std::array<double, Tail::kRows> values;
  for (size_t c = 0; c < width; ++c) {
    AppendInteger(offsets, static_cast<uint32_t>(chunks.size()));
    const auto column = static_cast<ColumnId>(c);
    const RowMask present = tail.Present(column);
    if (present != every_row) {
      AppendPartial(partials, c, present);
      ++run->partials_;
    }
    if (present.empty()) continue;
    const std::span<double> all(values.data(), tail.rows());
    tail.Decode(column, all);
    encoder.Encode(all.first(Compact(present, all)), chunks);
  }
  AppendInteger(offsets, static_cast<uint32_t>(chunks.size()));
  std::string timestamps;
  EncodeTimestamps(tail.timestamps(), timestamps);

  run->chunks_at_ = static_cast<uint32_t>(offsets.size() + partials.size() + timestamps.size());
  run->bytes_.reserve(run->chunks_at_ + chunks.size());
  run->bytes_.append(offsets).append(partials).append(timestamps).append(chunks);
  return run;
}

uint32_t SealedRun::Offset(size_t column) const {
  return LoadInteger<uint32_t>(bytes_.data() + column * kOffsetBytes);
}

Status SealedRun::DecodeTimestamps(std::span<Timestamp> out) const {
  const size_t at = (columns_->size() + 1) * kOffsetBytes + partials_ * kPartialBytes;
  return tsdb::DecodeTimestamps(std::string_view(bytes_).substr(at, chunks_at_ - at), out);
}

size_t SealedRun::Find(SeriesId series, ColumnId guess) const {
  const std::vector<SeriesId>& columns = *columns_;
  if (guess < columns.size() && columns[guess] == series) return guess;
  for (size_t c = 0; c < columns.size(); ++c) {
    if (columns[c] == series) return c;
  }
  return kNotFound;
}

RowMask SealedRun::Present(size_t column) const {
  const char* partial = bytes_.data() + (columns_->size() + 1) * kOffsetBytes;
  size_t low = 0, high = partials_;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (LoadInteger<uint32_t>(partial + middle * kPartialBytes) < column) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const char* found = partial + low * kPartialBytes;
  if (low == partials_ || LoadInteger<uint32_t>(found) != column) {
    return RowMask::Range(0, rows_);
  }
  return {{LoadInteger<uint64_t>(found + 4), LoadInteger<uint64_t>(found + 12)}};
}

Status SealedRun::DecodeValues(size_t column, std::span<double> out) const {
  const RowMask present = Present(column);
  const size_t count = present.Count();
  const std::string_view chunk = std::string_view(bytes_).substr(
      chunks_at_ + Offset(column), Offset(column + 1) - Offset(column));
  if (Status s = tsdb::DecodeValues(chunk, out.first(count)); !s) return s;
  if (count == rows_) return {};
  // Spread out, from the back, to the rows the values belong to.
  size_t from = count;
  for (size_t row = rows_; row-- > 0 && from > 0;) {
    if (present.Test(row)) out[row] = out[--from];
  }
  return {};
}

}  // namespace barograph::tsdb
