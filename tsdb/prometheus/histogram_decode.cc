#include <bit>
#include <utility>

#include "base/bytes/big_endian.h"
#include "base/model/sparse_histogram.h"
#include "tsdb/prometheus/histogram_chunk.h"
#include "tsdb/prometheus/histogram_layout.h"
#include "tsdb/prometheus/varbit.h"
#include "tsdb/prometheus/xor_chunk.h"

namespace barograph::tsdb::prometheus {
namespace {

constexpr size_t kHeaderBytes = 3;
constexpr uint8_t kGaugeHeader = 3;  // the two bits about counter resets

// Each histogram gets a copy of its chunk's custom bounds: a bound on what a small chunk can ask
// for. Real ones have some hundred bounds, and 120 samples.
constexpr size_t kMaxBoundsInAll = size_t{1} << 24;

struct Header {
  size_t samples = 0;
  bool gauge = false;
  StartTimestamps start_timestamps{0};
};

bool HasStartTimestamps(ChunkEncoding encoding) {
  return encoding == ChunkEncoding::kHistogramSt || encoding == ChunkEncoding::kFloatHistogramSt;
}

Header ReadHeader(ChunkEncoding encoding, std::string_view data) {
  const auto word = LoadBigEndian<uint16_t>(data.data());
  const auto third = static_cast<uint8_t>(data[2]);
  if (HasStartTimestamps(encoding)) {
    return {word & size_t{0x3fff}, word >> 14 == kGaugeHeader, StartTimestamps(third)};
  }
  return {word, third >> 6 == kGaugeHeader, StartTimestamps(0)};
}

// A double, of which every later one is told by the bits that changed.
struct XorNumber {
  uint64_t bits = 0;
  XorWindow window;

  bool ReadFirst(BitReader& in) {
    bits = in.Bits(64);
    return in.ok();
  }
  bool ReadFirstBucket(BitReader& in) { return ReadFirst(in); }
  bool ReadNext(BitReader& in) { return ReadXor(in, bits, window); }
  double value() const { return std::bit_cast<double>(bits); }
};

// An integer, of which every later one is told by how the step to it differs from the last step.
// Unsigned, so that what a broken chunk adds up to wraps.
struct StepNumber {
  uint64_t number = 0;
  uint64_t step = 0;

  bool ReadFirst(BitReader& in) {
    number = ReadVarbitUint(in);
    return in.ok();
  }
  bool ReadFirstBucket(BitReader& in) {
    number = static_cast<uint64_t>(ReadVarbitInt(in));
    return in.ok();
  }
  bool ReadNext(BitReader& in) {
    step += static_cast<uint64_t>(ReadVarbitInt(in));
    number += step;
    return in.ok();
  }
  double value() const { return static_cast<double>(number); }
};

std::vector<double> Counts(const std::vector<XorNumber>& buckets) {
  std::vector<double> counts;
  counts.reserve(buckets.size());
  for (const XorNumber& bucket : buckets) counts.push_back(bucket.value());
  return counts;
}

// Integer buckets are each the difference to the one before.
std::vector<double> Counts(const std::vector<StepNumber>& buckets) {
  std::vector<double> counts;
  counts.reserve(buckets.size());
  uint64_t count = 0;
  for (const StepNumber& bucket : buckets) {
    count += bucket.number;
    counts.push_back(static_cast<double>(static_cast<int64_t>(count)));
  }
  return counts;
}

template <typename Number>
class Decoder {
 public:
  Decoder(BitReader& in, HistogramLayout layout)
      : in_(in),
        layout_(std::move(layout)),
        positive_(CountBuckets(layout_.positive_spans)),
        negative_(CountBuckets(layout_.negative_spans)) {}

  bool ReadFirst() {
    time_ = static_cast<uint64_t>(ReadVarbitInt(in_));
    if (!count_.ReadFirst(in_) || !zero_count_.ReadFirst(in_) || !sum_.ReadFirst(in_)) return false;
    return ReadBuckets([this](Number& bucket) { return bucket.ReadFirstBucket(in_); });
  }

  bool ReadNext() {
    time_step_ += static_cast<uint64_t>(ReadVarbitInt(in_));
    time_ += time_step_;
    if (!count_.ReadNext(in_) || !zero_count_.ReadNext(in_) || !sum_.ReadNext(in_)) return false;
    if (IsStale(sum_.value())) return true;  // nothing follows
    return ReadBuckets([this](Number& bucket) { return bucket.ReadNext(in_); });
  }

  Timestamp time() const { return FromMs(static_cast<int64_t>(time_)); }

  FloatHistogram Histogram(CounterResetHint hint) const {
    FloatHistogram histogram;
    if (!IsStale(sum_.value())) {
      histogram = layout_.Empty();
      histogram.counter_reset_hint = hint;
      histogram.count = count_.value();
      histogram.zero_count = zero_count_.value();
      histogram.positive_buckets = Counts(positive_);
      histogram.negative_buckets = Counts(negative_);
    }
    histogram.sum = sum_.value();
    return ToKnownSchema(std::move(histogram));
  }

 private:
  template <typename Read>
  bool ReadBuckets(Read&& read) {
    for (Number& bucket : positive_) {
      if (!read(bucket)) return false;
    }
    for (Number& bucket : negative_) {
      if (!read(bucket)) return false;
    }
    return true;
  }

  BitReader& in_;
  const HistogramLayout layout_;
  uint64_t time_ = 0;
  uint64_t time_step_ = 0;
  Number count_;
  Number zero_count_;
  XorNumber sum_;
  std::vector<Number> positive_;
  std::vector<Number> negative_;
};

CounterResetHint HintOf(const Header& header, size_t sample) {
  if (header.gauge) return CounterResetHint::kGauge;
  return sample == 0 ? CounterResetHint::kUnknown : CounterResetHint::kNotReset;
}

template <typename Number>
Status Decode(const Header& header, std::string_view body, bool integer, SampleColumns& out) {
  BitReader in(body);
  if (header.samples == 0) return {};
  std::optional<HistogramLayout> layout = ReadLayout(in);
  if (!layout || layout->custom_values.size() > kMaxBoundsInAll / header.samples) {
    return BrokenChunk(in, kHeaderBytes, 0);
  }
  Decoder<Number> decoder(in, std::move(*layout));
  for (size_t i = 0; i < header.samples; ++i) {
    const bool whole = i == 0 ? decoder.ReadFirst() : decoder.ReadNext();
    header.start_timestamps.Skip(in, i);
    if (!whole || !in.ok()) return BrokenChunk(in, kHeaderBytes, i);
    out.AddHistogram(decoder.time(), {decoder.Histogram(HintOf(header, i)), integer});
  }
  return {};
}

}  // namespace

FloatHistogram ToKnownSchema(FloatHistogram histogram) {
  if (histogram.schema <= kMaxExponentialSchema) return histogram;
  SparseHistogram<double> sparse(histogram);
  sparse.Coarsen(kMaxExponentialSchema);
  return sparse.ToHistogram();
}

Status DecodeHistograms(ChunkEncoding encoding, std::string_view data, SampleColumns& out) {
  if (data.size() < kHeaderBytes) return BrokenChunk(BitReader({}), data.size(), 0);
  const Header header = ReadHeader(encoding, data);
  const std::string_view body = data.substr(kHeaderBytes);
  const bool integer =
      encoding == ChunkEncoding::kHistogram || encoding == ChunkEncoding::kHistogramSt;
  return integer ? Decode<StepNumber>(header, body, integer, out)
                 : Decode<XorNumber>(header, body, integer, out);
}

}  // namespace barograph::tsdb::prometheus
