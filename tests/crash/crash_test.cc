// Usage: crash_test [ROUNDS [SEED]]
//
// In each round a child process opens the same database, appends rows and lone samples on several
// threads, and reports through a pipe each append that returned; what is old moves to blocks
// meanwhile. The parent ends it with SIGKILL at a random moment, opens the database itself, and
// checks that every reported sample is there and that every sample there is one that was written,
// to the bit, with its start timestamp.

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics/registry.h"
#include "tests/support/temp_dir.h"
#include "tsdb/bitmap.h"
#include "tsdb/database.h"

namespace barograph {
namespace {

constexpr uint32_t kTables = 2;
constexpr uint32_t kColumns = 70;
constexpr uint32_t kLoneKind = kTables;  // the kind of work that lone samples are
constexpr int64_t kMsPerRound = 20'000;

/// One append that returned: all series of `kind` have a sample at `ms`.
struct Acknowledged {
  uint32_t kind;
  uint32_t width;
  int64_t ms;
};

Labels SeriesOf(uint32_t kind, uint32_t column) {
  return {{"__name__", "crash"}, {"kind", std::to_string(kind)}, {"c", std::to_string(column)}};
}

double ValueOf(uint32_t kind, uint32_t column, int64_t ms) {
  switch (column % 4) {
    case 0: return column;
    case 1: return static_cast<double>(ms);
    case 2: return static_cast<double>(ms % 977) / 100;
    default: return static_cast<double>(ms * (kind + 3)) / 7.0;
  }
}

// When a sample began; of each third series that is not known.
Timestamp StartOf(uint32_t kind, uint32_t column, int64_t ms) {
  return column % 3 == 0 ? kUnknownStart : FromMs(ms - ms % 500 - column - kind);
}

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "crash_test: %s\n", what.c_str());
  std::_Exit(1);
}

template <typename T>
T Need(Result<T> result) {
  if (!result) Die(result.error().message);
  return std::move(*result);
}

tsdb::Options OptionsFor(const std::string& path) {
  return {.path = path,
          .min_block_duration = std::chrono::milliseconds(200),
          .max_block_duration = std::chrono::milliseconds(1800),
          .retention = {.time = Duration(0), .bytes = 0},
          .maintenance_interval = std::chrono::milliseconds(20),
          .fsync_interval = std::chrono::milliseconds(20),
          .wal_segment_bytes = 64 << 10,
          .index_interval = std::chrono::milliseconds(30),
          .index_path = {}};
}

// ---- the child ----

void Report(int pipe, Acknowledged append) {
  if (write(pipe, &append, sizeof(append)) != sizeof(append)) Die("the pipe is gone");
}

[[noreturn]] void WriteRows(tsdb::Database& database, uint32_t kind, int64_t ms, int pipe) {
  const auto table = Need(database.OpenTable());
  // Start timestamps have columns as well.
  std::vector<double> values(2 * kColumns);
  std::vector<Timestamp> starts(values.size());
  std::vector<uint64_t> presence(tsdb::WordsFor(values.size()));
  for (uint32_t row = 0;; ++row, ++ms) {
    // The table widens as it goes.
    const uint32_t width = std::min(kColumns, 5 + row / 4);
    for (uint32_t c = 0; c < width; ++c) {
      const ColumnId column = Need(table->AddColumn(SeriesOf(kind, c)));
      if (column >= values.size()) Die("columns are not dense");
      values[column] = ValueOf(kind, c, ms);
      starts[column] = StartOf(kind, c, ms);
      tsdb::SetBit(presence, column);
    }
    Need(table->AppendRow({FromMs(ms), values, presence, starts}));
    Report(pipe, {kind, width, ms});
  }
}

[[noreturn]] void WriteLone(tsdb::Database& database, int64_t ms, int pipe) {
  const auto appender = database.NewAppender();
  for (;; ++ms) {
    const auto width = static_cast<uint32_t>(1 + ms % 10);
    for (uint32_t c = 0; c < width; ++c) {
      appender->Append(Need(appender->Resolve(SeriesOf(kLoneKind, c))),
                       {FromMs(ms), ValueOf(kLoneKind, c, ms)}, StartOf(kLoneKind, c, ms));
    }
    Need(appender->Commit());
    Report(pipe, {kLoneKind, width, ms});
  }
}

[[noreturn]] void RunChild(const std::string& path, int64_t ms, int pipe) {
  MetricsRegistry metrics;
  const auto database = Need(
      tsdb::Database::Open(PosixFileSystem(), SystemClock(), Logger(), metrics, OptionsFor(path)));
  std::vector<std::jthread> writers;
  for (uint32_t kind = 0; kind < kTables; ++kind) {
    writers.emplace_back([&, kind] { WriteRows(*database, kind, ms, pipe); });
  }
  WriteLone(*database, ms, pipe);
}

// ---- the parent ----

struct Child {
  pid_t pid;
  int pipe;
};

Child Spawn(const std::string& self, const std::string& path, int64_t ms) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) Die("pipe");
  const std::string first_ms = std::to_string(ms);
  const pid_t pid = fork();
  if (pid < 0) Die("fork");
  if (pid == 0) {
    dup2(ends[1], 3);
    if (ends[1] == 3) fcntl(3, F_SETFD, 0);
    execl(self.c_str(), self.c_str(), "--child", path.c_str(), first_ms.c_str(), nullptr);
    _exit(127);
  }
  close(ends[1]);
  return {pid, ends[0]};
}

// Reads reports until `count` have come, ends the child, and reads what it had still reported.
std::vector<Acknowledged> KillAfter(const Child& child, size_t count) {
  std::vector<Acknowledged> reports;
  Acknowledged report;
  bool killed = false;
  while (true) {
    if (reports.size() >= count && !killed) {
      kill(child.pid, SIGKILL);
      killed = true;
    }
    const ssize_t got = read(child.pipe, &report, sizeof(report));
    if (got != sizeof(report)) break;
    reports.push_back(report);
  }
  int status = 0;
  waitpid(child.pid, &status, 0);
  close(child.pipe);
  if (!killed || !WIFSIGNALED(status)) Die("the child ended by itself");
  return reports;
}

/// For each kind and width, the times that were acknowledged: column c has those of all widths
/// above c.
class Ledger {
 public:
  void Add(const std::vector<Acknowledged>& reports) {
    for (const Acknowledged& report : reports) {
      for (uint32_t c = 0; c < report.width; ++c) times_[{report.kind, c}].insert(report.ms);
    }
  }

  void Check(const tsdb::Database& database) const {
    const Matchers all{Matcher::Equal("__name__", "crash")};
    SelectHints hints;
    hints.start_timestamps = true;
    const auto selection = Need(database.Select({}, all, hints, {}));
    const auto cursor = selection->NewCursor();
    size_t found_series = 0;
    for (size_t i = 0; i < selection->size(); ++i) {
      const Labels labels = selection->labels(i);
      const auto kind = static_cast<uint32_t>(std::stoul(std::string(labels.Get("kind"))));
      const auto column = static_cast<uint32_t>(std::stoul(std::string(labels.Get("c"))));
      const auto acknowledged = times_.find({kind, column});
      CheckSamples(labels, kind, column, Need(cursor->Read(i)),
                   acknowledged == times_.end() ? nullptr : &acknowledged->second);
      found_series += acknowledged != times_.end();
    }
    if (found_series != times_.size()) Die("series are missing");
  }

 private:
  static void CheckSamples(const Labels& labels, uint32_t kind, uint32_t column,
                           const SeriesSamples& samples, const std::set<int64_t>* times) {
    size_t acknowledged = 0;
    for (size_t s = 0; s < samples.size(); ++s) {
      const int64_t ms = ToMs(samples.timestamps[s]);
      if (!SameBits(samples.values[s], ValueOf(kind, column, ms))) {
        Die("a wrong value in " + labels.ToString() + " at " + std::to_string(ms));
      }
      const Timestamp start =
          samples.start_timestamps.empty() ? kUnknownStart : samples.start_timestamps[s];
      if (start != StartOf(kind, column, ms)) {
        Die("a wrong start of " + labels.ToString() + " at " + std::to_string(ms));
      }
      acknowledged += times != nullptr && times->contains(ms);
    }
    if (times != nullptr && acknowledged != times->size()) {
      Die("acknowledged samples of " + labels.ToString() +
          " are lost: " + std::to_string(times->size() - acknowledged));
    }
  }

  std::map<std::pair<uint32_t, uint32_t>, std::set<int64_t>> times_;
};

size_t RunRound(const std::string& self, const std::string& path, int round, size_t appends,
                Ledger& ledger) {
  const Child child = Spawn(self, path, round * kMsPerRound);
  const std::vector<Acknowledged> reports = KillAfter(child, appends);
  ledger.Add(reports);
  MetricsRegistry metrics;
  const auto database = Need(
      tsdb::Database::Open(PosixFileSystem(), SystemClock(), Logger(), metrics, OptionsFor(path)));
  ledger.Check(*database);
  return reports.size();
}

int RunParent(const std::string& self, int rounds, uint64_t seed) {
  std::printf("crash_test: %d rounds, seed %llu\n", rounds, static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  std::mt19937_64 random(seed);
  const test::TempDir dir;
  Ledger ledger;
  size_t appends = 0;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(25);
  int round = 0;
  for (; round < rounds && std::chrono::steady_clock::now() < deadline; ++round) {
    // Mostly early, when everything is new; at times after some segments.
    const size_t limit = round % 5 == 4 ? 1500 : 60;
    appends += RunRound(self, dir.path() + "/data", round, random() % limit, ledger);
  }
  std::printf("crash_test: %zu appends in %d rounds, none lost\n", appends, round);
  return 0;
}

}  // namespace
}  // namespace barograph

int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == "--child") {
    barograph::RunChild(argv[2], std::stoll(argv[3]), 3);
  }
  const int rounds = argc > 1 ? std::stoi(argv[1]) : 50;
  const uint64_t seed = argc > 2 ? std::stoull(argv[2]) : std::random_device()();
  return barograph::RunParent(argv[0], rounds, seed);
}
