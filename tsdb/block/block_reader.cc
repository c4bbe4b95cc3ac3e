#include "tsdb/block/block_reader.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "tsdb/block/block_data.h"
#include "tsdb/block/column_reader.h"
#include "tsdb/block/extent.h"
#include "tsdb/block/sample_run.h"
#include "tsdb/chunk/histogram_hints.h"
#include "tsdb/chunk/value_codec.h"
#include "tsdb/start_stream.h"

namespace barograph::tsdb {
namespace {

/// The runs [first, last) that hold the rows, and where the rows begin in them.
struct RunsOfRows {
  size_t first = 0;
  size_t last = 0;
  size_t skipped_rows = 0;
};

RunsOfRows RunsOf(const ColumnRows& rows, size_t run_rows) {
  RunsOfRows runs;
  runs.first = rows.first_row / run_rows;
  runs.last = (rows.first_row + rows.timestamps.size() - 1) / run_rows + 1;
  runs.skipped_rows = rows.first_row - runs.first * run_rows;
  return runs;
}

}  // namespace

class BlockReader::Impl {
 public:
  Impl(std::shared_ptr<const Block> block, BlockReaderOptions options)
      : block_(std::move(block)),
        data_(block_->data()),
        positions_(data_.directory()),
        inflater_(options.inflater != nullptr ? *options.inflater : own_inflater_),
        extents_(data_, std::max<size_t>(options.cached_extents, 1)),
        columns_(data_, options.cached_extents, options.cached_timestamps),
        decode_(options.presence_only ? DecodeMarkers : DecodeValues) {}

  const Block& block() const { return *block_; }

  Result<SeriesSamples> Read(SeriesId id, TimeRange range) {
    own_.Truncate(0);
    return Read(id, range, own_);
  }

  Result<SeriesSamples> Read(SeriesId id, TimeRange range, ValueBuffer& values) {
    if (!range.Overlaps(block_->meta().range)) return SeriesSamples();
    const std::optional<uint64_t> position = positions_.PositionOf(id);
    if (!position.has_value()) return SeriesSamples();
    const size_t before = values.size();
    SeriesSamples samples = TRY(ReadAt(*position, range, values));
    const std::span<const TimeRange> deleted = block_->tombstones().RangesOf(SeriesOfStream(id));
    const auto touches = [range](TimeRange other) { return other.Overlaps(range); };
    if (std::ranges::any_of(deleted, touches)) KeepUndeleted(samples, deleted, values, before);
    return samples;
  }

 private:
  Result<SeriesSamples> ReadAt(uint64_t position, TimeRange range, ValueBuffer& values) {
    const std::optional<size_t> extent = data_.directory().ExtentOf(ExtentKind::kSamples, position);
    if (!extent.has_value()) {
      return BlockCorruption(data_.path(), data_.footer().directory_offset,
                             "a series' position is outside the block");
    }
    const SampleExtent* const series = TRY(extents_.Get(*extent, inflater_));
    const size_t index = position - data_.directory().extents()[*extent].first;
    const ColumnRows rows = TRY(columns_.Read(series->column(index), range, inflater_));
    if (rows.timestamps.empty()) return SeriesSamples();
    const size_t run_rows = data_.directory().run_rows();
    if (series->runs(index) != (rows.rows + run_rows - 1) / run_rows) {
      return data_.Damaged(*extent, "a series has not as many runs as its timestamps need");
    }
    const RunsOfRows runs = RunsOf(rows, run_rows);
    const size_t before = values.size();
    const bool good = series->HasHistograms(index)
                          ? DecodeMixed(*series, index, rows, runs, values)
                          : DecodeFloats(*series, index, rows, runs, values);
    if (!good) return data_.Damaged(*extent, "a malformed run");
    SeriesSamples samples;
    samples.timestamps = rows.timestamps;
    samples.values = values.all().subspan(before);
    samples.timestamp_column = rows.same_as + 1;
    if (series->HasHistograms(index)) PointToHistograms(runs.skipped_rows, samples);
    return samples;
  }

  /// Appends the values of the rows. Runs whose rows are all among them are decoded where they
  /// belong, the first and the last one elsewhere.
  bool DecodeFloats(const SampleExtent& series, size_t index, const ColumnRows& rows,
                    RunsOfRows runs, ValueBuffer& values) {
    const size_t run_rows = data_.directory().run_rows();
    std::span<double> left = values.Append(rows.timestamps.size());
    size_t skipped = runs.skipped_rows;
    for (size_t run = runs.first; run < runs.last; ++run) {
      const size_t size = std::min<size_t>(run_rows, rows.rows - run * run_rows);
      const std::string_view bytes = series.Run(index, run);
      const size_t wanted = std::min(size - skipped, left.size());
      if (wanted == size) {
        if (!decode_(bytes, left.first(size))) return false;
      } else {
        piece_.resize(size);
        if (!decode_(bytes, piece_)) return false;
        std::ranges::copy(std::span(piece_).subspan(skipped, wanted), left.begin());
      }
      left = left.subspan(wanted);
      skipped = 0;
    }
    return true;
  }

  /// Appends the values of the rows, and decodes the histograms of all runs that have any of them.
  bool DecodeMixed(const SampleExtent& series, size_t index, const ColumnRows& rows,
                   RunsOfRows runs, ValueBuffer& values) {
    const size_t run_rows = data_.directory().run_rows();
    const size_t end = std::min<size_t>(rows.rows, runs.last * run_rows);
    piece_.resize(end - runs.first * run_rows);
    is_histogram_.resize(piece_.size());
    histograms_.clear();
    for (size_t run = runs.first; run < runs.last; ++run) {
      const size_t begin = (run - runs.first) * run_rows;
      const size_t size = std::min(run_rows, piece_.size() - begin);
      if (!DecodeMixedRun(series.Run(index, run), std::span(piece_).subspan(begin, size),
                          std::span(is_histogram_).subspan(begin, size), histograms_)) {
        return false;
      }
    }
    const std::span<double> out = values.Append(rows.timestamps.size());
    std::ranges::copy(std::span(piece_).subspan(runs.skipped_rows, out.size()), out.begin());
    return true;
  }

  /// The first of a run keeps the hint unknown: the one before it may lie anywhere.
  void PointToHistograms(size_t skipped_rows, SeriesSamples& samples) {
    pointers_.clear();
    FloatHistogram* next = histograms_.data();
    for (const uint8_t is_histogram : is_histogram_) {
      pointers_.push_back(is_histogram != 0 ? next++ : nullptr);
    }
    HintCounterResets(pointers_);
    wanted_pointers_ = std::span(pointers_).subspan(skipped_rows, samples.size());
    samples.histograms = wanted_pointers_;
    const auto is_float = [](const FloatHistogram* histogram) { return histogram == nullptr; };
    if (std::ranges::all_of(samples.histograms, is_float)) samples.histograms = {};
  }

  /// Leaves the samples that are deleted out. Ranges ascend, and so do samples. Their values are
  /// those behind the first `before`.
  void KeepUndeleted(SeriesSamples& samples, std::span<const TimeRange> deleted,
                     ValueBuffer& values, size_t before) {
    kept_timestamps_.clear();
    size_t kept = 0;
    auto range = deleted.begin();
    const std::span<double> of_samples = values.all().subspan(before);
    for (size_t i = 0; i < samples.size(); ++i) {
      const Timestamp t = samples.timestamps[i];
      while (range != deleted.end() && range->max < t) ++range;
      if (range != deleted.end() && range->Contains(t)) continue;
      kept_timestamps_.push_back(t);
      of_samples[kept] = of_samples[i];
      if (!samples.histograms.empty()) wanted_pointers_[kept] = wanted_pointers_[i];
      ++kept;
    }
    if (kept == samples.size()) return;
    values.Truncate(before + kept);
    samples.timestamps = kept_timestamps_;
    samples.values = of_samples.first(kept);
    samples.timestamp_column = 0;
    if (samples.histograms.empty()) return;
    const auto left = wanted_pointers_.first(kept);
    HintCounterResets(left);  // what was known was known beside other neighbours
    samples.histograms = left;
  }

  std::shared_ptr<const Block> block_;
  const BlockData& data_;
  PositionFinder positions_;
  Inflater own_inflater_;
  Inflater& inflater_;
  RecentExtents<SampleExtent> extents_;
  ColumnReader columns_;
  const DecodeRun decode_;

  // What the last Read gave.
  ValueBuffer own_;
  std::vector<double> piece_;  // values of runs of which not all is wanted
  std::vector<uint8_t> is_histogram_;
  std::vector<FloatHistogram> histograms_;
  std::vector<FloatHistogram*> pointers_;
  std::span<FloatHistogram*> wanted_pointers_;  // those of the rows in the range
  std::vector<Timestamp> kept_timestamps_;
};

BlockReader::BlockReader(std::shared_ptr<const Block> block, BlockReaderOptions options)
    : impl_(std::make_unique<Impl>(std::move(block), options)) {}
BlockReader::~BlockReader() = default;
BlockReader::BlockReader(BlockReader&&) noexcept = default;
BlockReader& BlockReader::operator=(BlockReader&&) noexcept = default;

Result<SeriesSamples> BlockReader::Read(SeriesId id, TimeRange range) {
  return impl_->Read(id, range);
}

Result<SeriesSamples> BlockReader::Read(SeriesId id, TimeRange range, ValueBuffer& values) {
  return impl_->Read(id, range, values);
}

const Block& BlockReader::block() const { return impl_->block(); }

}  // namespace barograph::tsdb
