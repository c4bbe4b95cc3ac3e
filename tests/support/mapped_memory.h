#pragma once

#include <cstdint>
#include <string>

namespace barograph::test {

/// How many bytes the process has in memory of the files that it has mapped whose paths begin so.
/// Linux only.
uint64_t MappedBytesOf(const std::string& path_begin);

}  // namespace barograph::test
