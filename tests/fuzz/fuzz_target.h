#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// What each tests/fuzz/<name>_fuzz.cc defines. The preset `fuzz` makes a libFuzzer program of
/// each; everywhere else all of them are in fuzz_test (fuzz_test.cc), under names of their own.

/// Puts the bytes to the decoder. Aborts where it does not keep a promise.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

/// Good inputs, from which fuzz_test goes astray.
std::vector<std::string> FuzzSeeds();
