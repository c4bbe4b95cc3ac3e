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

SealedRun::SealedRun(RunShape shape, Columns columns, std::string_view bytes,
                     std::shared_ptr<const void> owner, std::shared_ptr<const LateCheck> check)
    : shape_(shape),
      columns_(std::move(columns)),
      bytes_(bytes),
      owner_(std::move(owner)),
      check_(std::move(check)) {}

std::shared_ptr<const SealedRun> SealedRun::Build(const Tail& tail, Columns columns,
                                                  ValueEncoder& encoder) {
  RunShape shape{.rows = tail.rows(),
                 .range = {tail.timestamps().front(), tail.timestamps().back()}};
  const size_t width = columns->size();
  const RowMask every_row = RowMask::Range(0, tail.rows());
  std::string offsets, partials, chunks;
  std::array<double, Tail::kRows> values;
  for (size_t c = 0; c < width; ++c) {
    AppendInteger(offsets, static_cast<uint32_t>(chunks.size()));
    const auto column = static_cast<ColumnId>(c);
    const RowMask present = tail.Present(column);
    if (present != every_row) {
      AppendPartial(partials, c, present);
      ++shape.partials;
    }
    if (present.empty()) continue;
    const std::span<double> all(values.data(), tail.rows());
    tail.Decode(column, all);
    encoder.Encode(all.first(Compact(present, all)), chunks);
  }
  AppendInteger(offsets, static_cast<uint32_t>(chunks.size()));
  std::string timestamps;
  EncodeTimestamps(tail.timestamps(), timestamps);

  shape.chunks_at = static_cast<uint32_t>(offsets.size() + partials.size() + timestamps.size());
  auto bytes = std::make_shared<std::string>();
  bytes->reserve(shape.chunks_at + chunks.size());
  bytes->append(offsets).append(partials).append(timestamps).append(chunks);
  const std::string_view view = *bytes;
  return std::shared_ptr<const SealedRun>(
      new SealedRun(shape, std::move(columns), view, std::move(bytes), nullptr));
}

Result<std::shared_ptr<const SealedRun>> SealedRun::Over(RunShape shape, Columns columns,
                                                         std::string_view bytes,
                                                         std::shared_ptr<const void> owner,
                                                         std::shared_ptr<const LateCheck> check) {
  std::shared_ptr<const SealedRun> run(
      new SealedRun(shape, std::move(columns), bytes, std::move(owner), std::move(check)));
  const bool fits = run->check_ == nullptr ? run->IsWellFormed() : run->HasShape();
  if (!fits) return Fail(ErrorCode::kCorruption, "a sealed run is malformed");
  return run;
}

std::shared_ptr<const SealedRun> SealedRun::With(Columns columns) const {
  return std::shared_ptr<const SealedRun>(
      new SealedRun(shape_, std::move(columns), bytes_, owner_, check_));
}

std::shared_ptr<const SealedRun> SealedRun::At(std::string_view bytes,
                                               std::shared_ptr<const void> owner) const {
  return std::shared_ptr<const SealedRun>(
      new SealedRun(shape_, columns_, bytes, std::move(owner), check_));
}

bool SealedRun::IsIntact() const {
  return check_ == nullptr || check_->Passes([this] { return IsWellFormed(); });
}

bool SealedRun::HasShape() const {
  const uint64_t timestamps_at =
      (uint64_t{columns_->size()} + 1) * kOffsetBytes + uint64_t{shape_.partials} * kPartialBytes;
  return shape_.rows > 0 && shape_.rows <= Tail::kRows && shape_.range.min <= shape_.range.max &&
         timestamps_at <= shape_.chunks_at && shape_.chunks_at <= bytes_.size();
}

// Whether everything that the bytes tell of themselves lies within them.
bool SealedRun::IsWellFormed() const {
  if (!HasShape()) return false;
  uint32_t before = 0;
  for (size_t c = 0; c <= columns_->size(); ++c) {
    if (Offset(c) < before) return false;
    before = Offset(c);
  }
  return before == bytes_.size() - shape_.chunks_at;
}

uint32_t SealedRun::Offset(size_t column) const {
  return LoadInteger<uint32_t>(bytes_.data() + column * kOffsetBytes);
}

Status SealedRun::DecodeTimestamps(std::span<Timestamp> out) const {
  const size_t at = (columns_->size() + 1) * kOffsetBytes + shape_.partials * kPartialBytes;
  return tsdb::DecodeTimestamps(bytes_.substr(at, shape_.chunks_at - at), out);
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
  size_t low = 0, high = shape_.partials;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (LoadInteger<uint32_t>(partial + middle * kPartialBytes) < column) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const char* found = partial + low * kPartialBytes;
  if (low == shape_.partials || LoadInteger<uint32_t>(found) != column) {
    return RowMask::Range(0, rows());
  }
  const RowMask every_row = RowMask::Range(0, rows());
  return {{LoadInteger<uint64_t>(found + 4) & every_row.words[0],
           LoadInteger<uint64_t>(found + 12) & every_row.words[1]}};
}

Status SealedRun::DecodeValues(size_t column, std::span<double> out, DecodeRun decode) const {
  const RowMask present = Present(column);
  const size_t count = present.Count();
  const std::string_view chunk =
      bytes_.substr(shape_.chunks_at + Offset(column), Offset(column + 1) - Offset(column));
  TRY(decode(chunk, out.first(count)));
  if (count == rows()) return {};
  // Spread out, from the back, to the rows the values belong to.
  size_t from = count;
  for (size_t row = rows(); row-- > 0 && from > 0;) {
    if (present.Test(row)) out[row] = out[--from];
  }
  return {};
}

}  // namespace barograph::tsdb
