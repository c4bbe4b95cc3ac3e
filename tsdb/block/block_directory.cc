#include "tsdb/block/block_directory.h"

#include <algorithm>
#include <numeric>

#include "base/bytes/varint.h"
#include "tsdb/chunk/pfor.h"
#include "tsdb/chunk/value_codec.h"

namespace barograph::tsdb {
namespace {

static_assert(kDirectoryPiece == kBlockSize);

void AppendEntry(const ExtentEntry& entry, std::string& out) {
  const auto kind = static_cast<uint8_t>(entry.kind);
  out.push_back(static_cast<char>(kind | (entry.compressed ? kExtentIsCompressed : 0)));
  AppendVarint(out, entry.count);
  AppendVarint(out, entry.stored_bytes);
  if (entry.compressed) AppendVarint(out, entry.bytes);
  AppendFixed64(out, entry.checksum);
}

const char* ReadEntry(const char* in, const char* end, ExtentEntry& entry) {
  if (in == end) return nullptr;
  const auto flags = static_cast<uint8_t>(*in++);
  if ((flags & ~(kExtentKindMask | kExtentIsCompressed)) != 0) return nullptr;
  entry.kind = static_cast<ExtentKind>(flags & kExtentKindMask);
  entry.compressed = (flags & kExtentIsCompressed) != 0;
  in = GetVarint(in, end, entry.count);
  if (in != nullptr) in = GetVarint(in, end, entry.stored_bytes);
  entry.bytes = entry.stored_bytes;
  if (in != nullptr && entry.compressed) in = GetVarint(in, end, entry.bytes);
  if (in == nullptr || end - in < 8) return nullptr;
  entry.checksum = LoadFixed64(in);
  const bool possible = entry.count > 0 && entry.count <= kMaxExtentItems &&
                        entry.stored_bytes <= kMaxExtentBytes && entry.bytes <= kMaxExtentBytes;
  return possible ? in + 8 : nullptr;
}

void AppendIntegerBlock(std::span<const uint64_t> integers, std::string& out) {
  if (!integers.empty()) AppendBlock(integers, PlanBlock(integers), out);
}

/// The positions of series in the order of their ids; empty where an id is there twice.
std::vector<uint32_t> OrderById(std::span<const SeriesId> ids) {
  std::vector<uint32_t> order(ids.size());
  std::iota(order.begin(), order.end(), uint32_t{0});
  std::ranges::sort(order, {}, [ids](uint32_t position) { return ids[position]; });
  const auto twice =
      std::ranges::adjacent_find(order, [ids](uint32_t a, uint32_t b) { return ids[a] == ids[b]; });
  if (twice != order.end()) order.clear();
  return order;
}

void AppendPiece(std::span<const SeriesId> ids, std::span<const uint32_t> order, std::string& out) {
  uint64_t steps[kDirectoryPiece], positions[kDirectoryPiece];
  for (size_t i = 0; i < order.size(); ++i) {
    positions[i] = order[i];
    const auto id = static_cast<uint64_t>(ids[order[i]]);
    if (i > 0) steps[i - 1] = id - static_cast<uint64_t>(ids[order[i - 1]]);
  }
  AppendIntegerBlock(std::span(steps).first(order.size() - 1), out);
  AppendIntegerBlock(std::span(positions).first(order.size()), out);
}

}  // namespace

bool AppendDirectory(size_t run_rows, std::span<const ExtentEntry> extents,
                     std::span<const SeriesId> ids, std::string& out) {
  const std::vector<uint32_t> order = OrderById(ids);
  if (order.size() != ids.size()) return false;
  AppendVarint(out, run_rows);
  AppendVarint(out, extents.size());
  for (const ExtentEntry& entry : extents) AppendEntry(entry, out);
  AppendVarint(out, ids.size());
  std::string pieces;
  for (std::span<const uint32_t> left(order); !left.empty();) {
    const auto piece = left.first(std::min(kDirectoryPiece, left.size()));
    AppendFixed64(out, static_cast<uint64_t>(ids[piece[0]]));
    AppendFixed32(out, static_cast<uint32_t>(pieces.size()));
    AppendPiece(ids, piece, pieces);
    left = left.subspan(piece.size());
  }
  out += pieces;
  return true;
}

std::optional<BlockDirectory> BlockDirectory::Parse(std::string_view bytes, uint64_t offset) {
  BlockDirectory directory;
  directory.bytes_ = bytes.size();
  const char* const end = bytes.data() + bytes.size();
  uint64_t run_rows = 0;
  const char* in = GetVarint(bytes.data(), end, run_rows);
  if (in == nullptr || run_rows == 0 || run_rows > kMaxRunValues) return std::nullopt;
  directory.run_rows_ = run_rows;
  in = directory.ParseExtents(in, end);
  if (in != nullptr) in = GetVarint(in, end, directory.series_);
  if (in == nullptr || directory.series_ > kMaxBlockSeries) return std::nullopt;
  const size_t index_bytes = directory.pieces() * kDirectoryIndexBytes;
  if (index_bytes > static_cast<size_t>(end - in)) return std::nullopt;
  directory.index_ = in;
  directory.pieces_bytes_ = {in + index_bytes, static_cast<size_t>(end - in) - index_bytes};
  if (!directory.AddUp(offset)) return std::nullopt;
  return directory;
}

const char* BlockDirectory::ParseExtents(const char* in, const char* end) {
  uint64_t count = 0;
  in = GetVarint(in, end, count);
  if (in == nullptr || count > static_cast<size_t>(end - in)) return nullptr;
  extents_.resize(count);
  for (ExtentEntry& entry : extents_) {
    in = ReadEntry(in, end, entry);
    if (in == nullptr) return nullptr;
  }
  return in;
}

/// Finds each extent's offset and first item.
bool BlockDirectory::AddUp(uint64_t directory_offset) {
  uint64_t offset = kBlockMagic.size();
  for (size_t i = 0; i < extents_.size(); ++i) {
    ExtentEntry& entry = extents_[i];
    const auto kind = static_cast<size_t>(entry.kind);
    entry.offset = offset;
    entry.first = totals_[kind];
    totals_[kind] += entry.count;
    offset += entry.stored_bytes;
    by_kind_[kind].push_back(static_cast<uint32_t>(i));
  }
  return offset == directory_offset && Total(ExtentKind::kSamples) == series_ &&
         Total(ExtentKind::kLabels) == series_;
}

uint64_t BlockDirectory::FirstId(size_t piece) const {
  return LoadFixed64(index_ + piece * kDirectoryIndexBytes);
}

bool BlockDirectory::ReadPiece(size_t index, Piece& piece) const {
  const uint32_t offset = LoadFixed32(index_ + index * kDirectoryIndexBytes + 8);
  if (offset > pieces_bytes_.size()) return false;
  piece.count = std::min<size_t>(kDirectoryPiece, series_ - index * kDirectoryPiece);
  const char* in = pieces_bytes_.data() + offset;
  const char* const end = pieces_bytes_.data() + pieces_bytes_.size();
  uint64_t steps[kDirectoryPiece];
  if (piece.count > 1) in = ReadBlock(in, end, piece.count - 1, steps);
  if (in != nullptr) in = ReadBlock(in, end, piece.count, piece.positions);
  if (in == nullptr) return false;
  piece.ids[0] = FirstId(index);
  for (size_t i = 1; i < piece.count; ++i) piece.ids[i] = piece.ids[i - 1] + steps[i - 1];
  return true;
}

/// How many pieces begin with `id` or less.
size_t BlockDirectory::PiecesUpTo(uint64_t id) const {
  size_t below = 0, above = pieces();
  while (below < above) {
    const size_t middle = below + (above - below) / 2;
    if (FirstId(middle) <= id) {
      below = middle + 1;
    } else {
      above = middle;
    }
  }
  return below;
}

std::optional<SeriesId> BlockDirectory::FirstIdAbove(SeriesId id) const {
  const auto number = static_cast<uint64_t>(id);
  const size_t count = PiecesUpTo(number);
  Piece piece;
  if (count > 0 && ReadPiece(count - 1, piece)) {
    const std::span<const uint64_t> ids(piece.ids, piece.count);
    const auto found = std::ranges::upper_bound(ids, number);
    if (found != ids.end()) return SeriesId{*found};
  }
  return count < pieces() ? std::optional(SeriesId{FirstId(count)}) : std::nullopt;
}

std::optional<uint64_t> BlockDirectory::PositionOf(SeriesId id) const {
  return PositionFinder(*this).PositionOf(id);
}

std::optional<uint64_t> PositionFinder::PositionOf(SeriesId id) {
  const auto wanted = static_cast<uint64_t>(id);
  const bool in_last = index_ < directory_.pieces() && piece_.ids[0] <= wanted &&
                       wanted <= piece_.ids[piece_.count - 1];
  if (!in_last) {
    const size_t count = directory_.PiecesUpTo(wanted);
    if (count == 0) return std::nullopt;
    if (index_ != count - 1) {
      index_ = ~size_t{0};
      if (!directory_.ReadPiece(count - 1, piece_)) return std::nullopt;
      index_ = count - 1;
    }
  }
  const std::span<const uint64_t> ids(piece_.ids, piece_.count);
  const auto found = std::ranges::lower_bound(ids, wanted);
  if (found == ids.end() || *found != wanted) return std::nullopt;
  return piece_.positions[found - ids.begin()];
}

std::optional<size_t> BlockDirectory::ExtentOf(ExtentKind kind, uint64_t number) const {
  const std::vector<uint32_t>& of_kind = by_kind_[static_cast<size_t>(kind)];
  const auto after = std::ranges::upper_bound(
      of_kind, number, {}, [this](uint32_t index) { return extents_[index].first; });
  if (after == of_kind.begin()) return std::nullopt;
  const uint32_t index = *std::prev(after);
  if (number - extents_[index].first >= extents_[index].count) return std::nullopt;
  return index;
}

bool BlockDirectory::ReadAll(std::vector<SeriesId>& ids, std::vector<uint64_t>& positions) const {
  ids.clear();
  positions.clear();
  ids.reserve(series_);
  positions.reserve(series_);
  Piece piece;
  for (size_t i = 0; i < pieces(); ++i) {
    if (!ReadPiece(i, piece)) return false;
    for (size_t k = 0; k < piece.count; ++k) ids.push_back(SeriesId{piece.ids[k]});
    positions.insert(positions.end(), piece.positions, piece.positions + piece.count);
  }
  return true;
}

}  // namespace barograph::tsdb
