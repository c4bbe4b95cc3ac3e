#include <fmt/format.h>

#include <sstream>
#include <stdexcept>

#include "base/model/number.h"
#include "tests/conformance/areas.h"
#include "tsdb/prometheus/block.h"

// NAME.dump.txt: every sample of the block in the folder NAME beside it, as promtool prints them:
// {labels} value milliseconds, in label order.

namespace barograph::conformance {
namespace {

namespace prometheus = tsdb::prometheus;

constexpr std::string_view kSuffix = ".dump.txt";

std::string PrintLabels(const Labels& labels) {
  std::string text = "{";
  for (const Label& label : labels) {
    if (text.size() > 1) text += ", ";
    text += fmt::format("{}={}", label.name, Quote(label.value));
  }
  return text + "}";
}

void DumpSeries(const prometheus::BlockSeries& series, std::vector<std::string>& lines) {
  const std::string labels = PrintLabels(series.labels);
  const prometheus::SampleColumns& samples = series.samples;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (samples.histogram(i) != nullptr) throw std::runtime_error("a histogram in " + labels);
    lines.push_back(fmt::format("{} {} {}", labels, FormatShortest(samples.values()[i]),
                                ToMs(samples.timestamps()[i])));
  }
}

Result<std::vector<std::string>> Dump(const std::string& folder) {
  const auto block = TRY(prometheus::Block::Open(PosixFileSystem(), folder));
  std::vector<std::string> lines;
  prometheus::BlockSeries series;
  for (size_t i = 0; i < block->series_count(); ++i) {
    TRY(block->Read(i, series));
    DumpSeries(series, lines);
  }
  return lines;
}

}  // namespace

void RunTsdb(const std::string& path, Reporter& reporter) {
  if (!path.ends_with(kSuffix)) throw std::runtime_error("no dump of a block");
  const auto got = Dump(path.substr(0, path.size() - kSuffix.size()));
  if (!got.has_value()) return reporter.Fail("(block)", got.error().message);
  std::istringstream want(ReadWholeFile(path));
  size_t number = 0;
  for (std::string line; std::getline(want, line); ++number) {
    reporter.Expect(fmt::format("line {}", number + 1), number < got->size() ? (*got)[number] : "",
                    line);
  }
  for (; number < got->size(); ++number) reporter.Fail("more than the dump has", (*got)[number]);
}

}  // namespace barograph::conformance
