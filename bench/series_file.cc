#include "bench/series_file.h"

#include <zstd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string_view>

namespace barograph::bench {
namespace {

/// Reads little-endian fields, stopping at the end.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : left_(bytes) {}

  uint32_t U32() {
    uint32_t value = 0;
    const std::string_view bytes = Take(sizeof(value));
    if (bytes.size() == sizeof(value)) std::memcpy(&value, bytes.data(), sizeof(value));
    return value;
  }
  std::string_view Take(size_t bytes) {
    const std::string_view taken = left_.substr(0, bytes);
    left_.remove_prefix(taken.size());
    return taken;
  }
  template <typename T>
  std::vector<T> List(size_t count) {
    const std::string_view bytes = Take(count * sizeof(T));
    std::vector<T> list(bytes.size() / sizeof(T));
    if (!list.empty()) std::memcpy(list.data(), bytes.data(), list.size() * sizeof(T));
    return list;
  }

 private:
  std::string_view left_;
};

}  // namespace

SeriesFile ReadSeriesFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string packed{std::istreambuf_iterator<char>(in), {}};
  const auto size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (ZSTD_isError(size)) return {};
  std::string bytes(size, '\0');
  if (ZSTD_isError(ZSTD_decompress(bytes.data(), bytes.size(), packed.data(), packed.size()))) {
    return {};
  }
  Fields fields(bytes);
  SeriesFile file;
  file.targets.resize(fields.U32());
  for (TargetTimes& target : file.targets) {
    fields.Take(fields.U32());
    for (const int64_t ms : fields.List<int64_t>(fields.U32())) target.times.push_back(FromMs(ms));
  }
  file.series.resize(fields.U32());
  for (RecordedSeries& series : file.series) {
    series.key = fields.Take(fields.U32());
    series.target = fields.U32();
    const uint32_t count = fields.U32();
    series.rows = fields.List<uint32_t>(count);
    series.values = fields.List<double>(count);
  }
  return file;
}

SeriesFile MakeSeriesFile() {
  constexpr size_t kTargets = 10, kSeries = 1000, kSamples = 1440;
  std::mt19937_64 random(1);
  SeriesFile file;
  file.targets.resize(kTargets);
  for (size_t t = 0; t < kTargets; ++t) {
    for (size_t row = 0; row < kSamples; ++row) {
      const uint64_t jitter = t % 2 == 0 ? 0 : random() % 5;
      const auto offset = static_cast<int64_t>(row * 15'000 + t * 1234 + jitter);
      file.targets[t].times.push_back(FromMs(1'700'000'000'000 + offset));
    }
  }
  file.series.resize(kSeries);
  for (size_t s = 0; s < kSeries; ++s) {
    RecordedSeries& series = file.series[s];
    series.key = "metric_" + std::to_string(s / kTargets) + "{}";
    series.target = static_cast<uint32_t>(s % kTargets);
    double last = static_cast<double>(random() % 100'000);
    for (uint32_t row = 0; row < kSamples; ++row) {
      switch (s % 12) {
        case 0: last += static_cast<double>(random() % 500); break;
        case 1: last += random() % 10 == 0 ? 1 : 0; break;
        case 2: last = static_cast<double>(random() % 100'000 * 4096); break;
        case 3: last += static_cast<double>(random() % 1'000'000'000) / 1e9; break;
        default: break;
      }
      series.rows.push_back(row);
      series.values.push_back(s % 12 == 4 ? static_cast<double>(random() % 10'000) / 100 : last);
    }
  }
  return file;
}

std::string TakeDataFlag(int& argc, char** argv) {
  constexpr std::string_view kFlag = "--data=";
  const char* const from_environment = std::getenv("BAROGRAPH_SERIES");
  std::string path = from_environment != nullptr ? from_environment : "";
  const auto end = std::remove_if(argv, argv + argc, [&](const char* argument) {
    if (!std::string_view(argument).starts_with(kFlag)) return false;
    path = argument + kFlag.size();
    return true;
  });
  argc = static_cast<int>(end - argv);
  return path;
}

}  // namespace barograph::bench
