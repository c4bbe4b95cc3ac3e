#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

/// The values of one series over one stretch of time (a run), as few bytes as they will go. Every
/// 64-bit pattern survives: staleness markers, NaN payloads, -0, infinities, denormals.
///
/// A run carries neither its count nor its length: whoever stores it knows both (the count is that
/// of the rows it covers, the length the distance to the next run). Runs of 120 and more values
/// pay off best; a run of any count from 0 to kMaxRunValues is legal.
///
/// Format, worked example and measurements: docs/formats/chunk.md.
namespace barograph::tsdb {

inline constexpr size_t kMaxRunValues = 65535;

/// Encodes runs, keeping its working memory between them. One thread at a time; make one a thread.
class ValueEncoder {
 public:
  ValueEncoder();
  ~ValueEncoder();
  ValueEncoder(ValueEncoder&&) noexcept;
  ValueEncoder& operator=(ValueEncoder&&) noexcept;

  /// Appends the run to `out`. Precondition: at most kMaxRunValues values; what is beyond is not
  /// encoded. The bytes depend on the values alone, not on the machine or on earlier runs.
  void Encode(std::span<const double> values, std::string& out);

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

/// ValueEncoder::Encode with working memory of its own: for single runs.
void EncodeValues(std::span<const double> values, std::string& out);

/// Fills `out` with the run in `bytes`, which must be exactly what Encode appended for
/// `out.size()` values. Corruption on anything that is not (`out` is then unspecified); foreign
/// bytes never cause an access outside `bytes` and `out`, but may decode to something. Thread-safe.
Status DecodeValues(std::string_view bytes, std::span<double> out);

/// As DecodeValues, for whom only staleness markers matter: in the place of other values there may
/// be any that is none. Most runs need not be decoded for that, and are then not checked.
Status DecodeMarkers(std::string_view bytes, std::span<double> out);

/// One of these two.
using DecodeRun = Status (*)(std::string_view bytes, std::span<double> out);

/// The kind of a run in words, for dumps: "constant", "packed delta x 4096",
/// "bitmap delta / 10^2, 1 special". Any bytes are described; foreign ones as malformed.
std::string DescribeValues(std::string_view bytes, size_t count);

}  // namespace barograph::tsdb
