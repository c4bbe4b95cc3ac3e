#include "tests/tsdb/block_samples.h"

#include <bit>
#include <catch2/catch.hpp>
#include <limits>
#include <utility>

#include "tsdb/block/block_files.h"
#include "tsdb/block/block_reader.h"

namespace barograph::test {

namespace {

// Whether it goes on from the one before is not stored, but found when it is read.
FloatHistogram AsStored(FloatHistogram histogram) {
  if (histogram.counter_reset_hint == CounterResetHint::kNotReset) {
    histogram.counter_reset_hint = CounterResetHint::kUnknown;
  }
  return histogram;
}

}  // namespace

bool AnySample::operator==(const AnySample& other) const {
  if ((histogram == nullptr) != (other.histogram == nullptr)) return false;
  return histogram != nullptr ? AsStored(*histogram) == AsStored(*other.histogram)
                              : SameBits(value, other.value);
}

Columns::Columns(const Points& points, uint64_t timestamp_column) {
  bool any = false;
  for (const auto& [ms, sample] : points) {
    timestamps_.push_back(FromMs(ms));
    values_.push_back(sample.value);
    histograms_.push_back(sample.histogram.get());
    any |= sample.histogram != nullptr;
  }
  samples_.timestamps = timestamps_;
  samples_.values = values_;
  if (any) samples_.histograms = histograms_;
  samples_.timestamp_column = timestamp_column;
}

Points ToPoints(const SeriesSamples& samples) {
  Points points;
  for (size_t i = 0; i < samples.size(); ++i) {
    const FloatHistogram* const histogram =
        samples.histograms.empty() ? nullptr : samples.histograms[i];
    points.emplace(ToMs(samples.timestamps[i]),
                   histogram != nullptr ? AnySample(*histogram) : AnySample(samples.values[i]));
  }
  return points;
}

Points Within(const Points& points, TimeRange range) {
  return {points.lower_bound(ToMs(range.min)), points.upper_bound(ToMs(range.max))};
}

TimeRange AllTime() {
  return FromTo(std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
}

TimeRange FromTo(int64_t min_ms, int64_t max_ms) { return {FromMs(min_ms), FromMs(max_ms)}; }

tsdb::BlockOrigin Origin(uint64_t number, TimeRange window) {
  tsdb::BlockOrigin origin;
  origin.ulid = tsdb::Ulid::Make(FromMs(1'700'000'000'000), 0, number);
  origin.window = window;
  return origin;
}

tsdb::BlockWriterOptions TinyOptions() {
  tsdb::BlockWriterOptions options;
  options.run_rows = 8;
  options.min_extent_samples = 40;
  options.max_extent_samples = 100;
  options.max_extent_bytes = 300;
  options.max_extent_series = 5;
  options.max_column_extent_bytes = 100;
  options.column_memory_bytes = 4096;
  options.labels = {.max_set_bytes = 150, .max_series = 7, .remembered_sets = 10};
  return options;
}

Labels LabelsOf(SeriesId id) {
  const auto number = static_cast<uint64_t>(id);
  return Labels{{kMetricName, "metric_" + std::to_string(number / 4)},
                {"Zone", number % 3 == 0 ? "east" : ""},
                {"place", std::to_string(number % 4)}};
}

std::string PathOf(const tsdb::BlockOrigin& origin) {
  return tsdb::BlockPath(kBlocks, origin.ulid);
}

std::shared_ptr<const tsdb::Block> WriteBlock(FileSystem& files, const Everything& everything,
                                              tsdb::BlockOrigin origin,
                                              tsdb::BlockWriterOptions options) {
  const auto writer = tsdb::BlockWriter::Create(files, kBlocks, origin, options);
  REQUIRE(writer);
  for (const auto& [id, points] : everything) {
    REQUIRE((*writer)->Add(id, LabelsOf(id), Columns(points).samples()));
  }
  const auto meta = (*writer)->Finish();
  REQUIRE(meta);
  auto block = tsdb::Block::Open(files, PathOf(origin));
  INFO((block.has_value() ? "" : block.error().message));
  REQUIRE(block);
  REQUIRE((*block)->meta() == *meta);
  return *block;
}

Everything ReadBlock(const std::shared_ptr<const tsdb::Block>& block, TimeRange range) {
  tsdb::BlockReader reader(block);
  Everything everything;
  const auto ids = block->Ids();
  REQUIRE(ids);
  for (const SeriesId id : *ids) {
    const auto samples = reader.Read(id, range);
    INFO((samples.has_value() ? "" : samples.error().message));
    REQUIRE(samples);
    if (samples->size() > 0) everything.emplace(id, ToPoints(*samples));
  }
  return everything;
}

FloatHistogram RandomHistogram(std::mt19937_64& random) {
  FloatHistogram histogram;
  if (random() % 10 == 0) {
    histogram.sum = kStaleNan;
    return histogram;
  }
  if (random() % 8 == 0) histogram.counter_reset_hint = CounterResetHint::kGauge;
  histogram.schema = static_cast<int32_t>(random() % 4);
  histogram.zero_threshold = 0.001;
  histogram.zero_count = static_cast<double>(random() % 3);
  histogram.positive_spans = {{static_cast<int32_t>(random() % 5), 2}, {1, 1}};
  for (int i = 0; i < 3; ++i) {
    histogram.positive_buckets.push_back(static_cast<double>(random() % 1000));
  }
  histogram.count = static_cast<double>(random() % 5000);
  histogram.sum = static_cast<double>(random() % 100'000) / 7;
  return histogram;
}

namespace {

double RandomValue(std::mt19937_64& random, size_t kind, double last) {
  constexpr double kOdd[] = {-0.0, kInf, -kInf, kStaleNan, kNormalNan, 5e-324, 0};
  switch (kind % 6) {
    case 0: return last;
    case 1: return last + static_cast<double>(random() % 100);
    case 2: return static_cast<double>(random() % 10'000) / 100;
    case 3: return std::bit_cast<double>(random());
    case 4: return kOdd[random() % std::size(kOdd)];
    default: return random() % 10 == 0 ? kStaleNan : last + 1;
  }
}

/// The times of a target's scrapes.
std::vector<int64_t> RandomTimes(std::mt19937_64& random) {
  std::vector<int64_t> times;
  int64_t t = static_cast<int64_t>(random() % 10'000) - 200'000;
  const size_t count = 1 + random() % 60;
  const bool exact = random() % 2 == 0;
  for (size_t i = 0; i < count; ++i) {
    times.push_back(t += 15'000 + (exact ? 0 : static_cast<int64_t>(random() % 9)));
  }
  return times;
}

bool Present(std::mt19937_64& random, size_t kind, size_t row, size_t rows) {
  switch (kind % 5) {
    case 0: return row >= rows / 3;
    case 1: return row < rows - rows / 4;
    case 2: return random() % 7 != 0;
    default: return true;
  }
}

}  // namespace

Everything RandomSeries(std::mt19937_64& random, size_t count, bool histograms) {
  std::vector<std::vector<int64_t>> targets(4);
  for (auto& target : targets) target = RandomTimes(random);
  Everything everything;
  uint64_t id = 0;
  for (size_t s = 0; s < count; ++s) {
    id += 1 + random() % 3 + (random() % 16 == 0 ? random() % 100'000 : 0);
    const std::vector<int64_t> times =
        random() % 5 == 0 ? RandomTimes(random) : targets[random() % targets.size()];
    const size_t value_kind = random(), presence = random() % 8;
    const size_t histogram_share = histograms && random() % 2 == 0 ? random() % 4 : 0;
    double last = static_cast<double>(random() % 1000);
    Points points;
    for (size_t row = 0; row < times.size(); ++row) {
      if (!Present(random, presence, row, times.size())) continue;
      last = RandomValue(random, value_kind, last);
      points.emplace(times[row], random() % 3 < histogram_share ? AnySample(RandomHistogram(random))
                                                                : AnySample(last));
    }
    if (!points.empty()) everything.emplace(SeriesId{id}, std::move(points));
  }
  return everything;
}

}  // namespace barograph::test
