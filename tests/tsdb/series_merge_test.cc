#include "tsdb/series_merge.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>

namespace barograph::tsdb {
namespace {

/// A part's samples, owned.
struct Owned {
  std::vector<Timestamp> timestamps;
  std::vector<double> values;
  uint64_t column = 0;

  SeriesPart As(uint32_t source) const {
    SeriesPart part{source, {}};
    part.samples.timestamps = timestamps;
    part.samples.values = values;
    part.samples.timestamp_column = column;
    return part;
  }
};

Owned Make(std::initializer_list<int> times, double value, uint64_t column = 0) {
  Owned owned;
  for (const int t : times) {
    owned.timestamps.push_back(FromMs(t));
    owned.values.push_back(value);
  }
  owned.column = column;
  return owned;
}

std::map<int64_t, double> AsMap(const SeriesSamples& samples) {
  std::map<int64_t, double> map;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (i > 0) REQUIRE(samples.timestamps[i - 1] < samples.timestamps[i]);
    map[ToMs(samples.timestamps[i])] = samples.values[i];
  }
  REQUIRE(map.size() == samples.size());
  return map;
}

}  // namespace

TEST_CASE("Parts that follow one another are put together, whatever order they come in") {
  const Owned early = Make({1, 2}, 1), late = Make({5, 6}, 2), none = Make({}, 0);
  SeriesMerge merge;
  const std::vector<SeriesPart> parts{late.As(1), none.As(2), early.As(3)};
  CHECK(AsMap(merge.Merge(parts)) ==
        std::map<int64_t, double>{{1, 1.0}, {2, 1.0}, {5, 2.0}, {6, 2.0}});
  CHECK(merge.key().empty());
  CHECK(merge.Merge({}).size() == 0);
}

TEST_CASE("Of samples at one time the last part's is taken") {
  std::mt19937_64 random(7);
  SeriesMerge merge;
  for (int round = 0; round < 500; ++round) {
    std::vector<Owned> owned(1 + random() % 4);
    std::map<int64_t, double> expected;
    std::vector<SeriesPart> parts;
    for (size_t p = 0; p < owned.size(); ++p) {
      const size_t first = random() % 20;
      for (size_t t = first; t < first + random() % 20; ++t) {
        if (random() % 3 == 0) continue;
        owned[p].timestamps.push_back(FromMs(static_cast<int64_t>(t)));
        owned[p].values.push_back(static_cast<double>(p * 100 + t));
        expected[static_cast<int64_t>(t)] = owned[p].values.back();
      }
      parts.push_back(owned[p].As(static_cast<uint32_t>(p)));
    }
    REQUIRE(AsMap(merge.Merge(parts)) == expected);
  }
}

TEST_CASE("Series whose parts share their timestamps have one key, in the order of time") {
  const Owned a = Make({1, 2}, 1, 7), b = Make({5, 6}, 2, 9), own = Make({8}, 3);
  SeriesMerge merge;
  merge.Merge(std::vector{a.As(1), b.As(2)});
  const SeriesMerge::Key key = merge.key();
  CHECK(key == SeriesMerge::Key{{1, 7}, {2, 9}});
  merge.Merge(std::vector{b.As(2), a.As(1)});
  CHECK(merge.key() == key);
  CHECK(AsMap(merge.Merge(std::vector{a.As(1), b.As(2)})).size() == 4);
  merge.Merge(std::vector{a.As(1), own.As(2)});
  CHECK(merge.key().empty());
}

TEST_CASE("Values that lie one part behind the other stay where they are") {
  const std::vector<double> values{1, 2, 3};
  const Owned early = Make({1, 2}, 0, 7), late = Make({5}, 0, 9);
  SeriesPart first = early.As(1), second = late.As(2);
  first.samples.values = std::span(values).first(2);
  second.samples.values = std::span(values).subspan(2);
  SeriesMerge merge;
  CHECK(merge.Merge(std::vector{first, second}).values.data() == values.data());
  second.samples.values = std::span(values).first(1);
  CHECK(AsMap(merge.Merge(std::vector{first, second})) ==
        std::map<int64_t, double>{{1, 1}, {2, 2}, {5, 1}});
}

TEST_CASE("Keys that come in turn keep their timestamps and their numbers") {
  SeriesMerge merge;
  for (const int keys : {1, 3, 1000}) {
    for (int round = 0; round < 3; ++round) {
      for (int k = 1; k <= keys; ++k) {
        const auto column = static_cast<uint64_t>(k);
        const Owned a = Make({k, k + 1}, 1, column), b = Make({2000, 2000 + k}, 2, column);
        const bool both = k % 4 != 3;
        const auto parts = both ? std::vector{a.As(1), b.As(2)} : std::vector{b.As(2)};
        std::map<int64_t, double> expected{{2000, 2.0}, {2000 + k, 2.0}};
        if (both) expected.insert({{k, 1.0}, {k + 1, 1.0}});
        REQUIRE(AsMap(merge.Merge(parts)) == expected);
        uint64_t& number = merge.number();
        if (keys == 3 && round > 0) REQUIRE(number == column);
        if (number != 0) REQUIRE(number == column);
        number = column;
      }
    }
  }
}

TEST_CASE("Native histograms stand where they stood") {
  FloatHistogram histogram;
  histogram.count = 3;
  const std::vector<const FloatHistogram*> pointers{&histogram, nullptr};
  const Owned with = Make({5, 6}, 0), without = Make({1, 6}, 4);
  SeriesPart part = with.As(1);
  part.samples.histograms = pointers;
  SeriesMerge merge;
  const SeriesSamples merged = merge.Merge(std::vector{without.As(2), part});
  REQUIRE(merged.histograms.size() == 3);
  CHECK(merged.histograms[0] == nullptr);
  REQUIRE(merged.histograms[1] != nullptr);
  CHECK(*merged.histograms[1] == histogram);
  CHECK(merged.histograms[2] == nullptr);
  CHECK(merged.values[2] == 0);
}

}  // namespace barograph::tsdb
