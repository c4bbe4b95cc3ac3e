#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/model/histogram.h"
#include "tsdb/chunk/histogram_codec.h"
#include "tsdb/chunk/value_codec.h"

/// A run of a series that has native histograms, floats among them or not.
/// docs/formats/block.md explains the bytes; a series of floats alone has runs of values.
namespace barograph::tsdb {

/// Keeps its working memory between runs. One thread at a time.
class SampleRunEncoder {
 public:
  void EncodeFloats(std::span<const double> values, std::string& out) {
    values_.Encode(values, out);
  }

  /// `histograms` are parallel to `values`; null where the sample is the float.
  void EncodeMixed(std::span<const double> values,
                   std::span<const FloatHistogram* const> histograms, std::string& out);

 private:
  ValueEncoder values_;
  HistogramEncoder histograms_;
  std::vector<double> floats_;
  std::vector<const FloatHistogram*> present_;
  std::string floats_bytes_;
};

/// Decodes a mixed run of values.size() samples: where is_histogram[i] (parallel) becomes 0 the
/// sample is values[i], where it becomes 1 it is the next of those that are appended to
/// `histograms`. False where the bytes are malformed.
bool DecodeMixedRun(std::string_view bytes, std::span<double> values,
                    std::span<uint8_t> is_histogram, std::vector<FloatHistogram>& histograms);

}  // namespace barograph::tsdb
