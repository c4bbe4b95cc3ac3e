#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"

/// Series for the benchmarks of storage: real ones from a file, or made-up ones.
namespace barograph::bench {

struct TargetTimes {
  std::vector<Timestamp> times;  ///< of its scrapes
};

struct RecordedSeries {
  std::string key;  ///< metric name and labels, as exposed
  uint32_t target = 0;
  std::vector<uint32_t> rows;  ///< the target's scrapes that have a sample
  std::vector<double> values;  ///< parallel
};

struct SeriesFile {
  std::vector<TargetTimes> targets;
  std::vector<RecordedSeries> series;
};

/// zstd over: u32 targets, each {u32 length, name, u32 rows, i64 ms[rows]}; u32 series, each
/// {u32 length, key, u32 target, u32 n, u32 row[n], f64 value[n]}. Nothing where it cannot be read.
SeriesFile ReadSeriesFile(const std::string& path);

/// 1,000 series of 10 targets: two constants in three; counters, gauges, decimals and sums of times
/// for the rest.
SeriesFile MakeSeriesFile();

/// Takes --data=FILE out of the arguments, else BAROGRAPH_SERIES; empty where neither is given.
std::string TakeDataFlag(int& argc, char** argv);

}  // namespace barograph::bench
