#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/file_system.h"
#include "server/config/loader.h"
#include "tests/fuzz/fuzz_target.h"

std::vector<std::string> FuzzSeeds() {
  return {
      "global: {scrape_interval: 15s, external_labels: {a: b}}\nrule_files: [a.yml]\n"
      "scrape_configs:\n- job_name: x\n  static_configs: [{targets: ['a:1']}]\n"
      "  relabel_configs: [{source_labels: [a], regex: '(.*)', target_label: b}]\n",
      "remote_write:\n- url: http://a/\n  queue_config: {capacity: 5}\n"
      "alerting: {alertmanagers: [{static_configs: [{targets: [a]}]}]}\n"};
}

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
