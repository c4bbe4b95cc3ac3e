#include "tsdb/prometheus/wal_record.h"

#include <fmt/format.h>

#include <bit>

#include "base/bytes/byte_reader.h"
#include "tsdb/prometheus/histogram_chunk.h"
#include "tsdb/prometheus/histogram_layout.h"

namespace barograph::tsdb::prometheus {
namespace {

enum class Type : uint8_t {
  kSeries = 1,
  kSamples = 2,
  kTombstones = 3,
  kExemplars = 4,
  kMmapMarkers = 5,
  kMetadata = 6,
  kHistograms = 7,
  kFloatHistograms = 8,
  kCustomHistograms = 9,
  kCustomFloatHistograms = 10,
  kSamplesV2 = 11,
  kHistogramsV2 = 12,
  kFloatHistogramsV2 = 13,
};

// Before a start timestamp: none, the one before, or one of its own.
constexpr uint8_t kOwnStartTimestamp = 2;

double ReadDouble(ByteReader& in) { return std::bit_cast<double>(in.Fixed<uint64_t>()); }

// Series and time of each sample of a record, told by what they add to the first; unsigned, so
// that what a broken record adds up to wraps.
class References {
 public:
  References(ByteReader& in, bool version_2) : in_(in), version_2_(version_2) {
    if (version_2_ || in_.left() == 0) return;
    series_ = in_.Fixed<uint64_t>();
    time_ = in_.Fixed<uint64_t>();
  }

  std::pair<uint64_t, Timestamp> Next() {
    if (version_2_) return NextVersion2();
    const uint64_t series = series_ + Step();
    return {series, FromMs(static_cast<int64_t>(time_ + Step()))};
  }

 private:
  uint64_t Step() { return static_cast<uint64_t>(in_.Varint()); }

  // A series is told from the one before, a time from the first.
  std::pair<uint64_t, Timestamp> NextVersion2() {
    series_ += Step();
    uint64_t time = Step();
    if (first_) {
      time_ = time;
      in_.Varint();  // the first start timestamp
      first_ = false;
    } else {
      time += time_;
      if (in_.Byte() >= kOwnStartTimestamp) in_.Varint();
    }
    return {series_, FromMs(static_cast<int64_t>(time))};
  }

  ByteReader& in_;
  const bool version_2_;
  bool first_ = true;
  uint64_t series_ = 0;
  uint64_t time_ = 0;
};

Labels ReadLabels(ByteReader& in) {
  std::vector<Label> pairs;
  const uint64_t count = in.Uvarint();
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    const std::string_view name = in.Text();
    pairs.push_back({name, in.Text()});
  }
  return Labels::FromPairs(std::move(pairs));
}

void ReadSeries(ByteReader& in, WalRecord& out) {
  while (in.left() > 0) {
    const auto series = in.Fixed<uint64_t>();
    out.series.emplace_back(series, ReadLabels(in));
  }
}

void ReadTombstones(ByteReader& in, WalRecord& out) {
  while (in.left() > 0) {
    const auto series = in.Fixed<uint64_t>();
    const Timestamp min = FromMs(in.Varint());
    out.tombstones.emplace_back(series, TimeRange{min, FromMs(in.Varint())});
  }
}

void ReadFloats(ByteReader& in, bool version_2, WalRecord& out) {
  References references(in, version_2);
  while (in.left() > 0) {
    const auto [series, time] = references.Next();
    out.floats.push_back({series, time, ReadDouble(in)});
  }
}

// `read` as often as the number before says; each reads a byte at least.
template <typename Value, typename Read>
std::vector<Value> ReadList(ByteReader& in, Read&& read) {
  std::vector<Value> values;
  const uint64_t count = in.Uvarint();
  for (uint64_t i = 0; i < count && in.ok(); ++i) values.push_back(read());
  return values;
}

std::vector<BucketSpan> ReadSpans(ByteReader& in) {
  return ReadList<BucketSpan>(in, [&] {
    const auto offset = static_cast<int32_t>(in.Varint());
    return BucketSpan{offset, static_cast<uint32_t>(in.Uvarint())};
  });
}

// Integer buckets are each the difference to the one before.
std::vector<double> ReadIntegerBuckets(ByteReader& in) {
  uint64_t count = 0;
  return ReadList<double>(in, [&] {
    count += static_cast<uint64_t>(in.Varint());
    return static_cast<double>(static_cast<int64_t>(count));
  });
}

std::vector<double> ReadDoubles(ByteReader& in) {
  return ReadList<double>(in, [&] { return ReadDouble(in); });
}

FloatHistogram ReadHistogram(ByteReader& in, bool integer) {
  const auto count = [&] { return integer ? static_cast<double>(in.Uvarint()) : ReadDouble(in); };
  const auto buckets = [&] { return integer ? ReadIntegerBuckets(in) : ReadDoubles(in); };
  FloatHistogram histogram;
  histogram.counter_reset_hint = static_cast<CounterResetHint>(in.Byte() & 3);
  histogram.schema = static_cast<int32_t>(in.Varint());
  histogram.zero_threshold = ReadDouble(in);
  histogram.zero_count = count();
  histogram.count = count();
  histogram.sum = ReadDouble(in);
  histogram.positive_spans = ReadSpans(in);
  histogram.negative_spans = ReadSpans(in);
  histogram.positive_buckets = buckets();
  histogram.negative_buckets = buckets();
  if (histogram.uses_custom_buckets()) histogram.custom_values = ReadDoubles(in);
  return histogram;
}

void ReadHistograms(ByteReader& in, bool integer, bool version_2, WalRecord& out) {
  References references(in, version_2);
  while (in.left() > 0) {
    const auto [series, time] = references.Next();
    FloatHistogram histogram = ReadHistogram(in, integer);
    // Of a schema that is not known, Prometheus leaves the sample out as well.
    if (!in.ok() || !IsKnownSchema(histogram.schema)) continue;
    out.histograms.push_back({series, time, {ToKnownSchema(std::move(histogram)), integer}});
  }
}

// What labels may be is for the storage to say.
void ReadExemplars(ByteReader& in, WalRecord& out) {
  References references(in, false);
  while (in.left() > 0) {
    const auto [series, time] = references.Next();
    const double value = ReadDouble(in);
    out.exemplars.push_back(
        {series, {.labels = ReadLabels(in), .value = value, .timestamp = time}});
  }
}

}  // namespace

void WalRecord::Clear() {
  series.clear();
  floats.clear();
  histograms.clear();
  exemplars.clear();
  tombstones.clear();
  ignored = false;
}

bool IsWalDefinition(std::string_view record) {
  if (record.empty()) return false;
  const auto type = static_cast<Type>(record[0]);
  return type == Type::kSeries || type == Type::kTombstones;
}

Status DecodeWalRecord(std::string_view record, WalRecord& out) {
  out.Clear();
  ByteReader in(record);
  const auto type = static_cast<Type>(in.Byte());
  switch (type) {
    case Type::kSeries: ReadSeries(in, out); break;
    case Type::kSamples:
    case Type::kSamplesV2: ReadFloats(in, type == Type::kSamplesV2, out); break;
    case Type::kTombstones: ReadTombstones(in, out); break;
    case Type::kHistograms:
    case Type::kCustomHistograms: ReadHistograms(in, true, false, out); break;
    case Type::kHistogramsV2: ReadHistograms(in, true, true, out); break;
    case Type::kFloatHistograms:
    case Type::kCustomFloatHistograms: ReadHistograms(in, false, false, out); break;
    case Type::kFloatHistogramsV2: ReadHistograms(in, false, true, out); break;
    case Type::kExemplars: ReadExemplars(in, out); break;
    case Type::kMmapMarkers:
    case Type::kMetadata: out.ignored = true; return {};
    default:
      return Fail(ErrorCode::kCorruption,
                  fmt::format("a record of unknown kind {}", static_cast<int>(type)));
  }
  if (!in.ok()) return Fail(ErrorCode::kCorruption, "the record ends within a value");
  return {};
}

}  // namespace barograph::tsdb::prometheus
