#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/file_system.h"
#include "base/log.h"
#include "base/metrics/registry.h"
#include "tests/differential/random_data.h"
#include "tests/differential/random_queries.h"
#include "tests/support/manual_clock.h"
#include "tsdb/database.h"

// random_history FOLDER DATA_SEED FIRST QUERIES: makes a data directory with random series, and
// prints random queries of them: those with the seeds from FIRST on, a line each of seed, start and
// end and step (0 is an instant query) in milliseconds, 1 where the last digits are noise, and the
// query, separated by tabs.

namespace barograph::differential {
namespace {

// The labels of what is appended.
class LabelsAppended final : public Appendable {
 public:
  Result<std::unique_ptr<ScrapeTable>> OpenTable() override {
    return Fail(ErrorCode::kUnavailable, "no tables here");
  }
  std::unique_ptr<Appender> NewAppender() override { return std::make_unique<Listener>(labels_); }
  const std::set<Labels>& labels() const { return labels_; }

 private:
  class Listener final : public Appender {
   public:
    explicit Listener(std::set<Labels>& labels) : labels_(labels) {}
    Result<SeriesId> Resolve(const Labels& labels) override {
      labels_.insert(labels);
      return SeriesId(1);
    }
    void Append(SeriesId, Sample, Timestamp) override {}
    void AppendHistogram(SeriesId, Timestamp, const FloatHistogram&, Timestamp) override {}
    Result<AppendReport> Commit() override { return AppendReport{}; }

   private:
    std::set<Labels>& labels_;
  };

  std::set<Labels> labels_;
};

// The series are in the order of their labels, as in Prometheus's blocks: what comes first is seen
// in limitk() and in warnings.
Status WriteData(const std::string& folder, uint64_t seed) {
  tsdb::Options options;
  options.path = folder;
  options.retention.time = Duration(0);
  test::ManualClock clock(FromMs(kBeginMs + (kPoints + 1) * kIntervalMs));
  MetricsRegistry metrics;
  const auto database =
      TRY(tsdb::Database::Open(PosixFileSystem(), clock, Logger(), metrics, options));
  LabelsAppended appended;
  Fill(appended, seed);
  const auto appender = database->NewAppender();
  for (const Labels& labels : appended.labels()) TRY(appender->Resolve(labels));
  Fill(*database, seed);
  return {};
}

void PrintQueries(uint64_t first, uint64_t queries) {
  for (uint64_t seed = first; seed < first + queries; ++seed) {
    RandomQueries random(seed);
    const RandomQueries::Times times = random.NextTimes();
    const RandomQueries::Query query = random.Next();
    fmt::print("{}\t{}\t{}\t{}\t{}\t{}\n", seed, times.start_ms, times.end_ms, times.step_ms,
               query.noisy ? 1 : 0, query.text);
  }
}

std::optional<uint64_t> ParseNumber(const char* text) {
  uint64_t number = 0;
  const char* end = text + std::strlen(text);
  return std::from_chars(text, end, number).ptr == end ? std::optional(number) : std::nullopt;
}

int Main(int argc, char** argv) {
  const auto number = [&](int i) { return i < argc ? ParseNumber(argv[i]) : std::nullopt; };
  const auto data_seed = number(2), first = number(3), queries = number(4);
  if (argc != 5 || !data_seed || !first || !queries) {
    fmt::print(stderr, "usage: random_history FOLDER DATA_SEED FIRST QUERIES\n");
    return 2;
  }
  if (const Status written = WriteData(argv[1], *data_seed); !written.has_value()) {
    fmt::print(stderr, "random_history: {}\n", written.error().message);
    return 1;
  }
  PrintQueries(*first, *queries);
  return 0;
}

}  // namespace
}  // namespace barograph::differential

int main(int argc, char** argv) { return barograph::differential::Main(argc, argv); }
