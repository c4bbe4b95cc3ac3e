#include "tsdb/chunk/run_header.h"

#include "tsdb/chunk/decimal.h"

namespace barograph::tsdb {
namespace {

/// Takes fields off the front of some bytes; each call is false where they end too early.
class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : in_(bytes.data()), end_(in_ + bytes.size()) {}

  bool Byte(uint8_t& value) {
    if (in_ == end_) return false;
    value = static_cast<uint8_t>(*in_++);
    return true;
  }
  bool Varint(uint64_t& value) { return MoveTo(GetVarint(in_, end_, value)); }
  bool ZigZagVarint(uint64_t& value) {
    if (!Varint(value)) return false;
    value = static_cast<uint64_t>(UnZigZag(value));
    return true;
  }
  bool Word(uint64_t& value) {
    if (end_ - in_ < 8) return false;
    value = LoadLittleEndian64(in_);
    in_ += 8;
    return true;
  }
  bool MoveTo(const char* in) {
    if (in == nullptr) return false;
    in_ = in;
    return true;
  }
  const char* in() const { return in_; }
  const char* end() const { return end_; }
  std::string_view rest() const { return {in_, static_cast<size_t>(end_ - in_)}; }

 private:
  const char* in_;
  const char* end_;
};

bool ReadMapping(uint8_t tag, FieldReader& reader, RunHeader& header) {
  if ((tag & kTagHasMapping) == 0) return true;
  return reader.Byte(header.mapping) && (header.mapping == kMappingBits ||
                                         (header.decimals() <= kMaxDecimals &&
                                          header.mapping <= (kMappingDecimals | kMappingHasDrift)));
}

bool ReadBase(FieldReader& reader, RunHeader& header) {
  return header.mapping == kMappingBits ? reader.Word(header.base)
                                        : reader.ZigZagVarint(header.base);
}

bool ReadConstant(uint8_t tag, FieldReader& reader, RunHeader& header) {
  const uint64_t small = (tag >> kTagConstantShift) & kTagConstantMask;
  if (small == kTagConstantFollows) return ReadBase(reader, header);
  header.base = static_cast<uint64_t>(UnZigZag(small));
  return true;
}

bool ReadDivisor(uint8_t tag, FieldReader& reader, RunHeader& header) {
  if ((tag & kTagHasDivisor) == 0) return true;
  if (!reader.Varint(header.divisor)) return false;
  if (header.mapping != kMappingBits) return true;
  if (header.divisor >= 64) return false;
  header.divisor = uint64_t{1} << header.divisor;
  return true;
}

bool ReadSpecials(uint8_t tag, size_t count, FieldReader& reader, RunHeader& header) {
  if ((tag & kTagHasSpecials) == 0) return true;
  uint64_t specials = 0;
  if (!reader.Varint(specials) || specials > count) return false;
  header.specials = SpecialList(reader.in(), reader.end(), specials);
  bool inside = true;
  const char* const end = header.specials.ForEach(
      [&inside, count](uint64_t position, uint64_t) { inside &= position < count; });
  return reader.MoveTo(end) && inside;
}

bool ReadDrift(FieldReader& reader, RunHeader& header) {
  if (!header.has_drift()) return true;
  uint64_t bytes = 0;
  if (!reader.Varint(bytes) || bytes > reader.rest().size()) return false;
  header.drift = reader.rest().substr(0, bytes);
  return reader.MoveTo(reader.in() + bytes);
}

}  // namespace

bool ParseIntegerRunHeader(std::string_view bytes, size_t count, RunHeader& header) {
  return ParseRunHeader(bytes, count, header) && header.mapping == 0 &&
         header.specials.count() == 0;
}

bool ParseRunHeader(std::string_view bytes, size_t count, RunHeader& header) {
  FieldReader reader(bytes);
  uint8_t tag = 0;
  if (!reader.Byte(tag) || (tag & kTagKindMask) >= kRunKinds) return false;
  header.kind = static_cast<RunKind>(tag & kTagKindMask);
  if (!ReadMapping(tag, reader, header)) return false;
  if (header.kind == RunKind::kConstant) {
    if (header.has_drift()) return false;
    if (!ReadConstant(tag, reader, header)) return false;
    header.stream = reader.rest();
    return true;
  }
  const unsigned transform = (tag >> kTagTransformShift) & kTagTransformMask;
  if (transform >= kRunTransforms) return false;
  header.transform = static_cast<RunTransform>(transform);
  if (!ReadBase(reader, header) || !ReadDivisor(tag, reader, header)) return false;
  if (!ReadSpecials(tag, count, reader, header) || !ReadDrift(reader, header)) return false;
  if (header.transform == RunTransform::kDoubleDelta) {
    if (count < 2 || !reader.ZigZagVarint(header.first_delta)) return false;
  }
  header.stream = reader.rest();
  return true;
}

}  // namespace barograph::tsdb
