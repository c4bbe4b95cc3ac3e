#include "tsdb/chunk/histogram_codec.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "base/model/sample.h"
#include "tests/tsdb/histograms.h"
#include "tsdb/chunk/histogram_hints.h"

namespace barograph::tsdb {
namespace {

using test::MakeHistogram;
using test::RandomHistogram;

std::string EncodeAll(const std::vector<FloatHistogram>& histograms) {
  std::vector<const FloatHistogram*> run;
  for (const FloatHistogram& histogram : histograms) run.push_back(&histogram);
  std::string bytes;
  HistogramEncoder().Encode(run, bytes);
  return bytes;
}

// What of a histogram is stored.
FloatHistogram Stored(FloatHistogram histogram) {
  if (histogram.counter_reset_hint != CounterResetHint::kGauge) {
    histogram.counter_reset_hint = CounterResetHint::kUnknown;
  }
  return histogram;
}

void CheckRoundTrip(const std::vector<FloatHistogram>& histograms) {
  const std::string bytes = EncodeAll(histograms);
  std::vector<FloatHistogram> decoded(histograms.size());
  REQUIRE(DecodeHistograms(bytes, decoded));
  for (size_t i = 0; i < histograms.size(); ++i) {
    INFO(i << " of " << histograms.size());
    REQUIRE(IsStorable(histograms[i]));
    CHECK(decoded[i] == Stored(histograms[i]));
  }
}

std::string Hex(const std::string& bytes) {
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

FloatHistogram StaleMarker() {
  FloatHistogram marker;
  marker.sum = kStaleNan;
  return marker;
}

TEST_CASE("Runs of histograms have their documented bytes") {
  // A bucket and the zero bucket appear, then the series ends.
  FloatHistogram wider = MakeHistogram(0, {7, 9, 1});
  wider.zero_count = 2;
  wider.count += 2;
  CHECK(
      Hex(EncodeAll({MakeHistogram(0, {5, 9}), MakeHistogram(0, {6, 9}), wider, StaleMarker()})) ==
      "01 00 00 00 02 01 00 02 00 01 00 03 00 01 02 02 01 00 00 08 ab 01 a4 03 0f 01 02 02 01 "
      "0b 00 82 00 78 09 00 08 03");

  // All that is optional: a gauge, bounds, a threshold that is no power of two, a count of its own.
  FloatHistogram gauge = MakeHistogram(kCustomBucketsSchema, {3});
  gauge.counter_reset_hint = CounterResetHint::kGauge;
  gauge.custom_values = {0.25};
  gauge.zero_threshold = 0.3;
  gauge.count = 4;
  FloatHistogram counter = MakeHistogram(3, {1});
  counter.zero_threshold = 0x1p-128;
  CHECK(Hex(EncodeAll({gauge, counter})) ==
        "02 07 69 ff 33 33 33 33 33 33 d3 3f 01 03 f8 02 32 01 01 00 01 00 00 06 73 01 01 00 01 00 "
        "01 01 02 00 0a 03 f8 01 5a 01 03 00 01 06 01 03 f8 01 1e 01 01 00 00 02");
}

TEST_CASE("Any histograms come back to the bit") {
  CheckRoundTrip({});
  CheckRoundTrip({StaleMarker()});
  CheckRoundTrip({StaleMarker(), StaleMarker(), MakeHistogram(3, {1, 2}), StaleMarker()});
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    std::vector<FloatHistogram> histograms(random() % 130 + 1);
    const uint64_t kinds = random() % 4 + 1;
    for (FloatHistogram& histogram : histograms) {
      histogram = RandomHistogram(random, random() % kinds);
      if (random() % 20 == 0) histogram = StaleMarker();
    }
    CheckRoundTrip(histograms);
  }
}

TEST_CASE("Odd numbers, thresholds, spans and bounds survive") {
  const double odd[] = {kStaleNan, kNormalNan, -kNormalNan, kInf, -kInf, -0.0, 0.0, 5e-324, 1e300};
  std::vector<FloatHistogram> histograms;
  for (const double number : odd) {
    for (int field = 0; field < 6; ++field) {
      FloatHistogram histogram = MakeHistogram(2, {1, 2, 3});
      histogram.custom_values = {1, number};
      double* const fields[] = {&histogram.sum,
                                &histogram.count,
                                &histogram.zero_count,
                                &histogram.zero_threshold,
                                &histogram.custom_values[0],
                                &histogram.positive_buckets[1]};
      *fields[field] = number;
      histograms.push_back(histogram);
    }
  }
  FloatHistogram backwards = MakeHistogram(0, {1, 2, 3, 4});
  backwards.positive_spans = {{5, 2}, {-2, 1}, {0, 0}, {INT32_MIN, 1}};
  histograms.push_back(backwards);
  histograms.push_back(MakeHistogram(0, {1, 2}));
  backwards.positive_spans = {{INT32_MAX, 2}, {INT32_MAX, 2}};
  histograms.push_back(backwards);
  histograms.push_back(histograms.front());
  for (int exponent = -300; exponent < 20; ++exponent) {
    histograms.push_back(MakeHistogram(0, {1}));
    histograms.back().zero_threshold = std::ldexp(1, exponent);
  }
  CheckRoundTrip(histograms);
}

TEST_CASE("As many buckets and histograms as a run may have survive") {
  std::vector<FloatHistogram> histograms(3);
  for (size_t i = 0; i < histograms.size(); ++i) {
    histograms[i].positive_buckets.assign(kMaxHistogramBuckets - i, 7);
    histograms[i].positive_spans = {{0, static_cast<uint32_t>(kMaxHistogramBuckets - i)}};
  }
  histograms.push_back(histograms[0]);
  histograms.push_back(histograms[0]);
  CheckRoundTrip(histograms);
  CheckRoundTrip(std::vector<FloatHistogram>(kMaxHistogramRun, MakeHistogram(1, {1, 2, 3})));

  histograms[0].positive_buckets.push_back(1);
  CHECK_FALSE(IsStorable(histograms[0]));
  histograms[0].positive_spans[0].length += 1;
  CHECK_FALSE(IsStorable(histograms[0]));
  histograms[1].negative_buckets.push_back(1);
  CHECK_FALSE(IsStorable(histograms[1]));
}

TEST_CASE(
    "Runs of histograms that are cut, or have a byte changed, are refused or decode to some") {
  std::mt19937_64 random(7);
  std::vector<FloatHistogram> histograms(40);
  for (FloatHistogram& histogram : histograms) histogram = RandomHistogram(random, random() % 3);
  const std::string bytes = EncodeAll(histograms);
  std::vector<FloatHistogram> decoded(histograms.size());
  for (size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(DecodeHistograms(std::string_view(bytes).substr(0, size), decoded));
  }
  CHECK_FALSE(DecodeHistograms(bytes + '\0', decoded));
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string bad = bytes;
    bad[at] = static_cast<char>(random());
    const Status status = DecodeHistograms(bad, decoded);
    if (!status) CHECK(status.error().code == ErrorCode::kCorruption);
  }
  CHECK_FALSE(DecodeHistograms("x", {}));
}

TEST_CASE("A histogram that goes on from the one before is known not to be a reset") {
  const auto hints = [](std::vector<FloatHistogram> histograms) {
    std::vector<FloatHistogram*> series;
    for (FloatHistogram& histogram : histograms) {
      const bool is_float = histogram.schema == 99;
      series.push_back(is_float ? nullptr : &histogram);
    }
    HintCounterResets(series);
    std::string text;
    for (const FloatHistogram* histogram : series) {
      text += histogram == nullptr ? 'f' : "ur-g"[static_cast<int>(histogram->counter_reset_hint)];
    }
    return text;
  };
  const FloatHistogram one = MakeHistogram(0, {1, 2});
  const FloatHistogram two = MakeHistogram(0, {2, 2});
  const FloatHistogram three = MakeHistogram(0, {2, 2, 3});
  FloatHistogram gauge = two;
  gauge.counter_reset_hint = CounterResetHint::kGauge;
  FloatHistogram no_reset = one;
  no_reset.counter_reset_hint = CounterResetHint::kNotReset;
  CHECK(hints({one, two, three, three}) == "u---");
  CHECK(hints({two, one, three, two}) == "uu-u");
  CHECK(hints({two, no_reset}) == "uu");
  CHECK(hints({one, gauge, two, two}) == "ugu-");
  CHECK(hints({one, MakeHistogram(99, {}), two}) == "ufu");
  CHECK(hints({one, MakeHistogram(1, {1, 2}), StaleMarker(), one}) == "uuuu");
}

}  // namespace
}  // namespace barograph::tsdb
