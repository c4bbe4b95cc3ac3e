#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/series_file.h"
#include "tsdb/chunk/bit_packing.h"
#include "tsdb/chunk/value_codec.h"

// Bytes a sample, and samples a second, of the codec of values, over real series where a file of
// them is given (--data=FILE or BAROGRAPH_SERIES; bench/series_file.h says what it looks like) and
// over made-up ones otherwise. `active` rows leave out the series that never change. `every` rows
// take each fifth sample only: for data polled once a second that is nearer to a usual interval.

namespace barograph::tsdb {
namespace {

using Series = std::vector<std::vector<double>>;

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

Series& All() {
  static Series series;
  return series;
}

void Load(const std::string& path) {
  bench::SeriesFile file = path.empty() ? bench::MakeSeriesFile() : bench::ReadSeriesFile(path);
  for (bench::RecordedSeries& series : file.series) All().push_back(std::move(series.values));
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

template <void (*kUnpack)(const char*, size_t, unsigned, uint64_t, uint64_t*)>
void UnpackBlock(benchmark::State& state) {
  if (kUnpack == UnpackAvx2 && !HasAvx2()) return state.SkipWithError("no AVX2");
  const auto width = static_cast<unsigned>(state.range(0));
  const std::vector<char> packed(PackedBytes(kBlockSize, width) + kUnpackSlack, '\x5a');
  std::vector<uint64_t> out(kBlockSize);
  for (auto _ : state) {
    kUnpack(packed.data(), kBlockSize, width, 7, out.data());
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBlockSize));
}

void UnpackToEnd(const char* in, size_t count, unsigned width, uint64_t addend, uint64_t* out) {
  Unpack(in, in + PackedBytes(count, width), count, width, addend, out);
}

BENCHMARK(UnpackBlock<UnpackPortable>)->Arg(3)->Arg(12)->Arg(40);
BENCHMARK(UnpackBlock<UnpackAvx2>)->Arg(3)->Arg(12)->Arg(40);
BENCHMARK(UnpackBlock<UnpackToEnd>)->Arg(3)->Arg(12)->Arg(40);  // as it is chosen

}  // namespace
}  // namespace barograph::tsdb

int main(int argc, char** argv) {
  using namespace barograph::tsdb;
  const std::string path = barograph::bench::TakeDataFlag(argc, argv);
  Load(path);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  if (All().empty()) {
    std::fprintf(stderr, "cannot read series from %s\n", path.c_str());
    return 1;
  }
  RegisterRuns();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
