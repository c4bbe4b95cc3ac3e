#include "base/memory_limit.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>

namespace barograph {
namespace {

constexpr int64_t kReadEveryNs = 100'000'000;

// The number that a file holds; nullopt for "max", or where there is no such file.
std::optional<uint64_t> NumberIn(const std::string& path) {
  std::ifstream in(path);
  uint64_t number = 0;
  return in >> number ? std::optional(number) : std::nullopt;
}

// The process's folder below the mount of control groups, version 2: the line `0::/path`.
std::string ControlGroup() {
  std::ifstream in("/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("0::/")) return line.substr(3);
  }
  return "/";
}

}  // namespace

uint64_t SystemMemoryBytes() {
  const long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
  uint64_t bytes = pages > 0 && page_bytes > 0
                       ? static_cast<uint64_t>(pages) * static_cast<uint64_t>(page_bytes)
                       : 0;
  // In a container the own group is the root that is seen there; both versions, then.
  for (const std::string& path :
       {"/sys/fs/cgroup" + ControlGroup() + "/memory.max", std::string("/sys/fs/cgroup/memory.max"),
        std::string("/sys/fs/cgroup/memory/memory.limit_in_bytes")}) {
    if (const auto limit = NumberIn(path)) bytes = bytes == 0 ? *limit : std::min(bytes, *limit);
  }
  return bytes;
}

uint64_t OwnMemoryBytes() {
  std::ifstream in("/proc/self/statm");
  uint64_t total = 0, resident = 0, shared = 0;
  if (!(in >> total >> resident >> shared)) return 0;
  return (resident - std::min(resident, shared)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

MemoryLimit::MemoryLimit(uint64_t limit_bytes, const Clock& clock, std::function<uint64_t()> used)
    : limit_bytes_(limit_bytes), clock_(clock), used_(std::move(used)) {}

uint64_t MemoryLimit::used_bytes() const {
  const int64_t now = clock_.Monotonic().count();
  if (now - kReadEveryNs >= read_at_ns_.load()) {
    used_bytes_ = used_();
    read_at_ns_ = now;
  }
  return used_bytes_;
}

uint64_t MemoryLimit::left_bytes() const {
  if (limit_bytes_ == 0) return UINT64_MAX;
  return limit_bytes_ - std::min(limit_bytes_, used_bytes());
}

bool MemoryLimit::tight() const { return left_bytes() < limit_bytes_ / 10; }

}  // namespace barograph
