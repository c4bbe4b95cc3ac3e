#include "tests/support/memory_sink.h"

#include <algorithm>

namespace barograph::test {

void MemorySink::Write(LogLevel level, std::string_view line) {
  const MutexLock lock(mutex_);
  lines_.push_back({level, std::string(line)});
}

std::vector<std::string> MemorySink::lines() const {
  const MutexLock lock(mutex_);
  std::vector<std::string> texts;
  for (const Line& line : lines_) texts.push_back(line.text);
  return texts;
}

size_t MemorySink::Count(LogLevel level, std::string_view text) const {
  const MutexLock lock(mutex_);
  return static_cast<size_t>(std::ranges::count_if(
      lines_, [&](const Line& line) { return line.level == level && line.text.contains(text); }));
}

bool MemorySink::Contains(std::string_view text) const {
  const MutexLock lock(mutex_);
  return std::ranges::any_of(lines_, [&](const Line& line) { return line.text.contains(text); });
}

}  // namespace barograph::test
