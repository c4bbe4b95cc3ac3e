#include "tsdb/index/keys.h"

#include "base/bytes/big_endian.h"
#include "base/bytes/varint.h"

namespace barograph::tsdb::index {
namespace {

constexpr size_t kPartBytes = 2 * sizeof(uint32_t);
constexpr uint32_t kSignBit = uint32_t{1} << 31;

}  // namespace

std::string BigEndian(uint64_t value) {
  std::string out;
  AppendBigEndian(out, value);
  return out;
}

std::optional<uint64_t> ParseBigEndian(std::string_view bytes) {
  if (bytes.size() != sizeof(uint64_t)) return std::nullopt;
  return LoadBigEndian<uint64_t>(bytes.data());
}

std::string SeriesKey(SeriesId id) { return BigEndian(static_cast<uint64_t>(id)); }

std::optional<SeriesId> ParseSeriesKey(std::string_view key) {
  const auto id = ParseBigEndian(key);
  return id ? std::optional(SeriesId{*id}) : std::nullopt;
}

std::string IdKeyPrefix(uint64_t labels_hash) {
  return BigEndian(labels_hash).substr(0, kIdKeyPrefixBytes);
}

std::string IdKey(uint64_t labels_hash, SeriesId id) {
  std::string key = IdKeyPrefix(labels_hash);
  AppendVarint(key, static_cast<uint64_t>(id));
  return key;
}

std::optional<SeriesId> ParseIdKey(std::string_view key) {
  uint64_t id;
  const char* end = key.data() + key.size();
  if (key.size() < kIdKeyPrefixBytes) return std::nullopt;
  if (GetVarint(key.data() + kIdKeyPrefixBytes, end, id) != end) return std::nullopt;
  return SeriesId{id};
}

std::string PartPrefix(PartKey part) {
  std::string key;
  AppendBigEndian(key, static_cast<uint32_t>(part.day) ^ kSignBit);
  AppendBigEndian(key, part.high);
  return key;
}

std::optional<PartKey> ParsePartPrefix(std::string_view key) {
  if (key.size() < kPartBytes) return std::nullopt;
  const uint32_t day = LoadBigEndian<uint32_t>(key.data()) ^ kSignBit;
  const auto high = LoadBigEndian<uint32_t>(key.data() + sizeof(day));
  return PartKey{PartitionId(static_cast<int32_t>(day)), high};
}

std::string NamePrefix(PartKey part, std::string_view name) {
  std::string key = PartPrefix(part);
  AppendVarint(key, name.size());
  return key.append(name);
}

std::string PostingsKey(PartKey part, std::string_view name, std::string_view value) {
  return NamePrefix(part, name).append(value);
}

std::optional<std::string_view> ParseName(std::string_view key) {
  if (key.size() < kPartBytes) return std::nullopt;
  uint64_t size;
  const char* end = key.data() + key.size();
  const char* name = GetVarint(key.data() + kPartBytes, end, size);
  if (name == nullptr || size > static_cast<uint64_t>(end - name)) return std::nullopt;
  return std::string_view(name, size);
}

std::string After(std::string_view prefix) {
  std::string key(prefix);
  while (!key.empty() && key.back() == '\xff') key.pop_back();
  if (!key.empty()) ++key.back();
  return key;
}

}  // namespace barograph::tsdb::index
