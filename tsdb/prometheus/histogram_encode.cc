#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/bytes/big_endian.h"
#include "tsdb/prometheus/histogram_chunk.h"
#include "tsdb/prometheus/histogram_plan.h"
#include "tsdb/prometheus/varbit.h"

namespace barograph::tsdb::prometheus {
namespace {

bool IsWhole(double count) { return count >= 0 && count < 0x1p63 && count == std::trunc(count); }

// A whole count. Buckets that spans name twice add up, which can be too much: that stays the most.
int64_t Whole(double count) {
  return count < 0x1p63 ? static_cast<int64_t>(count) : std::numeric_limits<int64_t>::max();
}

// The counts of a histogram over the buckets of its chunk.
std::vector<double> Spread(const std::vector<BucketSpan>& spans, const std::vector<double>& counts,
                           const std::vector<int64_t>& indexes) {
  std::vector<double> spread(indexes.size());
  ForEachBucket(spans, counts, [&](int64_t index, double count) {
    spread[static_cast<size_t>(std::ranges::lower_bound(indexes, index) - indexes.begin())] +=
        count;
  });
  return spread;
}

struct XorNumber {
  uint64_t bits = 0;
  XorWindow window;

  void WriteFirst(BitWriter& out, double value) { out.Bits(bits = Bits(value), 64); }
  void WriteFirstBucket(BitWriter& out, double value, double) { WriteFirst(out, value); }
  void WriteNext(BitWriter& out, double value) {
    WriteXor(out, Bits(value), bits, window);
    bits = Bits(value);
  }
  void WriteNextBucket(BitWriter& out, double value, double) { WriteNext(out, value); }

 private:
  static uint64_t Bits(double value) { return std::bit_cast<uint64_t>(value); }
};

struct StepNumber {
  int64_t number = 0;
  int64_t step = 0;

  void WriteFirst(BitWriter& out, double value) {
    number = Whole(value);
    WriteVarbitUint(out, static_cast<uint64_t>(number));
  }
  void WriteNext(BitWriter& out, double value) { Step(out, Whole(value)); }

  // Buckets are each the difference to the one before.
  void WriteFirstBucket(BitWriter& out, double value, double before) {
    number = Whole(value) - Whole(before);
    WriteVarbitInt(out, number);
  }
  void WriteNextBucket(BitWriter& out, double value, double before) {
    Step(out, Whole(value) - Whole(before));
  }

 private:
  // Differences of differences of what fits 63 bits may wrap; so they do when they are read.
  void Step(BitWriter& out, int64_t next) {
    const uint64_t next_step = static_cast<uint64_t>(next) - static_cast<uint64_t>(number);
    WriteVarbitInt(out, static_cast<int64_t>(next_step - static_cast<uint64_t>(step)));
    step = static_cast<int64_t>(next_step);
    number = next;
  }
};

template <typename Number>
class Encoder {
 public:
  Encoder(const HistogramPlan& plan, std::string& out)
      : plan_(plan),
        out_(out),
        positive_(CountBuckets(plan.layout.positive_spans)),
        negative_(CountBuckets(plan.layout.negative_spans)) {
    WriteLayout(out_, plan.layout);
  }

  void WriteFirst(Timestamp time, const FloatHistogram& histogram) {
    WriteVarbitInt(out_, ToMs(time));
    time_ = static_cast<uint64_t>(ToMs(time));
    const bool stale = IsStale(histogram.sum);
    count_.WriteFirst(out_, stale ? 0 : histogram.count);
    zero_count_.WriteFirst(out_, stale ? 0 : histogram.zero_count);
    sum_.WriteFirst(out_, histogram.sum);
    if (stale) return;
    WriteBuckets(histogram, [this](Number& number, double value, double before) {
      number.WriteFirstBucket(out_, value, before);
    });
  }

  void WriteNext(Timestamp time, const FloatHistogram& histogram) {
    const uint64_t step = static_cast<uint64_t>(ToMs(time)) - time_;
    WriteVarbitInt(out_, static_cast<int64_t>(step - time_step_));
    time_ += step;
    time_step_ = step;
    // Behind a staleness marker there are only others: what its counts do does not matter.
    if (IsStale(histogram.sum)) {
      out_.Bits(0, 2);
      return sum_.WriteNext(out_, histogram.sum);
    }
    count_.WriteNext(out_, histogram.count);
    zero_count_.WriteNext(out_, histogram.zero_count);
    sum_.WriteNext(out_, histogram.sum);
    WriteBuckets(histogram, [this](Number& number, double value, double before) {
      number.WriteNextBucket(out_, value, before);
    });
  }

 private:
  template <typename Write>
  void WriteBuckets(const FloatHistogram& histogram, Write&& write) {
    WriteSide(histogram.positive_spans, histogram.positive_buckets, plan_.positive, positive_,
              write);
    WriteSide(histogram.negative_spans, histogram.negative_buckets, plan_.negative, negative_,
              write);
  }

  template <typename Write>
  void WriteSide(const std::vector<BucketSpan>& spans, const std::vector<double>& counts,
                 const std::vector<int64_t>& indexes, std::vector<Number>& numbers, Write&& write) {
    const std::vector<double>& all =
        plan_.same_layout ? counts : (spread_ = Spread(spans, counts, indexes));
    double before = 0;
    for (size_t i = 0; i < numbers.size(); ++i) {
      write(numbers[i], all[i], before);
      before = all[i];
    }
  }

  const HistogramPlan& plan_;
  BitWriter out_;
  std::vector<double> spread_;
  uint64_t time_ = 0;
  uint64_t time_step_ = 0;
  Number count_;
  Number zero_count_;
  XorNumber sum_;
  std::vector<Number> positive_;
  std::vector<Number> negative_;
};

template <typename Number>
void Encode(const HistogramPlan& plan, const SampleColumns& samples, size_t begin,
            std::string& out) {
  Encoder<Number> encoder(plan, out);
  encoder.WriteFirst(samples.timestamps()[begin], samples.histogram(begin)->histogram);
  for (size_t i = begin + 1; i < begin + plan.samples; ++i) {
    encoder.WriteNext(samples.timestamps()[i], samples.histogram(i)->histogram);
  }
}

}  // namespace

bool StoresAsInteger(const StoredHistogram& stored) {
  const FloatHistogram& histogram = stored.histogram;
  if (!stored.integer) return false;
  if (IsStale(histogram.sum)) return true;
  return IsWhole(histogram.count) && IsWhole(histogram.zero_count) &&
         std::ranges::all_of(histogram.positive_buckets, IsWhole) &&
         std::ranges::all_of(histogram.negative_buckets, IsWhole);
}

size_t EncodeHistograms(ChunkEncoding encoding, const SampleColumns& samples, size_t begin,
                        size_t limit, std::string& out) {
  const bool integer = encoding == ChunkEncoding::kHistogram;
  const StoredHistogram* before = begin > 0 ? samples.histogram(begin - 1) : nullptr;
  const bool continues = before != nullptr && StoresAsInteger(*before) == integer;
  const HistogramPlan plan = PlanHistograms(samples, begin, limit, continues);
  AppendBigEndian(out, static_cast<uint16_t>(plan.samples));
  out.push_back(static_cast<char>(static_cast<uint8_t>(plan.header) << 6));
  if (integer) {
    Encode<StepNumber>(plan, samples, begin, out);
  } else {
    Encode<XorNumber>(plan, samples, begin, out);
  }
  return plan.samples;
}

}  // namespace barograph::tsdb::prometheus
