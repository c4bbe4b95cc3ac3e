#include "tsdb/prometheus/histogram_layout.h"

#include <bit>
#include <cmath>
#include <limits>

#include "tsdb/prometheus/varbit.h"

namespace barograph::tsdb::prometheus {
namespace {

// A threshold that is a power of two has one byte: its exponent, moved. Else this and the double.
constexpr uint64_t kPlainThreshold = 255;
constexpr int kThresholdExponentBias = 243;
constexpr int kMinThresholdExponent = -242;
constexpr int kMaxThresholdExponent = 11;

constexpr double kMaxScaledBound = 33554430;  // whose varbit has four bytes
constexpr int32_t kMaxReservedSchema = 52;    // finer ones than 8, for a future Prometheus

double ReadDouble(BitReader& in) { return std::bit_cast<double>(in.Bits(64)); }

double ReadThreshold(BitReader& in) {
  const uint64_t byte = in.Bits(8);
  if (byte == 0) return 0;
  if (byte == kPlainThreshold) return ReadDouble(in);
  return std::ldexp(0.5, static_cast<int>(byte) - kThresholdExponentBias);
}

void WriteThreshold(BitWriter& out, double threshold) {
  if (threshold == 0) return out.Bits(0, 8);
  int exponent = 0;
  if (std::frexp(threshold, &exponent) == 0.5 && exponent >= kMinThresholdExponent &&
      exponent <= kMaxThresholdExponent) {
    return out.Bits(static_cast<uint64_t>(exponent + kThresholdExponentBias), 8);
  }
  out.Bits(kPlainThreshold, 8);
  out.Double(threshold);
}

// An empty span becomes a part of the gap before the next, so that there are no more spans than
// buckets, but one.
bool ReadSpans(BitReader& in, std::vector<BucketSpan>& spans) {
  const uint64_t count = ReadVarbitUint(in);
  if (count > in.left()) return false;
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    const uint64_t length = ReadVarbitUint(in);
    int64_t offset = ReadVarbitInt(in);
    if (!spans.empty() && spans.back().length == 0) {
      if (__builtin_add_overflow(offset, spans.back().offset, &offset)) return false;
      spans.pop_back();
    }
    if (length > std::numeric_limits<uint32_t>::max() || offset != static_cast<int32_t>(offset)) {
      return false;
    }
    spans.push_back({static_cast<int32_t>(offset), static_cast<uint32_t>(length)});
  }
  return in.ok();
}

void WriteSpans(BitWriter& out, std::span<const BucketSpan> spans) {
  WriteVarbitUint(out, spans.size());
  for (const BucketSpan& span : spans) {
    WriteVarbitUint(out, span.length);
    WriteVarbitInt(out, span.offset);
  }
}

bool ReadBounds(BitReader& in, std::vector<double>& bounds) {
  const uint64_t count = ReadVarbitUint(in);
  if (count > in.left()) return false;
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    const uint64_t scaled = ReadVarbitUint(in);
    bounds.push_back(scaled == 0 ? ReadDouble(in) : static_cast<double>(scaled - 1) / 1000);
  }
  return in.ok();
}

void WriteBound(BitWriter& out, double bound) {
  const double scaled = bound * 1000;
  if (scaled >= 0 && scaled <= kMaxScaledBound) {
    const double whole = std::round(scaled);
    if (whole / 1000 == bound) return WriteVarbitUint(out, static_cast<uint64_t>(whole) + 1);
  }
  out.Bit(false);
  out.Double(bound);
}

}  // namespace

bool IsKnownSchema(int64_t schema) {
  return schema == kCustomBucketsSchema ||
         (schema >= kMinExponentialSchema && schema <= kMaxReservedSchema);
}

FloatHistogram HistogramLayout::Empty() const {
  FloatHistogram histogram;
  histogram.schema = schema;
  histogram.zero_threshold = zero_threshold;
  histogram.positive_spans = positive_spans;
  histogram.negative_spans = negative_spans;
  histogram.custom_values = custom_values;
  return histogram;
}

uint64_t CountBuckets(std::span<const BucketSpan> spans) {
  uint64_t count = 0;
  for (const BucketSpan& span : spans) count += span.length;
  return count;
}

std::optional<HistogramLayout> ReadLayout(BitReader& in) {
  HistogramLayout layout;
  layout.zero_threshold = ReadThreshold(in);
  const int64_t schema = ReadVarbitInt(in);
  if (!IsKnownSchema(schema)) return std::nullopt;
  layout.schema = static_cast<int32_t>(schema);
  if (!ReadSpans(in, layout.positive_spans) || !ReadSpans(in, layout.negative_spans)) {
    return std::nullopt;
  }
  if (schema == kCustomBucketsSchema && !ReadBounds(in, layout.custom_values)) return std::nullopt;
  // Every bucket takes a bit at least.
  const uint64_t buckets =
      CountBuckets(layout.positive_spans) + CountBuckets(layout.negative_spans);
  if (!in.ok() || buckets > in.left()) return std::nullopt;
  return layout;
}

void WriteLayout(BitWriter& out, const HistogramLayout& layout) {
  WriteThreshold(out, layout.zero_threshold);
  WriteVarbitInt(out, layout.schema);
  WriteSpans(out, layout.positive_spans);
  WriteSpans(out, layout.negative_spans);
  if (layout.schema != kCustomBucketsSchema) return;
  WriteVarbitUint(out, layout.custom_values.size());
  for (const double bound : layout.custom_values) WriteBound(out, bound);
}

}  // namespace barograph::tsdb::prometheus
