#include <cstddef>
#include <cstdint>
#include <string_view>

#include "discovery/file/target_file.h"
#include "tests/fuzz/fuzz_target.h"

std::vector<std::string> FuzzSeeds() {
  return {"- targets: ['a:1', b]\n  labels: {job: x}\n",
          R"([{"targets": ["a:1"], "labels": {"job": "x"}}])"};
}

/// Any bytes as a file that lists targets.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)barograph::discovery::ParseTargetFile("targets.yml", text);
  (void)barograph::discovery::ParseTargetFile("targets.json", text);
  return 0;
}
