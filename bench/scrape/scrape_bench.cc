#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "base/metrics/registry.h"
#include "bench/scrape/page_model.h"
#include "server/scrape/scrape_writer.h"
#include "server/scrape/text_parser.h"
#include "tests/support/temp_dir.h"
#include "tsdb/database.h"

// Samples a second from a page's text, in one thread: by the parser alone, by expectation, and by
// expectation into storage.

namespace barograph::server {
namespace {

// Storage that looks at each value of a row, and no more.
class NullStorage final : public Appendable {
 public:
  class Table final : public ScrapeTable {
   public:
    Result<ColumnId> AddColumn(const Labels&) override { return columns_++; }
    void ReleaseColumn(ColumnId) override {}
    SeriesId series(ColumnId column) const override { return SeriesId{column + 1}; }
    size_t width() const override { return columns_; }
    Result<AppendReport> AppendRow(const Row& row) override {
      double sum = 0;
      for (const double value : row.values) sum += value;
      benchmark::DoNotOptimize(sum);
      AppendReport report;
      report.appended = row.values.size();
      return report;
    }

   private:
    ColumnId columns_ = 0;
  };
  Result<std::unique_ptr<ScrapeTable>> OpenTable() override { return std::make_unique<Table>(); }
  std::unique_ptr<Appender> NewAppender() override { return nullptr; }
};

// Some pages in a row, so that the bench is not about making them.
std::vector<std::string> Pages(size_t series) {
  bench::PageModel model(series);
  std::vector<std::string> pages(32);
  for (std::string& page : pages) model.Next(page);
  return pages;
}

void Count(benchmark::State& state, const std::vector<std::string>& pages, size_t series) {
  const auto iterations = static_cast<double>(state.iterations());
  state.counters["samples"] =
      benchmark::Counter(iterations * static_cast<double>(series), benchmark::Counter::kIsRate);
  state.counters["bytes"] = benchmark::Counter(iterations * static_cast<double>(pages[0].size()),
                                               benchmark::Counter::kIsRate);
}

void BM_ParserAlone(benchmark::State& state) {
  const auto series = static_cast<size_t>(state.range(0));
  const auto pages = Pages(series);
  size_t next = 0;
  for (auto _ : state) {
    TextParser parser(pages[next++ % pages.size()]);
    double sum = 0;
    for (auto entry = parser.Next(); *entry != Entry::kEnd; entry = parser.Next()) {
      if (*entry == Entry::kSeries) sum += parser.value();
    }
    benchmark::DoNotOptimize(sum);
  }
  Count(state, pages, series);
}
BENCHMARK(BM_ParserAlone)->Arg(1000);

void ReadPages(benchmark::State& state, const std::vector<std::string>& pages, size_t series,
               const PageRules& rules) {
  const ScrapeConfig config;
  const SeriesLabels labels(Labels(), config);
  MetadataStore metadata(std::make_shared<MetadataPool>());
  ScrapeCache cache(metadata);
  ScrapeRow row;
  size_t next = 0;
  const auto read = [&] {
    PageCounts counts;
    row.Begin();
    if (!cache.Read(pages[next++ % pages.size()], rules, labels, row, counts)) std::abort();
    ColumnId column = 0;
    for (const NewSeries& one : cache.new_series()) cache.Bind(one, column++, row, counts);
    row.Finish();
    cache.Commit();
  };
  read();
  for (auto _ : state) read();
  Count(state, pages, series);
}

void BM_ParseByExpectation(benchmark::State& state) {
  const auto series = static_cast<size_t>(state.range(0));
  ReadPages(state, Pages(series), series, {});
}
BENCHMARK(BM_ParseByExpectation)->Arg(1000)->Arg(100000);

// Three of ten lines have an exemplar that is another one on each page.
void BM_ParseByExpectationWithExemplars(benchmark::State& state) {
  const auto series = static_cast<size_t>(state.range(0));
  std::vector<std::string> pages;
  uint64_t trace = 0;
  for (int number = 0; number < 32; ++number) {
    std::string& page = pages.emplace_back();
    for (size_t line = 0; line < series; ++line) {
      page += fmt::format("rpc_duration_seconds_bucket{{method=\"m{}\",le=\"{}.0\"}} {}", line / 10,
                          line % 10, line + static_cast<size_t>(number));
      if (line % 10 < 3)
        page += fmt::format(" # {{trace_id=\"{:032x}\"}} 0.5 {}.5", ++trace, number);
      page += '\n';
    }
    page += "# EOF\n";
  }
  const bool wanted = state.range(1) != 0;
  ReadPages(state, pages, series, {.format = PageFormat::kOpenMetricsText, .exemplars = wanted});
}
BENCHMARK(BM_ParseByExpectationWithExemplars)->Args({1000, 0})->Args({1000, 1});

// Whole scrapes, from the text to the row in `storage`, of one target after the other: many targets
// find the caches as cold as a server does.
void RunScrapes(benchmark::State& state, Appendable& storage) {
  const auto series = static_cast<size_t>(state.range(0));
  const auto targets = static_cast<size_t>(state.range(1));
  const auto pages = Pages(series);
  const ScrapeConfig config;
  MetricsRegistry registry;
  ScrapeMetrics metrics(registry);
  MetadataStore metadata(std::make_shared<MetadataPool>());
  std::vector<std::unique_ptr<ScrapeWriter>> writers;
  for (size_t i = 0; i < targets; ++i) {
    const Labels labels = {{"instance", fmt::format("host{}:9100", i)}, {"job", "node"}};
    writers.push_back(
        std::make_unique<ScrapeWriter>(labels, config, storage, metadata, metrics, Logger()));
  }
  size_t next = 0;
  const auto scrape = [&] {
    ScrapeWriter& writer = *writers[next % targets];
    const size_t round = next++ / targets;
    ScrapeReport report{.up = true, .counts = {}};
    if (!writer.ReadPage(pages[round % pages.size()], {}, report.counts)) std::abort();
    const Timestamp now = FromMs(static_cast<int64_t>(round) * 15000);
    if (!writer.Write(now, report, std::chrono::seconds(10))) std::abort();
  };
  for (size_t i = 0; i < targets; ++i) scrape();
  for (auto _ : state) scrape();
  Count(state, pages, series);
}

void BM_ScrapeIntoNothing(benchmark::State& state) {
  NullStorage storage;
  RunScrapes(state, storage);
}
BENCHMARK(BM_ScrapeIntoNothing)->Args({1000, 1});

void BM_ScrapeIntoHead(benchmark::State& state) {
  const test::TempDir dir;
  MetricsRegistry metrics;
  auto database = tsdb::Database::Open(PosixFileSystem(), SystemClock(), Logger(), metrics,
                                       {.path = dir.path(), .index_path = {}});
  if (!database) return state.SkipWithError(database.error().message.c_str());
  RunScrapes(state, **database);
}
BENCHMARK(BM_ScrapeIntoHead)->Args({1000, 1})->Args({1000, 500});

}  // namespace
}  // namespace barograph::server

BENCHMARK_MAIN();
