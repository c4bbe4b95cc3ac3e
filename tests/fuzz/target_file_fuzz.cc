#include <cstddef>
#include <cstdint>
#include <string_view>

#include "discovery/file/target_file.h"

/// Any bytes as a file that lists targets.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)barograph::discovery::ParseTargetFile("targets.yml", text);
  (void)barograph::discovery::ParseTargetFile("targets.json", text);
  return 0;
}
