#include "server/ingest/wire_histogram.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/model/histogram_arithmetic.h"
#include "base/model/sample.h"
#include "server/ingest/protobuf_reader.h"

namespace barograph::server {
namespace {

/// The finest schema that the format has; finer than kMaxExponentialSchema is coarsened.
constexpr int32_t kFinestReservedSchema = 52;

constexpr Tag Varint(uint32_t field) { return MakeTag(field, WireType::kVarint); }
constexpr Tag Fixed(uint32_t field) { return MakeTag(field, WireType::kFixed64); }
constexpr Tag Bytes(uint32_t field) { return MakeTag(field, WireType::kBytes); }

std::unexpected<Error> Invalid(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

BucketSpan ReadSpan(std::string_view message) {
  BucketSpan span;
  ProtobufReader reader(message);
  while (reader.Next()) {
    if (reader.tag() == Varint(1)) span.offset = reader.Sint32();
    if (reader.tag() == Varint(2)) span.length = reader.Uint32();
  }
  return span;
}

void AppendDoubles(std::string_view packed, std::vector<double>& out) {
  const size_t before = out.size();
  out.resize(before + packed.size() / sizeof(double));
  if (!packed.empty()) std::memcpy(out.data() + before, packed.data(), packed.size());
}

/// The buckets of one side, in whichever of the two forms they come.
class BucketReader {
 public:
  BucketReader(std::vector<BucketSpan>& spans, std::vector<double>& buckets)
      : spans_(spans), buckets_(buckets) {}

  /// Takes the field when it is one of a side whose spans have the number `first`, deltas and
  /// counts the two after it.
  void Read(const ProtobufReader& reader, uint32_t first) {
    if (reader.tag() == Bytes(first)) {
      spans_.push_back(ReadSpan(reader.bytes()));
    } else if (reader.tag() == Bytes(first + 1)) {
      PackedVarints deltas(reader.bytes());
      while (deltas.Next()) AddDelta(UnZigZag(deltas.value()));
    } else if (reader.tag() == Varint(first + 1)) {
      AddDelta(reader.Sint64());
    } else if (reader.tag() == Bytes(first + 2)) {
      AppendDoubles(reader.bytes(), buckets_);
    } else if (reader.tag() == Fixed(first + 2)) {
      buckets_.push_back(reader.Double());
    }
  }

 private:
  /// Wraps around where a sum is over 64 bits, which then shows as a negative or a wrong count.
  void AddDelta(int64_t delta) {
    count_ += static_cast<uint64_t>(delta);
    buckets_.push_back(static_cast<double>(static_cast<int64_t>(count_)));
  }

  std::vector<BucketSpan>& spans_;
  std::vector<double>& buckets_;
  uint64_t count_ = 0;
};

CounterResetHint HintOf(uint64_t value) {
  return value <= 3 ? static_cast<CounterResetHint>(value) : CounterResetHint::kUnknown;
}

Status CheckSpans(std::string_view side, const std::vector<BucketSpan>& spans, size_t buckets) {
  uint64_t length = 0;
  for (size_t i = 0; i < spans.size(); ++i) {
    if (i > 0 && spans[i].offset < 0) {
      return Invalid(
          fmt::format("{} side: span number {} with offset {}: histogram has a span "
                      "whose offset is negative",
                      side, i + 1, spans[i].offset));
    }
    length += spans[i].length;
  }
  if (length == buckets) return {};
  return Invalid(
      fmt::format("{} side: spans need {} buckets, have {} buckets: histogram spans "
                  "specify different number of buckets than provided",
                  side, length, buckets));
}

Status CheckCounts(std::string_view side, const std::vector<double>& buckets, double& sum) {
  for (size_t i = 0; i < buckets.size(); ++i) {
    if (buckets[i] < 0) {
      return Invalid(
          fmt::format("{} side: bucket number {} has observation count of {}: histogram "
                      "has a bucket whose observation count is negative",
                      side, i + 1, buckets[i]));
    }
    sum += buckets[i];
  }
  return {};
}

Status CheckCustomBounds(const FloatHistogram& histogram) {
  double previous = -kInf;
  for (const double bound : histogram.custom_values) {
    if (bound > previous) {
      previous = bound;
      continue;
    }
    return Invalid(
        fmt::format("custom buckets: previous bound is {} and current is {}: histogram "
                    "custom bounds must be in strictly increasing order",
                    previous, bound));
  }
  if (previous == kInf) {
    return Invalid("custom buckets: last +Inf bound must not be explicitly defined");
  }
  int64_t index = 0;
  for (const BucketSpan& span : histogram.positive_spans) {
    if (span.offset < 0) return Invalid("custom buckets: a span has a negative offset");
    index += int64_t{span.offset} + span.length;
  }
  if (index > static_cast<int64_t>(histogram.custom_values.size()) + 1) {
    return Invalid(
        fmt::format("custom buckets: only {} custom bounds defined which is insufficient "
                    "to cover total span length of {}: histogram custom bounds are too "
                    "few",
                    histogram.custom_values.size(), index));
  }
  return {};
}

Status CheckSchema(const FloatHistogram& histogram) {
  if (!histogram.uses_custom_buckets()) {
    if (histogram.schema < kMinExponentialSchema || histogram.schema > kFinestReservedSchema)
      return Invalid(fmt::format("histogram has an invalid schema: {}", histogram.schema));
    if (!histogram.custom_values.empty())
      return Invalid("histogram with exponential schema must not have custom bounds");
    return {};
  }
  if (histogram.zero_count != 0) return Invalid("custom buckets: must have zero count of 0");
  if (histogram.zero_threshold != 0)
    return Invalid("custom buckets: must have zero threshold of 0");
  if (!histogram.negative_spans.empty() || !histogram.negative_buckets.empty())
    return Invalid("custom buckets: must not have negative spans or buckets");
  return CheckCustomBounds(histogram);
}

/// Of whole counts the sum must be right; floats may be off by rounding.
Status CheckTotal(const FloatHistogram& histogram, double in_buckets) {
  const bool nan = std::isnan(histogram.sum);
  if (nan ? in_buckets <= histogram.count : in_buckets == histogram.count) return {};
  return Invalid(fmt::format(
      "{} observations found in buckets, but the Count field is {}: histogram's observation count "
      "should {} the number of observations found in the buckets",
      in_buckets, histogram.count, nan ? "be at least" : "equal"));
}

Status Check(const FloatHistogram& histogram, bool whole) {
  TRY(CheckSchema(histogram));
  TRY(CheckSpans("negative", histogram.negative_spans, histogram.negative_buckets.size()));
  TRY(CheckSpans("positive", histogram.positive_spans, histogram.positive_buckets.size()));
  double in_buckets = histogram.zero_count;
  TRY(CheckCounts("negative", histogram.negative_buckets, in_buckets));
  TRY(CheckCounts("positive", histogram.positive_buckets, in_buckets));
  if (histogram.zero_count < 0) {
    return Invalid(
        fmt::format("zero bucket has observation count of {}: histogram has a bucket "
                    "whose observation count is negative",
                    histogram.zero_count));
  }
  if (histogram.count < 0) {
    return Invalid(fmt::format("observation count is {}: histogram's observation count is negative",
                               histogram.count));
  }
  return whole ? CheckTotal(histogram, in_buckets) : Status();
}

}  // namespace

Result<WireHistogram> ReadHistogram(std::string_view message) {
  WireHistogram wire;
  FloatHistogram& histogram = wire.histogram;
  BucketReader negative(histogram.negative_spans, histogram.negative_buckets);
  BucketReader positive(histogram.positive_spans, histogram.positive_buckets);
  bool whole = true;
  ProtobufReader reader(message);
  while (reader.Next()) {
    switch (reader.tag()) {
      case Varint(1):
        histogram.count = static_cast<double>(reader.Uint64());
        whole = true;
        break;
      case Fixed(2):
        histogram.count = reader.Double();
        whole = false;
        break;
      case Fixed(3): histogram.sum = reader.Double(); break;
      case Varint(4): histogram.schema = reader.Sint32(); break;
      case Fixed(5): histogram.zero_threshold = reader.Double(); break;
      case Varint(6): histogram.zero_count = static_cast<double>(reader.Uint64()); break;
      case Fixed(7): histogram.zero_count = reader.Double(); break;
      case Varint(14): histogram.counter_reset_hint = HintOf(reader.Uint64()); break;
      case Varint(15): wire.timestamp = FromMs(reader.Int64()); break;
      case Bytes(16): AppendDoubles(reader.bytes(), histogram.custom_values); break;
      case Fixed(16): histogram.custom_values.push_back(reader.Double()); break;
      case Varint(17): wire.start_ms = reader.Int64(); break;
      default:
        negative.Read(reader, 8);
        positive.Read(reader, 11);
        break;
    }
  }
  if (IsStale(histogram.sum)) {
    histogram = FloatHistogram();
    histogram.sum = kStaleNan;
    return wire;
  }
  TRY(Check(histogram, whole));
  if (!histogram.uses_custom_buckets() && histogram.schema > kMaxExponentialSchema) {
    CoarsenHistogram(histogram, kMaxExponentialSchema);
  }
  return wire;
}

}  // namespace barograph::server
