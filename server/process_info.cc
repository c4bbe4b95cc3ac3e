#include "server/process_info.h"

#include <unistd.h>

#include <array>
#include <filesystem>

namespace barograph::server {

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::string WorkingDirectory() {
  std::error_code ignored;
  return std::filesystem::current_path(ignored).string();
}

size_t ThreadCount() {
  std::error_code ignored;
  size_t count = 0;
  for (std::filesystem::directory_iterator task("/proc/self/task", ignored), end; task != end;
       task.increment(ignored)) {
    ++count;
  }
  return count;
}

}  // namespace barograph::server
