#pragma once

#include <cstdint>

/// The bytes that the encoder and the decoder of values share. docs/formats/chunk.md explains
/// them.
namespace barograph::tsdb {

/// How the changes of a run are written.
enum class RunKind : uint8_t {
  kConstant = 0,    ///< no change at all
  kSparse = 1,      ///< (gap, residual) pairs of the few residuals that are not zero
  kBitmap = 2,      ///< one bit a residual, then those that are not zero in PFOR blocks
  kPacked = 3,      ///< all residuals in PFOR blocks
  kDictionary = 4,  ///< the distinct integers, then a code each in PFOR blocks
};
inline constexpr unsigned kRunKinds = 5;

/// What a residual is.
enum class RunTransform : uint8_t {
  kRaw = 0,          ///< the distance from the first integer
  kDelta = 1,        ///< the change from the integer before
  kDoubleDelta = 2,  ///< the change of that change
};
inline constexpr unsigned kRunTransforms = 3;

// The tag, a run's first byte: kind, transform, and which header fields follow.
inline constexpr uint8_t kTagKindMask = 0x07;
inline constexpr unsigned kTagTransformShift = 3;
inline constexpr uint8_t kTagTransformMask = 0x03;
inline constexpr uint8_t kTagHasDivisor = 0x20;
inline constexpr uint8_t kTagHasSpecials = 0x40;
inline constexpr uint8_t kTagHasMapping = 0x80;

// A constant has no use for the middle bits: they hold its integer where that is small.
inline constexpr unsigned kTagConstantShift = 3;
inline constexpr uint8_t kTagConstantMask = 0x0f;
inline constexpr uint64_t kTagConstantFollows = 15;

/// The mapping byte: a number of decimals, alone or with a drift from them, or kMappingBits.
/// Without the byte: 0 decimals.
inline constexpr uint8_t kMappingDecimals = 0x1f;  ///< mask
inline constexpr uint8_t kMappingBits = 31;
inline constexpr uint8_t kMappingHasDrift = 0x20;

// The low bits of a special's varint: which bits the value has.
inline constexpr unsigned kSpecialShift = 2;
enum class SpecialCode : uint8_t { kStale = 0, kNormalNan = 1, kSameAsLast = 2, kExplicit = 3 };

}  // namespace barograph::tsdb
