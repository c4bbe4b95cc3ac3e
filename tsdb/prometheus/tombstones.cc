#include "tsdb/prometheus/tombstones.h"

#include <algorithm>
#include <numeric>

#include "base/bytes/big_endian.h"
#include "base/bytes/byte_reader.h"
#include "base/bytes/crc32c.h"
#include "tsdb/prometheus/file_format.h"

namespace barograph::tsdb::prometheus {
namespace {

constexpr size_t kHeaderBytes = 5;  // the magic number and the version
constexpr char kVersion = 1;

}  // namespace

Result<Tombstones> Tombstones::Parse(std::string_view file, std::string_view path) {
  if (file.size() < kHeaderBytes + kCrcBytes) return Corrupt(path, 0, "the file is not whole");
  if (LoadBigEndian<uint32_t>(file.data()) != kTombstonesMagic) {
    return Corrupt(path, 0, "the magic number is not that of tombstones");
  }
  if (file[4] != kVersion) return Corrupt(path, 4, "the version is not 1");
  const size_t end = file.size() - kCrcBytes;
  const std::string_view body = file.substr(kHeaderBytes, end - kHeaderBytes);
  if (!ChecksumMatches(body, file.substr(end))) {
    return Corrupt(path, end, "the checksum does not match");
  }
  Tombstones tombstones;
  ByteReader in(body);
  while (in.left() > 0) {
    const size_t at = end - in.left();
    const uint64_t series = in.Uvarint();
    const Timestamp min = FromMs(in.Varint());
    const Timestamp max = FromMs(in.Varint());
    if (!in.ok()) return Corrupt(path, at, "the tombstone is not whole");
    tombstones.Add(series, {min, max});
  }
  tombstones.Finish();
  return tombstones;
}

void Tombstones::Add(uint64_t series, TimeRange range) {
  series_.push_back(series);
  ranges_.push_back(range);
}

void Tombstones::Finish() {
  std::vector<size_t> order(series_.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [this](size_t index) { return std::pair(series_[index], index); });
  Tombstones sorted;
  for (const size_t index : order) sorted.Add(series_[index], ranges_[index]);
  *this = std::move(sorted);
}

std::span<const TimeRange> Tombstones::Of(uint64_t series) const {
  const auto found = std::ranges::equal_range(series_, series);
  const auto first = static_cast<size_t>(found.begin() - series_.begin());
  return std::span(ranges_).subspan(first, found.size());
}

std::string EmptyTombstonesFile() {
  std::string file;
  AppendBigEndian(file, kTombstonesMagic);
  file.push_back(kVersion);
  AppendBigEndian(file, Crc32c({}));
  return file;
}

}  // namespace barograph::tsdb::prometheus
