#include "base/bytes/utf8.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "base/bytes/case_ranges.h"

namespace barograph {
namespace {

constexpr Rune kInvalid{.code = kReplacementRune, .size = 1, .valid = false};

// What a lead byte says: the size of its sequence, and the range of the second byte.
struct Lead {
  size_t size;
  uint8_t low = 0x80;
  uint8_t high = 0xBF;
};

Lead ReadLead(uint8_t byte) {
  if (byte >= 0xC2 && byte <= 0xDF) return {2};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {3};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  if (byte >= 0xF1 && byte <= 0xF3) return {4};
  return {0};
}

// How many bytes from the start are ASCII, eight at a time.
size_t AsciiPrefix(std::string_view text) {
  size_t size = 0;
  for (; size + 8 <= text.size(); size += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + size, 8);
    if ((word & 0x8080808080808080) != 0) break;
  }
  while (size < text.size() && static_cast<uint8_t>(text[size]) < 0x80) ++size;
  return size;
}

char32_t MapCase(char32_t code, std::span<const CaseRange> ranges) {
  const auto range = std::ranges::lower_bound(ranges, code, {}, &CaseRange::last);
  if (range == ranges.end() || code < range->first) return code;
  if ((code - range->first) % range->stride != 0) return code;
  return static_cast<char32_t>(static_cast<int32_t>(code) + range->distance);
}

// `first` is where the 26 ASCII letters that change start; the other case is 32 away.
std::string MapText(std::string_view text, char32_t first, std::span<const CaseRange> ranges) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    text.remove_prefix(rune.size);
    if (rune.code >= 0x80) {
      AppendRune(out, MapCase(rune.code, ranges));
    } else {
      const bool changes = rune.code - first < 26;
      out += static_cast<char>(changes ? rune.code ^ 0x20 : rune.code);
    }
  }
  return out;
}

}  // namespace

Rune DecodeRune(std::string_view text) {
  const auto* in = reinterpret_cast<const uint8_t*>(text.data());
  if (in[0] < 0x80) return {.code = in[0], .size = 1};
  const Lead lead = ReadLead(in[0]);
  if (lead.size == 0 || text.size() < lead.size) return kInvalid;
  if (in[1] < lead.low || in[1] > lead.high) return kInvalid;
  char32_t code = in[0] & (0x7Fu >> lead.size);
  for (size_t i = 1; i < lead.size; ++i) {
    if ((in[i] & 0xC0) != 0x80) return kInvalid;
    code = code << 6 | (in[i] & 0x3Fu);
  }
  return {.code = code, .size = lead.size};
}

void AppendRune(std::string& out, char32_t code) {
  const auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6);
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

bool IsValidUtf8(std::string_view text) {
  while (true) {
    text.remove_prefix(AsciiPrefix(text));
    if (text.empty()) return true;
    const Rune rune = DecodeRune(text);
    if (!rune.valid) return false;
    text.remove_prefix(rune.size);
  }
}

std::string ToLower(std::string_view text) { return MapText(text, 'A', kLowerRanges); }
std::string ToUpper(std::string_view text) { return MapText(text, 'a', kUpperRanges); }

}  // namespace barograph
