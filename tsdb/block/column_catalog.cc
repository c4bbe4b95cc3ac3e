#include "tsdb/block/column_catalog.h"

#include <algorithm>
#include <random>
#include <utility>

#include "tsdb/block/column_format.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace barograph::tsdb {
namespace {

// What an entry of a table takes, about.
constexpr size_t kEntryBytes = 32;

// Columns tried as that which some timestamps are rows of.
constexpr size_t kMaxCandidates = 4;

// A column this short is nothing that others would be rows of.
constexpr size_t kMinBaseRows = 4;

uint64_t RandomSeed() {
  std::random_device random;
  return uint64_t{random()} << 32 | random();
}

}  // namespace

// Seeded by chance, since equal hashes are taken for equal columns: nobody can make two columns
// that meet. The hashes are not stored, so that a block's bytes depend on its samples alone.
ColumnCatalog::ColumnCatalog(Options options) : options_(options), seed_(RandomSeed()) {}

uint64_t ColumnCatalog::Find(std::span<const Timestamp> timestamps, uint64_t identity,
                             uint64_t next, std::string& out) {
  if (identity != 0) {
    for (const Generation& generation : generations_) {
      const auto found = generation.by_identity.find(identity);
      if (found != generation.by_identity.end()) return found->second;
    }
  }
  const Hash hash = HashOf(timestamps);
  std::optional<uint64_t> number = FindContent(hash);
  if (!number.has_value()) {
    number = next;
    Append(timestamps, next, out);
    generations_[0].by_content.emplace(hash, next);
    Count(kEntryBytes);
  }
  if (identity != 0) {
    generations_[0].by_identity.emplace(identity, *number);
    Count(kEntryBytes);
  }
  return *number;
}

ColumnCatalog::Hash ColumnCatalog::HashOf(std::span<const Timestamp> timestamps) const {
  const XXH128_hash_t hash =
      XXH3_128bits_withSeed(timestamps.data(), timestamps.size_bytes(), seed_);
  return {hash.low64, hash.high64};
}

std::optional<uint64_t> ColumnCatalog::FindContent(const Hash& hash) {
  for (const Generation& generation : generations_) {
    const auto found = generation.by_content.find(hash);
    if (found == generation.by_content.end()) continue;
    const uint64_t number = found->second;
    if (&generation != generations_.data()) {  // used again: kept for longer
      generations_[0].by_content.emplace(hash, number);
      Count(kEntryBytes);
    }
    return number;
  }
  return std::nullopt;
}

template <typename Visit>
void ColumnCatalog::ForEachAnchor(std::span<const Timestamp> timestamps, Visit visit) const {
  const int64_t step = std::max<int64_t>(options_.anchor_step.count(), 1);
  int64_t last = 0;
  bool first = true;
  for (const Timestamp timestamp : timestamps) {
    const int64_t stretch = ToMs(timestamp) / step;
    if (!first && stretch == last) continue;
    visit(ToMs(timestamp));
    last = stretch;
    first = false;
  }
}

std::optional<ColumnCatalog::Rows> ColumnCatalog::FindRows(std::span<const Timestamp> timestamps) {
  std::vector<uint64_t> candidates;
  ForEachAnchor(timestamps, [&](int64_t anchor) {
    for (const Generation& generation : generations_) {
      const auto found = generation.by_anchor.find(anchor);
      if (found == generation.by_anchor.end()) continue;
      const bool known = std::ranges::find(candidates, found->second) != candidates.end();
      if (!known && candidates.size() < kMaxCandidates) candidates.push_back(found->second);
    }
  });
  for (const uint64_t column : candidates) {
    if (std::optional<Rows> rows = RowsIn(column, timestamps)) return rows;
  }
  return std::nullopt;
}

/// nullopt where not all of `timestamps` are in the column.
std::optional<ColumnCatalog::Rows> ColumnCatalog::RowsIn(uint64_t column,
                                                         std::span<const Timestamp> timestamps) {
  const std::span<const Timestamp> all = Decode(column);
  const auto begin = std::ranges::lower_bound(all, timestamps.front());
  Rows rows;
  rows.column = column;
  rows.first = static_cast<uint64_t>(begin - all.begin());
  size_t row = 0;
  const std::span<const Timestamp> from(begin, all.end());
  for (const Timestamp timestamp : timestamps) {
    while (row < from.size() && from[row] < timestamp) ++row;
    if (row == from.size() || from[row] != timestamp) return std::nullopt;
    rows.bits.resize(row / 8 + 1);
    const auto bits = static_cast<uint8_t>(rows.bits.back());
    rows.bits.back() = static_cast<char>(bits | 1u << (row % 8));
  }
  if (row + 1 == timestamps.size()) rows.bits.clear();
  return rows;
}

std::span<const Timestamp> ColumnCatalog::Decode(uint64_t column) {
  if (decoded_column_ == column) return decoded_;
  decoded_.clear();
  decoded_column_ = column;
  for (const Generation& generation : generations_) {
    const auto found = generation.columns.find(column);
    if (found == generation.columns.end()) continue;
    ParsedColumn parsed;
    const bool good = ParseColumn(found->second, options_.piece_rows, parsed) &&
                      DecodePieces(parsed, options_.piece_rows, 0, parsed.pieces.size(), decoded_);
    if (!good) decoded_.clear();
    break;
  }
  return decoded_;
}

void ColumnCatalog::Append(std::span<const Timestamp> timestamps, uint64_t number,
                           std::string& out) {
  const std::optional<Rows> rows = FindRows(timestamps);
  if (rows.has_value() && rows->bits.empty()) {
    return AppendPartColumn(rows->column, rows->first, timestamps.size(), out);
  }
  std::string own;
  AppendOwnColumn(timestamps, options_.piece_rows, own);
  if (rows.has_value() && rows->bits.size() < own.size()) {
    return AppendPickColumn(rows->column, rows->first, timestamps.size(), rows->bits, out);
  }
  if (timestamps.size() >= kMinBaseRows) Remember(timestamps, number, own);
  out += own;
}

void ColumnCatalog::Remember(std::span<const Timestamp> timestamps, uint64_t number,
                             std::string_view bytes) {
  size_t anchors = 0;
  ForEachAnchor(timestamps, [&](int64_t anchor) {
    generations_[0].by_anchor.insert_or_assign(anchor, number);
    ++anchors;
  });
  generations_[0].columns.emplace(number, bytes);
  Count((anchors + 1) * kEntryBytes + bytes.size());
}

/// Half of the memory is the present generation's: when that is full it becomes the former one.
void ColumnCatalog::Count(size_t bytes) {
  generations_[0].bytes += bytes;
  if (generations_[0].bytes <= options_.memory_bytes / 2) return;
  generations_[1] = std::exchange(generations_[0], Generation());
}

}  // namespace barograph::tsdb
