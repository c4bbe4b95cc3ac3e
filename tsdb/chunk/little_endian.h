#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

/// Words at any address in the byte order of the formats.
namespace barograph::tsdb {

inline uint64_t LoadLittleEndian64(const char* from) {
  uint64_t word;
  std::memcpy(&word, from, sizeof(word));
  return std::endian::native == std::endian::little ? word : __builtin_bswap64(word);
}

inline void StoreLittleEndian64(char* to, uint64_t word) {
  if constexpr (std::endian::native != std::endian::little) word = __builtin_bswap64(word);
  std::memcpy(to, &word, sizeof(word));
}

}  // namespace barograph::tsdb
