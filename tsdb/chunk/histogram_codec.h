#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/model/histogram.h"
#include "base/result.h"

/// The native histograms of one series over one stretch of time (a run), as few bytes as they will
/// go. All survives to the bit: counts, sums, NaN payloads (a sum of kStaleNan is a staleness
/// marker), spans, bounds, and of the counter reset hint whether it is kGauge.
///
/// As with values (value_codec.h) a run carries neither its count nor its length.
/// Format, worked example and measurements: docs/formats/chunk.md.
namespace barograph::tsdb {

inline constexpr size_t kMaxHistogramRun = 1024;       ///< histograms a run, from 0
inline constexpr size_t kMaxHistogramBuckets = 16384;  ///< a histogram, positive and negative

/// Whether a run may hold the histogram: it has a bucket for each index that its spans cover, no
/// more, and not more than kMaxHistogramBuckets, nor more custom values than that.
bool IsStorable(const FloatHistogram& histogram);

/// Encodes runs, keeping its working memory between them. One thread at a time; make one a thread.
class HistogramEncoder {
 public:
  HistogramEncoder();
  ~HistogramEncoder();
  HistogramEncoder(HistogramEncoder&&) noexcept;
  HistogramEncoder& operator=(HistogramEncoder&&) noexcept;

  /// Appends the run to `out`. Preconditions: at most kMaxHistogramRun, each IsStorable. The bytes
  /// depend on the histograms alone, not on the machine or on earlier runs.
  void Encode(std::span<const FloatHistogram* const> histograms, std::string& out);

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

/// Fills `out` with the run in `bytes`, which must be exactly what Encode appended for
/// `out.size()` histograms. Hints are kGauge or kUnknown: once all that a query reads of a series
/// is together, HintCounterResets (histogram_hints.h) finds the others. Corruption on anything else
/// (`out` is then unspecified); foreign bytes never cause an access outside `bytes` and `out`, but
/// may decode to something. Thread-safe.
Status DecodeHistograms(std::string_view bytes, std::span<FloatHistogram> out);

}  // namespace barograph::tsdb
