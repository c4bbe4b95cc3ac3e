#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/file_system.h"
#include "server/config/loader.h"

/// Any bytes are a configuration or are refused; and what is one is shown as YAML that loads again
/// and is shown the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using barograph::PosixFileSystem;
  using barograph::server::LoadConfig;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  barograph::server::LoadOptions options;
  options.environment = [](const std::string& name) { return name; };
  const auto config = LoadConfig(PosixFileSystem(), text, "prometheus.yml", options);
  if (!config) return 0;
  // A value may hold a variable again, which would be replaced a second time.
  if (text.find('$') != text.npos) return 0;
  const auto again = LoadConfig(PosixFileSystem(), config->yaml, "prometheus.yml", options);
  if (!again || again->yaml != config->yaml) std::abort();
  return 0;
}
