#include <fmt/format.h>

#include <cstdio>
#include <string>

#include "tsdb/prometheus/block_writer.h"

// write_prometheus_block DIR: writes a block with floats and native histograms into a folder, and
// prints what is in it: one line a sample, `kind name milliseconds count sum buckets`, where a
// float's sum is its value, and buckets are the counts from the lowest bucket to the highest.

namespace barograph::tsdb::prometheus {
namespace {

constexpr int64_t kStartMs = 1'700'006'400'000;  // aligned to two hours
constexpr int kSamples = 400;

Timestamp At(int sample) { return FromMs(kStartMs + sample * 15'000); }

// A counter that starts anew now and then, and gets a bucket on the way; or a gauge.
FloatHistogram HistogramAt(int sample, bool integer, bool gauge) {
  FloatHistogram histogram;
  const int age = gauge ? (sample * 7) % 50 : sample % 150;
  const double unit = integer ? 1 : 0.25;
  histogram.schema = 2;
  histogram.zero_threshold = 0.001;
  histogram.zero_count = age * unit;
  histogram.positive_spans = {{-2, 2}, {3, 1}};
  histogram.positive_buckets = {age * unit, 2 * age * unit, 3 * age * unit};
  histogram.negative_spans = {{1, 1}};
  histogram.negative_buckets = {age * unit};
  if (age > 60) {
    histogram.positive_spans.push_back({5, 1});
    histogram.positive_buckets.push_back((age - 60) * unit);
  }
  histogram.count = histogram.zero_count + histogram.negative_buckets[0];
  for (const double bucket : histogram.positive_buckets) histogram.count += bucket;
  histogram.sum = histogram.count * 1.5;
  if (gauge) histogram.counter_reset_hint = CounterResetHint::kGauge;
  return histogram;
}

std::string Buckets(const FloatHistogram& histogram) {
  std::string text;
  for (const double count : histogram.negative_buckets) text += fmt::format("{},", count);
  text += fmt::format("{}", histogram.zero_count);
  for (const double count : histogram.positive_buckets) text += fmt::format(",{}", count);
  return text;
}

SampleColumns Histograms(const std::string& name, bool integer, bool gauge) {
  SampleColumns samples;
  for (int i = 0; i < kSamples; ++i) {
    const FloatHistogram histogram = HistogramAt(i, integer, gauge);
    fmt::print("histogram {} {} {} {} {}\n", name, ToMs(At(i)), histogram.count, histogram.sum,
               Buckets(histogram));
    samples.AddHistogram(At(i), {histogram, integer});
  }
  return samples;
}

SampleColumns Floats(const std::string& name) {
  SampleColumns samples;
  for (int i = 0; i < kSamples; ++i) {
    const double value = i * 0.1 + (i % 7) * 1e6;
    fmt::print("float {} {} 0 {} -\n", name, ToMs(At(i)), value);
    samples.AddFloat(At(i), value);
  }
  return samples;
}

Status Write(const std::string& directory) {
  FileSystem& files = PosixFileSystem();
  TRY(files.CreateDirectories(directory));
  auto writer = TRY(BlockWriter::Create(files, {.directory = directory,
                                                .ulid = Ulid::Make(FromMs(kStartMs)),
                                                .min_time = FromMs(kStartMs),
                                                .max_time = FromMs(kStartMs + 7'200'000)}));
  TRY(writer->Add({{"__name__", "floats"}}, Floats("floats")));
  for (const std::string name : {"h_float", "h_float_gauge", "h_integer", "h_integer_gauge"}) {
    TRY(writer->Add({{"__name__", name}},
                    Histograms(name, name.contains("integer"), name.contains("gauge"))));
  }
  TRY(writer->Finish());
  return {};
}

}  // namespace
}  // namespace barograph::tsdb::prometheus

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const barograph::Status written = barograph::tsdb::prometheus::Write(argv[1]);
  if (!written.has_value()) fmt::print(stderr, "{}\n", written.error().message);
  return written.has_value() ? 0 : 1;
}
