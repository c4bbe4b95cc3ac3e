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
        extents_(data_, std::max<size_t>(options.cached_extents, 1)),
        columns_(data_, options.cached_extents, options.cached_timestamps),
        decode_(options.presence_only ? DecodeMarkers : DecodeValues) {}

  const Block& block() const { return *block_; }

  Result<SeriesSamples> Read(SeriesId id, TimeRange range) {
    if (!range.Overlaps(block_->meta().range)) return SeriesSamples();
    const std::optional<uint64_t> position = block_->PositionOf(id);
    if (!position.has_value()) return SeriesSamples();
    SeriesSamples samples = TRY(ReadAt(*position, range));
    const std::span<const TimeRange> deleted = block_->tombstones().RangesOf(SeriesOfStream(id));
    const auto touches = [range](TimeRange other) { return other.Overlaps(range); };
    if (std::ranges::any_of(deleted, touches)) KeepUndeleted(samples, deleted);
    return samples;
  }

 private:
  Result<SeriesSamples> ReadAt(uint64_t position, TimeRange range) {
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
    if (!Decode(*series, index, rows.rows, runs)) return data_.Damaged(*extent, "a malformed run");
    SeriesSamples samples;
    samples.timestamps = rows.timestamps;
    samples.values = std::span(values_).subspan(runs.skipped_rows, rows.timestamps.size());
    samples.timestamp_column = rows.same_as + 1;
    if (!histograms_.empty()) PointToHistograms(runs.skipped_rows, samples);
    return samples;
  }

  /// Decodes the runs into values_, and where the series has histograms into these.
  bool Decode(const SampleExtent& series, size_t index, uint64_t rows, RunsOfRows runs) {
    const size_t run_rows = data_.directory().run_rows();
    const size_t end = std::min<size_t>(rows, runs.last * run_rows);
    values_.resize(end - runs.first * run_rows);
    histograms_.clear();
    const bool mixed = series.HasHistograms(index);
    if (mixed) is_histogram_.resize(values_.size());
    for (size_t run = runs.first; run < runs.last; ++run) {
      const size_t begin = (run - runs.first) * run_rows;
      const size_t size = std::min(run_rows, values_.size() - begin);
      const std::string_view bytes = series.Run(index, run);
      const std::span<double> values = std::span(values_).subspan(begin, size);
      const bool good =
          mixed ? DecodeMixedRun(bytes, values, std::span(is_histogram_).subspan(begin, size),
                                 histograms_)
                : decode_(bytes, values).has_value();
      if (!good) return false;
    }
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
    samples.histograms = std::span(pointers_).subspan(skipped_rows, samples.size());
    const auto is_float = [](const FloatHistogram* histogram) { return histogram == nullptr; };
    if (std::ranges::all_of(samples.histograms, is_float)) samples.histograms = {};
  }

  /// Leaves the samples that are deleted out. Ranges ascend, and so do samples.
  void KeepUndeleted(SeriesSamples& samples, std::span<const TimeRange> deleted) {
    kept_timestamps_.clear();
    size_t kept = 0;
    auto range = deleted.begin();
    const size_t skipped = static_cast<size_t>(samples.values.data() - values_.data());
    for (size_t i = 0; i < samples.size(); ++i) {
      const Timestamp t = samples.timestamps[i];
      while (range != deleted.end() && range->max < t) ++range;
      if (range != deleted.end() && range->Contains(t)) continue;
      kept_timestamps_.push_back(t);
      values_[skipped + kept] = samples.values[i];
      if (!samples.histograms.empty()) pointers_[skipped + kept] = pointers_[skipped + i];
      ++kept;
    }
    if (kept == samples.size()) return;
    samples.timestamps = kept_timestamps_;
    samples.values = samples.values.first(kept);
    samples.timestamp_column = 0;
    if (samples.histograms.empty()) return;
    const auto left = std::span(pointers_).subspan(skipped, kept);
    HintCounterResets(left);  // what was known was known beside other neighbours
    samples.histograms = left;
  }

  std::shared_ptr<const Block> block_;
  const BlockData& data_;
  Inflater inflater_;
  RecentExtents<SampleExtent> extents_;
  ColumnReader columns_;
  const DecodeRun decode_;

  // What the last Read gave.
  std::vector<double> values_;
  std::vector<uint8_t> is_histogram_;
  std::vector<FloatHistogram> histograms_;
  std::vector<FloatHistogram*> pointers_;
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

const Block& BlockReader::block() const { return impl_->block(); }

}  // namespace barograph::tsdb
