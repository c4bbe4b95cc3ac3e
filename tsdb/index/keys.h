#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/model/sample.h"
#include "tsdb/index/partition.h"

/// The keys of the index's column families (docs/formats/index.md). Numbers in them are
/// big-endian, so that keys sort by number.
namespace barograph::tsdb::index {

/// The upper and the lower half of an id. Sets hold lower halves.
constexpr uint32_t HighHalf(SeriesId id) {
  return static_cast<uint32_t>(static_cast<uint64_t>(id) >> 32);
}
constexpr uint32_t LowHalf(SeriesId id) { return static_cast<uint32_t>(id); }
constexpr SeriesId JoinHalves(uint32_t high, uint32_t low) {
  return SeriesId{uint64_t{high} << 32 | low};
}

/// Postings are kept apart by the day and by the upper half of the ids.
struct PartKey {
  PartitionId day{};
  uint32_t high = 0;
  auto operator<=>(const PartKey&) const = default;
};

std::string SeriesKey(SeriesId id);
std::optional<SeriesId> ParseSeriesKey(std::string_view key);

/// An id's key begins with what is kept of its labels' hash.
std::string IdKeyPrefix(uint64_t labels_hash);
std::string IdKey(uint64_t labels_hash, SeriesId id);
std::optional<SeriesId> ParseIdKey(std::string_view key);
inline constexpr size_t kIdKeyPrefixBytes = 6;

/// What all keys of a partition, and all keys of a label name in it, begin with.
std::string PartPrefix(PartKey part);
std::string NamePrefix(PartKey part, std::string_view name);
std::optional<PartKey> ParsePartPrefix(std::string_view key);

/// The ids of the partition with the label; an empty value stands for any value, and an empty name
/// for all ids.
std::string PostingsKey(PartKey part, std::string_view name, std::string_view value);

/// The name in a postings key.
std::optional<std::string_view> ParseName(std::string_view key);

/// The first key above all that begin with `prefix`; empty when there is none.
std::string After(std::string_view prefix);

std::string BigEndian(uint64_t value);
std::optional<uint64_t> ParseBigEndian(std::string_view bytes);

}  // namespace barograph::tsdb::index
