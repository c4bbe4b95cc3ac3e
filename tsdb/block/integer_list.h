#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tsdb/chunk/run_encoder.h"

/// Lists of integers whose count is known from outside: `varint size, run of integers`
/// (docs/formats/chunk.md). What is regular in them takes next to nothing.
namespace barograph::tsdb {

/// Appends the list. `encoder` is working memory.
void AppendIntegers(std::span<const uint64_t> integers, RunEncoder& encoder, std::string& out);

/// Replaces `out` by the `count` integers that stand at [in, end). Returns the byte after them, or
/// nullptr where they are malformed. The caller has seen to it that there is memory for `count`.
const char* ReadIntegers(const char* in, const char* end, size_t count, std::vector<uint64_t>& out);

}  // namespace barograph::tsdb
