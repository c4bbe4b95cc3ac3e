#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/model/histogram.h"

/// What histograms of a run have in common, which is written once. docs/formats/chunk.md explains
/// the bytes.
namespace barograph::tsdb {

/// Which buckets a histogram has.
struct HistogramSpans {
  std::vector<BucketSpan> positive;
  std::vector<BucketSpan> negative;

  bool AreOf(const FloatHistogram& histogram) const {
    return positive == histogram.positive_spans && negative == histogram.negative_spans;
  }
};

/// All but the spans and the numbers; of the layouts all that occur with it.
struct HistogramGroup {
  bool gauge = false;
  int32_t schema = 0;
  double zero_threshold = 0;
  std::vector<double> custom_values;
  bool has_counts = false;  ///< some count is not the total of its buckets
  std::vector<HistogramSpans> layouts;

  /// Whether the histogram has what all of the group have in common.
  bool HasCommon(const FloatHistogram& histogram) const;

  /// Adds the histogram's layout; false where its buckets cannot be put beside those of the others.
  bool AddLayout(const FloatHistogram& histogram);
};

/// The group that has this histogram alone.
HistogramGroup GroupOf(const FloatHistogram& histogram);
void AppendGroup(std::string& out, const HistogramGroup& group);

/// Takes a group off the front of `in`. False where there is none that could have been written;
/// `max_layouts` is how many there can be.
bool TakeGroup(std::string_view& in, size_t max_layouts, HistogramGroup& group);

/// Gives each bucket that occurs in some layout of a group a column, so that the same bucket of all
/// histograms is in one column.
class BucketColumns {
 public:
  explicit BucketColumns(std::span<const HistogramSpans> layouts);

  size_t size() const { return size_; }

  /// The columns of the layout's buckets, the positive ones first.
  std::span<const uint32_t> Of(size_t layout) const { return columns_[layout]; }

 private:
  size_t size_ = 0;
  std::vector<std::vector<uint32_t>> columns_;
};

/// How many buckets spans cover; more than kMaxHistogramBuckets is kMaxHistogramBuckets + 1.
size_t CoveredBuckets(std::span<const BucketSpan> spans);

}  // namespace barograph::tsdb
