#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/metrics/registry.h"

namespace barograph {
namespace {

std::string ReadProcFile(const char* path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

// The numbers of /proc/self/stat that are wanted here; zeros when it cannot be read (proc(5)).
struct ProcessStat {
  double cpu_seconds = 0;
  double start_seconds_after_boot = 0;
  double virtual_bytes = 0;
  double resident_bytes = 0;
};

ProcessStat ReadProcessStat() {
  const std::string text = ReadProcFile("/proc/self/stat");
  // The second field, the program's name, may hold anything but ends with the last bracket. What
  // follows it counts from field 3.
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields(text.substr(name_end + 1));
  std::string state;
  fields >> state;
  std::array<double, 25> numbers{};
  for (size_t field = 4; field < numbers.size(); ++field) fields >> numbers[field];
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  return {.cpu_seconds = (numbers[14] + numbers[15]) / ticks,
          .start_seconds_after_boot = numbers[22] / ticks,
          .virtual_bytes = numbers[23],
          .resident_bytes = numbers[24] * static_cast<double>(sysconf(_SC_PAGESIZE))};
}

double BootTimeSeconds() {
  std::istringstream lines(ReadProcFile("/proc/stat"));
  std::string word;
  while (lines >> word) {
    double seconds = 0;
    if (word == "btime" && lines >> seconds) return seconds;
  }
  return 0;
}

double OpenFileCount() {
  std::error_code error;
  double count = 0;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) ++count;
  return count > 0 ? count - 1 : 0;  // without the one that is open for the listing
}

double SoftLimit(__rlimit_resource resource) {
  rlimit limit{};
  getrlimit(resource, &limit);
  return static_cast<double>(limit.rlim_cur);
}

}  // namespace

void AddProcessMetrics(MetricsRegistry& registry) {
  registry.AddCounterFunction("process_cpu_seconds_total",
                              "CPU time that the process has used, user and system, in seconds.",
                              [] { return ReadProcessStat().cpu_seconds; });
  registry.AddGaugeFunction("process_open_fds", "How many files and sockets are open.",
                            OpenFileCount);
  registry.AddGaugeFunction("process_max_fds", "How many files and sockets may be open.",
                            [] { return SoftLimit(RLIMIT_NOFILE); });
  registry.AddGaugeFunction("process_virtual_memory_bytes", "Size of the address space in bytes.",
                            [] { return ReadProcessStat().virtual_bytes; });
  registry.AddGaugeFunction("process_virtual_memory_max_bytes",
                            "Size that the address space may have in bytes.",
                            [] { return SoftLimit(RLIMIT_AS); });
  registry.AddGaugeFunction("process_resident_memory_bytes",
                            "Memory of the process that is in RAM in bytes.",
                            [] { return ReadProcessStat().resident_bytes; });
  const double start_seconds = BootTimeSeconds() + ReadProcessStat().start_seconds_after_boot;
  registry.AddGaugeFunction("process_start_time_seconds",
                            "When the process started, in seconds since the Unix epoch.",
                            [start_seconds] { return start_seconds; });
}

}  // namespace barograph
