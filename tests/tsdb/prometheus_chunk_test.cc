#include <bit>
#include <catch2/catch.hpp>
#include <random>

#include "tests/tsdb/prometheus_samples.h"
#include "tsdb/prometheus/chunk.h"
#include "tsdb/prometheus/histogram_chunk.h"
#include "tsdb/prometheus/varbit.h"

namespace barograph::tsdb::prometheus {
namespace {

using test::Difference;
using test::RandomSamples;

std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    const auto value = static_cast<uint8_t>(byte);
    if (!text.empty()) text += ' ';
    text += kDigits[value >> 4];
    text += kDigits[value & 15];
  }
  return text;
}

std::string Bytes(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 3) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

std::vector<EncodedChunk> EncodeAll(const SampleColumns& samples) {
  std::vector<EncodedChunk> chunks;
  for (size_t begin = 0; begin < samples.size(); begin += chunks.back().samples) {
    chunks.push_back(EncodeChunk(samples, begin));
  }
  return chunks;
}

SampleColumns DecodeAll(const std::vector<EncodedChunk>& chunks) {
  SampleColumns samples;
  for (const EncodedChunk& chunk : chunks) {
    const Status decoded = DecodeChunk(chunk.encoding, chunk.data, samples);
    INFO((decoded.has_value() ? "" : decoded.error().message));
    REQUIRE(decoded.has_value());
  }
  return samples;
}

StoredHistogram Counts(std::vector<double> buckets, bool integer = true) {
  FloatHistogram histogram;
  for (const double count : buckets) histogram.count += count;
  histogram.sum = histogram.count;
  histogram.positive_spans = {{0, static_cast<uint32_t>(buckets.size())}};
  histogram.positive_buckets = std::move(buckets);
  return {histogram, integer};
}

Timestamp Second(int64_t second) { return FromMs(second * 1000); }

TEST_CASE("Numbers of variable width come back, and take the bits that Prometheus takes") {
  struct Case {
    int64_t value;
    size_t bytes;  // of varbit_int
  };
  const auto c =
      GENERATE(Case{0, 1}, Case{1, 1}, Case{-3, 1}, Case{4, 1}, Case{-4, 2}, Case{5, 2},
               Case{-31, 2}, Case{32, 2}, Case{33, 2}, Case{256, 2}, Case{257, 3}, Case{2048, 3},
               Case{-131071, 3}, Case{131072, 3}, Case{131073, 4}, Case{16777216, 4},
               Case{16777217, 8}, Case{-36028797018963967, 8}, Case{36028797018963968, 8},
               Case{36028797018963969, 9}, Case{INT64_MIN, 9}, Case{INT64_MAX, 9});
  std::string bytes;
  BitWriter out(bytes);
  WriteVarbitInt(out, c.value);
  CHECK(bytes.size() == c.bytes);
  WriteVarbitUint(out, static_cast<uint64_t>(c.value));
  WriteVarbitTimestamp(out, c.value);
  out.Varint(c.value);
  BitReader in(bytes);
  CHECK(ReadVarbitInt(in) == c.value);
  CHECK(ReadVarbitUint(in) == static_cast<uint64_t>(c.value));
  CHECK(ReadVarbitTimestamp(in) == c.value);
  CHECK(in.Varint() == c.value);
  CHECK(in.ok());
  in.Bits(8);
  CHECK_FALSE(in.ok());
}

TEST_CASE("The bytes of an XOR chunk are those of the specification") {
  SampleColumns samples;
  samples.AddFloat(Second(1), 1);
  samples.AddFloat(Second(16), 1);
  samples.AddFloat(Second(31), 3);
  samples.AddFloat(Second(47), kStaleNan);
  const EncodedChunk chunk = EncodeChunk(samples, 0);
  CHECK(chunk.encoding == ChunkEncoding::kXor);
  CHECK(chunk.samples == 4);
  CHECK(chunk.min_time == Second(1));
  CHECK(chunk.max_time == Second(47));
  // 4 samples; 1000 ms; 1.0; 15000 ms more; then, in bits: 0 (same value); 0 (same step), 11 00001
  // 001100 and 12 bits (new window); 10 and 14 bits (step 1000 ms longer), 11 and a window again.
  CHECK(Hex(chunk.data) ==
        "00 04 d0 0f 3f f0 00 00 00 00 00 00 98 75 30 99 ff f0 7d 18 bd ff e0 00 00 00 00 00 08");
}

TEST_CASE("The bytes of an integer histogram chunk are those of the specification") {
  SampleColumns samples;
  samples.AddHistogram(Second(1), Counts({2, 0, 1}));
  samples.AddHistogram(Second(16), Counts({2, 1, 4}));
  const EncodedChunk chunk = EncodeChunk(samples, 0);
  CHECK(chunk.encoding == ChunkEncoding::kHistogram);
  // 2 samples, nothing known of resets, zero threshold 0; then bits: schema 0, one span of 3 from
  // 0, none; 1000 ms, count 3, zero count 0, sum 3.0, buckets 2, -2, +1; 15000 ms more, count 4
  // more, zero count as before, the sum's window, buckets by how their steps changed: 0, 1, 2.
  CHECK(Hex(chunk.data) ==
        "00 02 00 00 46 67 8f a2 64 00 80 00 00 00 00 00 09 5a 3f 07 53 14 6b 0e a3 20");
}

TEST_CASE(
    "The bytes of a float histogram chunk with custom buckets are those of the specification") {
  SampleColumns samples;
  StoredHistogram histogram = Counts({0.5, 2}, false);
  histogram.histogram.schema = kCustomBucketsSchema;
  histogram.histogram.custom_values = {0.25, -1};
  samples.AddHistogram(Second(1), histogram);
  const EncodedChunk chunk = EncodeChunk(samples, 0);
  CHECK(chunk.encoding == ChunkEncoding::kFloatHistogram);
  // 1 sample; schema -53, one span of 2 from 0, none; bounds 251 thousandths less one, and -1 as a
  // double behind a 0; 1000 ms, count 2.5, zero count 0, sum 2.5, buckets 0.5 and 2.
  CHECK(Hex(chunk.data) ==
        "00 01 00 00 ee 5c 64 4b 9f 6b ff 00 00 00 00 00 00 0f 1f 42 00 20 00 00 00 00 00 00 00 "
        "00 00 00 00 00 00 02 00 20 00 00 00 00 00 01 ff 00 00 00 00 00 00 02 00 00 00 00 00 00 "
        "00 00");
}

TEST_CASE("An XOR2 chunk is read, with start timestamps and without") {
  // Two samples 15 s apart, one with the same distance and value, one stale, one late and changed.
  std::string bytes;
  const bool start_timestamps = GENERATE(false, true);
  bytes += Bytes(start_timestamps ? "00 05 81" : "00 05 00");
  BitWriter out(bytes);
  const auto start = [&](int64_t delta) {
    if (start_timestamps) WriteVarbitInt(out, delta);
  };
  out.Varint(1000);
  out.Double(1);
  if (start_timestamps) out.Varint(500);
  out.Uvarint(15000);
  out.Bits(0, 1);  // the same value
  start(500);
  out.Bits(0, 1);  // the same step and value
  start(15000);
  out.Bits(0b11111, 5);  // stale
  start(0);
  out.Bits(0b110, 3);
  out.Bits(static_cast<uint64_t>(-1000) & 0x1fff, 13);
  // The window of the bits that differ, and those.
  out.Bits(0b110, 3);
  out.Bits(1, 5);
  out.Bits(12, 6);
  out.Bits((std::bit_cast<uint64_t>(3.0) ^ std::bit_cast<uint64_t>(1.0)) >> 51, 12);
  start(0);
  SampleColumns samples;
  REQUIRE(DecodeChunk(ChunkEncoding::kXor2, bytes, samples).has_value());
  SampleColumns want;
  want.AddFloat(Second(1), 1);
  want.AddFloat(Second(16), 1);
  want.AddFloat(Second(31), 1);
  want.AddFloat(Second(46), kStaleNan);
  want.AddFloat(Second(60), 3);
  CHECK(Difference(samples, want) == "");
}

TEST_CASE("A histogram chunk with start timestamps is read past them") {
  SampleColumns want;
  want.AddHistogram(Second(1), Counts({2}));
  const EncodedChunk plain = EncodeChunk(want, 0);
  // The counts move to the front, behind the two bits about resets.
  std::string bytes = plain.data;
  bytes[2] = '\x80';
  BitWriter(bytes).Varint(77);
  SampleColumns samples;
  REQUIRE(DecodeChunk(ChunkEncoding::kHistogramSt, bytes, samples).has_value());
  CHECK(Difference(samples, want) == "");
  CHECK(samples.histogram(0)->integer);
}

TEST_CASE("Random samples of every kind survive chunks") {
  const auto seed = GENERATE(take(40, random(1, 1'000'000'000)));
  INFO("seed " << seed);
  std::mt19937_64 random(static_cast<uint64_t>(seed));
  const test::Shape shape{seed % 3 != 0, seed % 3 != 1};
  const SampleColumns samples = RandomSamples(random, 1 + random() % 900, shape);
  const std::vector<EncodedChunk> chunks = EncodeAll(samples);
  for (const EncodedChunk& chunk : chunks) {
    CHECK(chunk.samples <= kMaxSamplesPerChunk);
    CHECK(chunk.min_time <= chunk.max_time);
  }
  CHECK(Difference(DecodeAll(chunks), samples) == "");
}

TEST_CASE("Chunks of a steady series are evenly long") {
  SampleColumns samples;
  for (int i = 0; i < 250; ++i) samples.AddFloat(Second(i), i);
  std::vector<size_t> lengths;
  for (const EncodedChunk& chunk : EncodeAll(samples)) lengths.push_back(chunk.samples);
  CHECK(lengths == std::vector<size_t>{120, 65, 65});
}

TEST_CASE("A counter reset begins a chunk, whose header says so") {
  SampleColumns samples;
  samples.AddHistogram(Second(1), Counts({5, 5}));
  samples.AddHistogram(Second(2), Counts({6, 5}));
  samples.AddHistogram(Second(3), Counts({7, 4}));     // one bucket fell, the count did not
  samples.AddHistogram(Second(4), Counts({7, 4, 2}));  // a new bucket is no reset
  const std::vector<EncodedChunk> chunks = EncodeAll(samples);
  REQUIRE(chunks.size() == 2);
  CHECK(chunks[0].data[2] == '\x00');
  CHECK(chunks[1].data[2] == '\x80');
  const SampleColumns decoded = DecodeAll(chunks);
  std::vector<CounterResetHint> hints;
  for (size_t i = 0; i < decoded.size(); ++i) {
    hints.push_back(decoded.histogram(i)->histogram.counter_reset_hint);
  }
  using enum CounterResetHint;
  CHECK(hints == std::vector{kUnknown, kNotReset, kUnknown, kNotReset});
  CHECK(decoded.histogram(2)->histogram.positive_buckets == std::vector<double>{7, 4, 0});
}

TEST_CASE("A reset that is only told, not seen, is kept in the header") {
  SampleColumns samples;
  samples.AddHistogram(Second(1), Counts({5}));
  StoredHistogram told = Counts({9});
  told.histogram.counter_reset_hint = CounterResetHint::kReset;
  samples.AddHistogram(Second(2), told);
  const std::vector<EncodedChunk> chunks = EncodeAll(samples);
  REQUIRE(chunks.size() == 2);
  CHECK(chunks[1].data[2] == '\x80');
}

TEST_CASE("Gauge histograms fall within a chunk and stay gauges") {
  SampleColumns samples;
  for (const double count : {5.0, 2.0, 7.0}) {
    StoredHistogram gauge = Counts({count, 1});
    gauge.histogram.counter_reset_hint = CounterResetHint::kGauge;
    samples.AddHistogram(Second(static_cast<int64_t>(samples.size())), gauge);
  }
  const std::vector<EncodedChunk> chunks = EncodeAll(samples);
  REQUIRE(chunks.size() == 1);
  const SampleColumns decoded = DecodeAll(chunks);
  CHECK(decoded.histogram(2)->histogram.counter_reset_hint == CounterResetHint::kGauge);
  CHECK(Difference(decoded, samples) == "");
}

TEST_CASE("Counts that are no integers make a float histogram of what was called an integer one") {
  SampleColumns samples;
  samples.AddHistogram(Second(1), Counts({1.5}));
  CHECK(EncodeChunk(samples, 0).encoding == ChunkEncoding::kFloatHistogram);
}

TEST_CASE("Spans that name a bucket twice, with counts that add up to too much, are written") {
  StoredHistogram histogram = Counts({0x1p62, 0x1p62, 0x1p62});
  histogram.histogram.positive_spans = {{0, 2}, {-1, 1}};
  SampleColumns samples;
  samples.AddHistogram(Second(1), histogram);
  const SampleColumns decoded = DecodeAll(EncodeAll(samples));
  CHECK(decoded.histogram(0)->histogram.positive_buckets == std::vector<double>{0x1p62, 0x1p63});
}

TEST_CASE("Histograms with many buckets make short chunks") {
  SampleColumns samples;
  for (int i = 0; i < 100; ++i) {
    samples.AddHistogram(Second(i), Counts(std::vector<double>(160, i)));
  }
  CHECK(EncodeChunk(samples, 0).samples == 15);
}

TEST_CASE("A schema finer than 8 is brought to 8") {
  FloatHistogram fine = Counts({1, 2, 3, 4}).histogram;
  fine.schema = 9;
  fine.positive_spans = {{1, 4}};
  const FloatHistogram known = ToKnownSchema(fine);
  CHECK(known.schema == 8);
  CHECK(known.positive_buckets == std::vector<double>{3, 7});
}

TEST_CASE("A chunk that is cut short or flipped is refused or decodes; nothing else happens") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    const SampleColumns samples = RandomSamples(random, 20, {round % 2 == 0, round % 2 == 1});
    EncodedChunk chunk = EncodeChunk(samples, 0);
    SampleColumns out;
    const std::string_view cut =
        std::string_view(chunk.data).substr(0, random() % chunk.data.size());
    CHECK_FALSE(DecodeChunk(chunk.encoding, cut, out).has_value());
    chunk.data[random() % chunk.data.size()] ^= static_cast<char>(1 + random() % 255);
    for (int encoding = 0; encoding < 8; ++encoding) {
      (void)DecodeChunk(static_cast<ChunkEncoding>(encoding), chunk.data, out);
    }
  }
  SampleColumns out;
  CHECK(DecodeChunk(static_cast<ChunkEncoding>(7), "", out).error().message ==
        "unknown chunk encoding 7");
}

}  // namespace
}  // namespace barograph::tsdb::prometheus
