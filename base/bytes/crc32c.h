#pragma once

#include <cstdint>
#include <string_view>

/// CRC-32C (Castagnoli; RFC 3720 appendix B.4): the checksum of Prometheus's files and of snappy's
/// framing. With the processor's instruction where it has one, with tables elsewhere.
namespace barograph {

/// The checksum of `bytes`; of two pieces, Crc32c(second, Crc32c(first)).
uint32_t Crc32c(std::string_view bytes, uint32_t before = 0);

/// The same with tables only: the path of processors without the instruction.
uint32_t Crc32cPortable(std::string_view bytes, uint32_t before = 0);

}  // namespace barograph
