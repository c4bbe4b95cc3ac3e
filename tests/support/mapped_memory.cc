#include "tests/support/mapped_memory.h"

#include <fstream>

namespace barograph::test {

uint64_t MappedBytesOf(const std::string& path_begin) {
  constexpr std::string_view kResident = "Rss:";
  std::ifstream in("/proc/self/smaps");
  uint64_t kilobytes = 0;
  bool counts = false;
  for (std::string line; std::getline(in, line);) {
    // A mapping's first line ends with its path; the lines of its numbers have none.
    if (const size_t path = line.find('/'); path != line.npos) {
      counts = line.compare(path, path_begin.size(), path_begin) == 0;
    } else if (counts && line.starts_with(kResident)) {
      kilobytes += std::stoull(line.substr(kResident.size()));
      counts = false;
    }
  }
  return kilobytes * 1024;
}

}  // namespace barograph::test
