#include <benchmark/benchmark.h>
#include <zstd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tsdb/chunk/bit_packing.h"
#include "tsdb/chunk/value_codec.h"

// Bytes a sample, and samples a second, of the codec of values, over real series where a file of
// them is given (--data=FILE or BAROGRAPH_SERIES; what it looks like is at ReadSeries) and over
// made-up ones otherwise. `active` rows leave out the series that never change. `every` rows take
// each fifth sample only: for data polled once a second that is nearer to a usual interval.

namespace barograph::tsdb {
namespace {

using Series = std::vector<std::vector<double>>;

// --- the data ---

/// Reads little-endian fields, stopping at the end.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : left_(bytes) {}

  uint32_t U32() {
    uint32_t value = 0;
    if (left_.size() >= sizeof(value)) std::memcpy(&value, left_.data(), sizeof(value));
    Skip(sizeof(value));
    return value;
  }
  std::string_view Skip(size_t bytes) {
    const std::string_view skipped = left_.substr(0, bytes);
    left_.remove_prefix(skipped.size());
    return skipped;
  }

 private:
  std::string_view left_;
};

/// u32 targets, each {u32 length, name, u32 rows, i64 timestamps[rows]}; u32 series, each
/// {u32 length, labels, u32 target, u32 n, u32 row[n], f64 value[n]}; zstd over all of it.
Series ReadSeries(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string packed{std::istreambuf_iterator<char>(file), {}};
  std::string bytes(ZSTD_getFrameContentSize(packed.data(), packed.size()), '\0');
  if (ZSTD_isError(ZSTD_decompress(bytes.data(), bytes.size(), packed.data(), packed.size()))) {
    return {};
  }
  Fields fields(bytes);
  for (uint32_t targets = fields.U32(); targets > 0; --targets) {
    fields.Skip(fields.U32());
    fields.Skip(size_t{8} * fields.U32());
  }
  Series series(fields.U32());
  for (std::vector<double>& values : series) {
    fields.Skip(fields.U32());
    fields.U32();
    const size_t count = fields.U32();
    fields.Skip(4 * count);
    const std::string_view raw = fields.Skip(8 * count);
    values.resize(raw.size() / 8);
    if (!values.empty()) std::memcpy(values.data(), raw.data(), values.size() * 8);
  }
  return series;
}

/// Two constants in three; counters, gauges, decimals and sums of times for the rest.
Series MakeSeries() {
  constexpr size_t kSeries = 1000, kSamples = 1440;
  std::mt19937_64 random(1);
  Series series(kSeries, std::vector<double>(kSamples));
  for (size_t s = 0; s < kSeries; ++s) {
    double last = static_cast<double>(random() % 100'000);
    for (double& value : series[s]) {
      switch (s % 12) {
        case 0: last += static_cast<double>(random() % 500); break;
        case 1: last += random() % 10 == 0 ? 1 : 0; break;
        case 2: last = static_cast<double>(random() % 100'000 * 4096); break;
        case 3: last += static_cast<double>(random() % 1'000'000'000) / 1e9; break;
        default: break;
      }
      value = s % 12 == 4 ? static_cast<double>(random() % 10'000) / 100 : last;
    }
  }
  return series;
}

std::string& DataPath() {
  static std::string path = [] {
    const char* from_environment = std::getenv("BAROGRAPH_SERIES");
    return std::string(from_environment != nullptr ? from_environment : "");
  }();
  return path;
}

bool Constant(std::span<const double> values) {
  return std::ranges::all_of(values, [&](const double& value) {
    return std::memcmp(&value, values.data(), sizeof(value)) == 0;
  });
}

struct Selection {
  bool active_only = false;
  size_t every = 1;
};

Series Select(const Series& all, Selection selection) {
  Series selected;
  for (const std::vector<double>& values : all) {
    if (selection.active_only && Constant(values)) continue;
    std::vector<double>& some = selected.emplace_back();
    for (size_t i = 0; i < values.size(); i += selection.every) some.push_back(values[i]);
  }
  return selected;
}

const Series& All() {
  static const Series series = DataPath().empty() ? MakeSeries() : ReadSeries(DataPath());
  return series;
}

// --- the runs ---

struct EncodedRuns {
  std::vector<std::span<const double>> runs;
  std::string bytes;
  std::vector<size_t> ends;  ///< of each run's bytes
  size_t samples = 0;
};

void EncodeAll(ValueEncoder& encoder, EncodedRuns& encoded) {
  encoded.bytes.clear();
  encoded.ends.clear();
  for (const std::span<const double> run : encoded.runs) {
    encoder.Encode(run, encoded.bytes);
    encoded.ends.push_back(encoded.bytes.size());
  }
}

EncodedRuns Cut(const Series& series, size_t length) {
  EncodedRuns encoded;
  for (const std::vector<double>& values : series) {
    for (std::span<const double> left(values); !left.empty();) {
      encoded.runs.push_back(left.first(std::min(length, left.size())));
      encoded.samples += encoded.runs.back().size();
      left = left.subspan(encoded.runs.back().size());
    }
  }
  return encoded;
}

void Report(benchmark::State& state, const EncodedRuns& encoded) {
  const auto samples = static_cast<double>(encoded.samples);
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(encoded.samples));
  state.counters["bytes/sample"] = static_cast<double>(encoded.bytes.size()) / samples;
}

void Encode(benchmark::State& state, Selection selection, size_t length) {
  const Series series = Select(All(), selection);
  EncodedRuns encoded = Cut(series, length);
  ValueEncoder encoder;
  for (auto _ : state) EncodeAll(encoder, encoded);
  Report(state, encoded);
}

void Decode(benchmark::State& state, Selection selection, size_t length) {
  const Series series = Select(All(), selection);
  EncodedRuns encoded = Cut(series, length);
  ValueEncoder encoder;
  EncodeAll(encoder, encoded);
  std::vector<double> out(length);
  for (auto _ : state) {
    size_t begin = 0;
    for (size_t i = 0; i < encoded.runs.size(); ++i) {
      const std::string_view bytes(encoded.bytes.data() + begin, encoded.ends[i] - begin);
      const std::span<double> values = std::span(out).first(encoded.runs[i].size());
      if (!DecodeValues(bytes, values)) state.SkipWithError("what was encoded does not decode");
      benchmark::DoNotOptimize(out.data());
      begin = encoded.ends[i];
    }
  }
  Report(state, encoded);
}

void RegisterRuns() {
  const std::pair<const char*, Selection> selections[] = {
      {"all", {false, 1}}, {"active", {true, 1}}, {"all-every-5th", {false, 5}}};
  for (const auto& [name, selection] : selections) {
    for (const size_t length : {120u, 240u, 480u}) {
      const std::string suffix = std::string("/") + name + "/" + std::to_string(length);
      benchmark::RegisterBenchmark(("Encode" + suffix).c_str(), Encode, selection, length);
      benchmark::RegisterBenchmark(("Decode" + suffix).c_str(), Decode, selection, length);
    }
  }
}

// --- the innermost loop ---

template <void (*kUnpack)(const char*, size_t, unsigned, uint64_t*)>
void UnpackBlock(benchmark::State& state) {
  if (kUnpack == UnpackAvx2 && !HasAvx2()) return state.SkipWithError("no AVX2");
  const auto width = static_cast<unsigned>(state.range(0));
  const std::vector<char> packed(PackedBytes(kBlockSize, width) + kUnpackSlack, '\x5a');
  std::vector<uint64_t> out(kBlockSize);
  for (auto _ : state) {
    kUnpack(packed.data(), kBlockSize, width, out.data());
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBlockSize));
}
BENCHMARK(UnpackBlock<UnpackPortable>)->Arg(3)->Arg(12)->Arg(40);
BENCHMARK(UnpackBlock<UnpackAvx2>)->Arg(3)->Arg(12)->Arg(40);

/// Takes --data=FILE out of the arguments.
int TakeDataFlag(int argc, char** argv) {
  constexpr std::string_view kFlag = "--data=";
  const auto end = std::remove_if(argv, argv + argc, [&](const char* argument) {
    if (!std::string_view(argument).starts_with(kFlag)) return false;
    DataPath() = argument + kFlag.size();
    return true;
  });
  return static_cast<int>(end - argv);
}

}  // namespace
}  // namespace barograph::tsdb

int main(int argc, char** argv) {
  using namespace barograph::tsdb;
  argc = TakeDataFlag(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  if (All().empty()) {
    std::fprintf(stderr, "cannot read series from %s\n", DataPath().c_str());
    return 1;
  }
  RegisterRuns();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
