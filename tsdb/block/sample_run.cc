#include "tsdb/block/sample_run.h"

#include <algorithm>

#include "base/bytes/varint.h"

namespace barograph::tsdb {
namespace {

/// Fills `is_histogram`, of which `floats` are 0. Returns the byte after what it read, or nullptr.
const char* ReadKinds(const char* in, const char* end, uint64_t floats,
                      std::span<uint8_t> is_histogram) {
  const size_t count = is_histogram.size();
  std::ranges::fill(is_histogram, floats == 0 ? 1 : 0);
  if (floats == 0 || floats == count) return in;
  const size_t bytes = (count + 7) / 8;
  if (bytes > static_cast<size_t>(end - in)) return nullptr;
  for (size_t i = 0; i < count; ++i) {
    is_histogram[i] = static_cast<uint8_t>(in[i / 8]) >> (i % 8) & 1;
  }
  const auto found = static_cast<uint64_t>(std::ranges::count(is_histogram, 0));
  return found == floats ? in + bytes : nullptr;
}

/// Moves the floats, which stand in front, to where they belong.
void Spread(std::span<double> values, std::span<const uint8_t> is_histogram, size_t floats) {
  for (size_t i = values.size(); i-- > 0 && floats > 0;) {
    if (is_histogram[i] == 0) values[i] = values[--floats];
  }
}

}  // namespace

void SampleRunEncoder::EncodeMixed(std::span<const double> values,
                                   std::span<const FloatHistogram* const> histograms,
                                   std::string& out) {
  floats_.clear();
  present_.clear();
  for (size_t i = 0; i < values.size(); ++i) {
    if (histograms[i] == nullptr) {
      floats_.push_back(values[i]);
    } else {
      present_.push_back(histograms[i]);
    }
  }
  AppendVarint(out, floats_.size());
  if (!floats_.empty() && !present_.empty()) {
    const size_t begin = out.size();
    out.resize(begin + (values.size() + 7) / 8);
    for (size_t i = 0; i < values.size(); ++i) {
      const unsigned bit = histograms[i] != nullptr ? 1u << (i % 8) : 0;
      out[begin + i / 8] = static_cast<char>(static_cast<uint8_t>(out[begin + i / 8]) | bit);
    }
  }
  if (!floats_.empty()) {
    floats_bytes_.clear();
    values_.Encode(floats_, floats_bytes_);
    AppendVarint(out, floats_bytes_.size());
    out += floats_bytes_;
  }
  histograms_.Encode(present_, out);
}

bool DecodeMixedRun(std::string_view bytes, std::span<double> values,
                    std::span<uint8_t> is_histogram, std::vector<FloatHistogram>& histograms) {
  const char* in = bytes.data();
  const char* const end = in + bytes.size();
  uint64_t floats = 0, size = 0;
  in = GetVarint(in, end, floats);
  if (in == nullptr || floats > values.size()) return false;
  in = ReadKinds(in, end, floats, is_histogram);
  if (in == nullptr) return false;
  if (floats > 0) {
    in = GetVarint(in, end, size);
    if (in == nullptr || size > static_cast<size_t>(end - in)) return false;
    if (!DecodeValues({in, size}, values.first(floats))) return false;
    Spread(values, is_histogram, floats);
    in += size;
  }
  const size_t before = histograms.size();
  histograms.resize(before + values.size() - floats);
  return DecodeHistograms({in, static_cast<size_t>(end - in)},
                          std::span(histograms).subspan(before))
      .has_value();
}

}  // namespace barograph::tsdb
