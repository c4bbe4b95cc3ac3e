#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/model/histogram.h"
#include "base/model/labels.h"
#include "base/model/sample.h"
#include "base/storage/queryable.h"
#include "tests/support/memory_file_system.h"
#include "tsdb/block/block.h"
#include "tsdb/block/block_writer.h"

/// What the tests of blocks share: samples that are easy to make, to compare and to store.
namespace barograph::test {

inline const std::string kBlocks = "blocks";

/// A float or a histogram, compared bit for bit, but for what a hint knows of other samples.
struct AnySample {
  double value = 0;
  std::shared_ptr<const FloatHistogram> histogram;

  AnySample(double v) : value(v) {}  // NOLINT: samples are written as numbers
  explicit AnySample(FloatHistogram h)
      : histogram(std::make_shared<FloatHistogram>(std::move(h))) {}
  bool operator==(const AnySample& other) const;
};

/// The samples of a series by time in ms, and of many series.
using Points = std::map<int64_t, AnySample>;
using Everything = std::map<SeriesId, Points>;

/// Points as columns.
class Columns {
 public:
  explicit Columns(const Points& points, uint64_t timestamp_column = 0);
  const SeriesSamples& samples() const { return samples_; }

 private:
  std::vector<Timestamp> timestamps_;
  std::vector<double> values_;
  std::vector<const FloatHistogram*> histograms_;
  SeriesSamples samples_;
};

Points ToPoints(const SeriesSamples& samples);
Points Within(const Points& points, TimeRange range);

/// All time, and stretches of it.
TimeRange AllTime();
TimeRange FromTo(int64_t min_ms, int64_t max_ms);

/// An origin with the number in its ULID.
tsdb::BlockOrigin Origin(uint64_t number, TimeRange window = FromTo(-1'000'000, 3'000'000));

/// Small enough that all edges are met with few samples.
tsdb::BlockWriterOptions TinyOptions();

std::string PathOf(const tsdb::BlockOrigin& origin);

/// The labels of the tests' series: four of a metric, the next metric's like the last one's.
Labels LabelsOf(SeriesId id);

/// Writes and opens a block; series in the order of their ids, with the labels above.
std::shared_ptr<const tsdb::Block> WriteBlock(FileSystem& files, const Everything& everything,
                                              tsdb::BlockOrigin origin,
                                              tsdb::BlockWriterOptions options = TinyOptions());

/// All that a block says it holds.
Everything ReadBlock(const std::shared_ptr<const tsdb::Block>& block, TimeRange range = AllTime());

/// Series as they come: targets that share timestamps, some with gaps, some that begin late or end
/// early, lone ones; values of every kind; histograms where wanted.
Everything RandomSeries(std::mt19937_64& random, size_t count, bool histograms);

FloatHistogram RandomHistogram(std::mt19937_64& random);

}  // namespace barograph::test
