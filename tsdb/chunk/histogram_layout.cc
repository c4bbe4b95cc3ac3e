#include "tsdb/chunk/histogram_layout.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/bytes/varint.h"
#include "base/model/sample.h"
#include "tsdb/chunk/histogram_codec.h"
#include "tsdb/chunk/little_endian.h"
#include "tsdb/chunk/value_codec.h"

namespace barograph::tsdb {
namespace {

constexpr uint8_t kGauge = 1;
constexpr uint8_t kHasCustomValues = 2;
constexpr uint8_t kHasCounts = 4;
constexpr uint8_t kFlags = kGauge | kHasCustomValues | kHasCounts;

// A zero threshold is mostly 0 or a power of two: one byte. The same code as Prometheus's.
constexpr uint8_t kThresholdFollows = 255;
constexpr int kThresholdBias = 243;

bool TakeVarint(std::string_view& in, uint64_t& value) {
  const char* next = GetVarint(in.data(), in.data() + in.size(), value);
  if (next == nullptr) return false;
  in.remove_prefix(static_cast<size_t>(next - in.data()));
  return true;
}

bool TakeByte(std::string_view& in, uint8_t& byte) {
  if (in.empty()) return false;
  byte = static_cast<uint8_t>(in[0]);
  in.remove_prefix(1);
  return true;
}

uint8_t ThresholdCode(double threshold) {
  if (SameBits(threshold, 0)) return 0;
  int exponent;
  if (std::frexp(threshold, &exponent) != 0.5) return kThresholdFollows;
  const int code = exponent - 1 + kThresholdBias;
  return code > 0 && code < kThresholdFollows ? static_cast<uint8_t>(code) : kThresholdFollows;
}

void AppendThreshold(std::string& out, double threshold) {
  const uint8_t code = ThresholdCode(threshold);
  out += static_cast<char>(code);
  if (code != kThresholdFollows) return;
  char word[8];
  StoreLittleEndian64(word, std::bit_cast<uint64_t>(threshold));
  out.append(word, sizeof(word));
}

bool TakeThreshold(std::string_view& in, double& threshold) {
  uint8_t code;
  if (!TakeByte(in, code)) return false;
  if (code != kThresholdFollows) {
    threshold = code == 0 ? 0 : std::ldexp(1, code - kThresholdBias);
    return true;
  }
  if (in.size() < 8) return false;
  threshold = std::bit_cast<double>(LoadLittleEndian64(in.data()));
  in.remove_prefix(8);
  return true;
}

void AppendCustomValues(std::string& out, std::span<const double> values) {
  std::string run;
  EncodeValues(values, run);
  AppendVarint(out, values.size());
  AppendVarint(out, run.size());
  out += run;
}

bool TakeCustomValues(std::string_view& in, std::vector<double>& values) {
  uint64_t count, size;
  if (!TakeVarint(in, count) || !TakeVarint(in, size) || size > in.size() ||
      count > kMaxHistogramBuckets) {
    return false;
  }
  values.resize(count);
  if (!DecodeValues(in.substr(0, size), values)) return false;
  in.remove_prefix(size);
  return true;
}

void AppendSpans(std::string& out, std::span<const BucketSpan> spans) {
  AppendVarint(out, spans.size());
  for (const BucketSpan& span : spans) {
    AppendVarint(out, ZigZag(span.offset));
    AppendVarint(out, span.length);
  }
}

bool TakeSpans(std::string_view& in, std::vector<BucketSpan>& spans) {
  uint64_t count;
  if (!TakeVarint(in, count) || count > in.size() / 2) return false;
  spans.resize(count);
  for (BucketSpan& span : spans) {
    uint64_t offset, length;
    if (!TakeVarint(in, offset) || !TakeVarint(in, length) || offset > UINT32_MAX ||
        length > kMaxHistogramBuckets) {
      return false;
    }
    span = {static_cast<int32_t>(UnZigZag(offset)), static_cast<uint32_t>(length)};
  }
  return true;
}

size_t BucketsOf(const HistogramSpans& spans) {
  return CoveredBuckets(spans.positive) + CoveredBuckets(spans.negative);
}

bool Ascends(std::span<const BucketSpan> spans) {
  return spans.empty() ||
         std::ranges::all_of(spans.subspan(1), [](BucketSpan span) { return span.offset >= 0; });
}

// Only of ascending spans is it clear which of their buckets are the same.
bool Ascends(const HistogramSpans& spans) {
  return Ascends(spans.positive) && Ascends(spans.negative);
}

// Whether all these may be in one group.
bool Combine(std::span<const HistogramSpans> layouts) {
  if (layouts.size() == 1) return BucketsOf(layouts[0]) <= kMaxHistogramBuckets;
  size_t buckets = 0;
  for (const HistogramSpans& layout : layouts) buckets += BucketsOf(layout);
  return buckets <= kMaxHistogramBuckets &&
         std::ranges::all_of(layouts, [](const auto& layout) { return Ascends(layout); });
}

using Indices = std::vector<int64_t>;

void AppendIndices(std::span<const BucketSpan> spans, Indices& out) {
  int64_t index = 0;
  for (const BucketSpan& span : spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length; ++i) out.push_back(index++);
  }
}

void KeepUnique(Indices& indices) {
  std::ranges::sort(indices);
  const auto rest = std::ranges::unique(indices);
  indices.erase(rest.begin(), rest.end());
}

void AppendColumns(std::span<const BucketSpan> spans, const Indices& all, size_t first,
                   std::vector<uint32_t>& out) {
  Indices own;
  AppendIndices(spans, own);
  size_t column = 0;
  for (const int64_t index : own) {
    while (all[column] != index) ++column;
    out.push_back(static_cast<uint32_t>(first + column));
  }
}

}  // namespace

size_t CoveredBuckets(std::span<const BucketSpan> spans) {
  uint64_t buckets = 0;
  for (const BucketSpan& span : spans) buckets += span.length;
  return std::min<uint64_t>(buckets, kMaxHistogramBuckets + 1);
}

bool HistogramGroup::HasCommon(const FloatHistogram& histogram) const {
  const bool is_gauge = histogram.counter_reset_hint == CounterResetHint::kGauge;
  return gauge == is_gauge && schema == histogram.schema &&
         SameBits(zero_threshold, histogram.zero_threshold) &&
         std::ranges::equal(custom_values, histogram.custom_values, SameBits);
}

bool HistogramGroup::AddLayout(const FloatHistogram& histogram) {
  layouts.push_back({histogram.positive_spans, histogram.negative_spans});
  if (Combine(layouts)) return true;
  layouts.pop_back();
  return false;
}

HistogramGroup GroupOf(const FloatHistogram& histogram) {
  return {.gauge = histogram.counter_reset_hint == CounterResetHint::kGauge,
          .schema = histogram.schema,
          .zero_threshold = histogram.zero_threshold,
          .custom_values = histogram.custom_values,
          .has_counts = false,
          .layouts = {{histogram.positive_spans, histogram.negative_spans}}};
}

void AppendGroup(std::string& out, const HistogramGroup& group) {
  out += static_cast<char>((group.gauge ? kGauge : 0) |
                           (group.custom_values.empty() ? 0 : kHasCustomValues) |
                           (group.has_counts ? kHasCounts : 0));
  AppendVarint(out, ZigZag(group.schema));
  AppendThreshold(out, group.zero_threshold);
  if (!group.custom_values.empty()) AppendCustomValues(out, group.custom_values);
  AppendVarint(out, group.layouts.size());
  for (const HistogramSpans& layout : group.layouts) {
    AppendSpans(out, layout.positive);
    AppendSpans(out, layout.negative);
  }
}

bool TakeGroup(std::string_view& in, size_t max_layouts, HistogramGroup& group) {
  uint8_t flags;
  uint64_t schema, layouts;
  if (!TakeByte(in, flags) || flags > kFlags || !TakeVarint(in, schema) || schema > UINT32_MAX ||
      !TakeThreshold(in, group.zero_threshold)) {
    return false;
  }
  group.gauge = (flags & kGauge) != 0;
  group.has_counts = (flags & kHasCounts) != 0;
  group.schema = static_cast<int32_t>(UnZigZag(schema));
  if ((flags & kHasCustomValues) != 0 && !TakeCustomValues(in, group.custom_values)) return false;
  if (!TakeVarint(in, layouts) || layouts == 0 || layouts > max_layouts) return false;
  group.layouts.resize(layouts);
  for (HistogramSpans& layout : group.layouts) {
    if (!TakeSpans(in, layout.positive) || !TakeSpans(in, layout.negative)) return false;
  }
  return Combine(group.layouts);
}

BucketColumns::BucketColumns(std::span<const HistogramSpans> layouts) : columns_(layouts.size()) {
  if (layouts.size() == 1) {
    size_ = BucketsOf(layouts[0]);
    columns_[0].resize(size_);
    std::iota(columns_[0].begin(), columns_[0].end(), 0);
    return;
  }
  Indices positive, negative;
  for (const HistogramSpans& layout : layouts) {
    AppendIndices(layout.positive, positive);
    AppendIndices(layout.negative, negative);
  }
  KeepUnique(positive);
  KeepUnique(negative);
  size_ = positive.size() + negative.size();
  for (size_t i = 0; i < layouts.size(); ++i) {
    AppendColumns(layouts[i].positive, positive, 0, columns_[i]);
    AppendColumns(layouts[i].negative, negative, positive.size(), columns_[i]);
  }
}

}  // namespace barograph::tsdb
