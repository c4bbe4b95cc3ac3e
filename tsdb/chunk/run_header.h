#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes/varint.h"
#include "base/model/sample.h"
#include "tsdb/chunk/little_endian.h"
#include "tsdb/chunk/run_format.h"

/// The front of an encoded run of values.
namespace barograph::tsdb {

/// The listed special values of a run, still encoded. ParseRunHeader has checked them.
class SpecialList {
 public:
  SpecialList() = default;
  SpecialList(const char* begin, const char* end, size_t count)
      : begin_(begin), end_(end), count_(count) {}

  size_t count() const { return count_; }

  /// Calls visit(position, bits) for each. Returns the end of the list, or nullptr where it ends
  /// too early.
  template <typename Visit>
  const char* ForEach(Visit visit) const {
    const char* in = begin_;
    uint64_t position = 0, bits = 0;
    for (size_t i = 0; i < count_; ++i) {
      uint64_t entry = 0;
      in = GetVarint(in, end_, entry);
      if (in == nullptr) return nullptr;
      position += (entry >> kSpecialShift) + (i > 0 ? 1 : 0);
      switch (static_cast<SpecialCode>(entry & ((1u << kSpecialShift) - 1))) {
        case SpecialCode::kStale: bits = kStaleNanBits; break;
        case SpecialCode::kNormalNan: bits = kNormalNanBits; break;
        case SpecialCode::kSameAsLast: break;
        case SpecialCode::kExplicit:
          if (end_ - in < 8) return nullptr;
          bits = LoadLittleEndian64(in);
          in += 8;
          break;
      }
      visit(position, bits);
    }
    return in;
  }

 private:
  const char* begin_ = nullptr;
  const char* end_ = nullptr;
  size_t count_ = 0;
};

struct RunHeader {
  RunKind kind = RunKind::kConstant;
  RunTransform transform = RunTransform::kRaw;
  uint8_t mapping = 0;  ///< as the mapping byte
  uint64_t base = 0;
  uint64_t divisor = 1;
  uint64_t first_delta = 0;  ///< of double delta, in units of the divisor
  SpecialList specials;
  std::string_view drift;   ///< a run of integers, where the mapping has kMappingHasDrift
  std::string_view stream;  ///< what follows

  unsigned decimals() const { return mapping & kMappingDecimals; }
  bool has_drift() const { return (mapping & kMappingHasDrift) != 0; }
};

/// Reads the header of a run of `count` (at least 1) values. False where it is malformed.
bool ParseRunHeader(std::string_view bytes, size_t count, RunHeader& header);

/// As ParseRunHeader, for a run of plain integers: false as well where it has a mapping or
/// specials.
bool ParseIntegerRunHeader(std::string_view bytes, size_t count, RunHeader& header);

}  // namespace barograph::tsdb
