// Usage: restart_bench FOLDER [SERIES [ROWS]]
//        restart_bench --write FOLDER SERIES ROWS
//        restart_bench --open FOLDER
//
// What a head of many active series takes in memory, and how long it takes to be open again, after
// a clean stop and after the process just ended. Writes SERIES series (1,000 a target) of ROWS
// scrapes, 15 seconds apart, of which half the values change, into a database in FOLDER, which must
// not exist; after each fourth row it does what a server does each minute. With --write it ends as
// if killed, with --open it only opens what is there. Each step runs in a process of its own. Only
// ratios within one run mean something.
//
// Memory is told as what is the process's own, and, apart from it, the pages of mapped files that
// it has in use, which the kernel can take back; each half an hour of rows, and at the end. Four
// hours of rows (960) see the head cut twice.

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/memory_limit.h"
#include "base/metrics/registry.h"
#include "tsdb/bitmap.h"
#include "tsdb/database.h"

namespace barograph {
namespace {

constexpr size_t kColumns = 1000;
constexpr size_t kRowsPerMaintenance = 4;
constexpr size_t kRowsPerReport = 120;

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "restart_bench: %s\n", what.c_str());
  std::exit(1);
}

template <typename T>
T Need(Result<T> result) {
  if (!result) Die(result.error().message);
  return std::move(*result);
}

Labels SeriesOf(size_t target, size_t column) {
  return {{"__name__", "node_subsystem" + std::to_string(column / 20) + "_measurement_total"},
          {"device", "device" + std::to_string(column % 20 / 4)},
          {"instance", "host-" + std::to_string(target) + ":9100"},
          {"job", "node"},
          {"mode", "mode" + std::to_string(column % 4)}};
}

double Seconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

// Of all threads: on a machine with other work, a better measure than the time that passed.
double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Of mapped files, and of the program itself.
uint64_t MappedMemoryBytes() {
  std::ifstream in("/proc/self/statm");
  uint64_t total = 0, resident = 0, shared = 0;
  in >> total >> resident >> shared;
  return shared * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

class Process {
 public:
  explicit Process(const std::string& folder) {
    const double cpu = CpuSeconds();
    const auto begin = std::chrono::steady_clock::now();
    tsdb::Options options;
    options.path = folder;
    database_ = Need(tsdb::Database::Open(
        PosixFileSystem(), SystemClock(),
        Logger::ToStandardError(LogLevel::kWarn, LogFormat::kLogfmt), metrics_, options));
    opened_ = Seconds(std::chrono::steady_clock::now() - begin);
    opened_cpu_ = CpuSeconds() - cpu;
  }

  void Write(size_t series, size_t rows) {
    std::vector<std::unique_ptr<ScrapeTable>> tables;
    for (size_t target = 0; target * kColumns < series; ++target) {
      tables.push_back(Need(database_->OpenTable()));
      for (size_t c = 0; c < kColumns; ++c) Need(tables.back()->AddColumn(SeriesOf(target, c)));
    }
    const auto begin = std::chrono::steady_clock::now();
    const Timestamp start = SystemClock().Now() - std::chrono::seconds(15 * rows);
    std::vector<double> values(kColumns);
    std::vector<uint64_t> presence(tsdb::WordsFor(kColumns), ~uint64_t{0});
    for (size_t row = 0; row < rows; ++row) {
      for (size_t target = 0; target < tables.size(); ++target) {
        for (size_t c = 1; c < kColumns; c += 2) values[c] = static_cast<double>(row * c + target);
        const Row next{start + std::chrono::seconds(15 * row), values, presence};
        Need(tables[target]->AppendRow(next));
      }
      if (row % kRowsPerReport == kRowsPerReport - 3) PrintMemory("memory, writing", series);
      if (row % kRowsPerMaintenance == kRowsPerMaintenance - 2) Maintain();
    }
    const double took = Seconds(std::chrono::steady_clock::now() - begin);
    std::printf("written           %6.2f s, %.1f M samples/s\n", took,
                static_cast<double>(series * rows) / took / 1e6);
    PrintMemory("memory, writing", series);
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    std::printf("at most           %6ld MiB, mapped files included\n", usage.ru_maxrss / 1024);
    tables_ = std::move(tables);
  }

  void Maintain() {
    if (Status done = database_->Maintain(); !done) Die(done.error().message);
  }

  void PrintMemory(const char* what, size_t series) const {
    const auto own = static_cast<double>(OwnMemoryBytes());
    const auto mapped = static_cast<double>(MappedMemoryBytes());
    std::printf("%-17s %6.0f MiB, %.0f bytes a series; mapped files %.0f MiB, %.0f bytes\n", what,
                own / (1 << 20), own / static_cast<double>(series), mapped / (1 << 20),
                mapped / static_cast<double>(series));
    std::fflush(stdout);
  }
  void PrintOpened(const char* what) const {
    std::printf("%-17s %6.3f s, %.3f s of CPU\n", what, opened_, opened_cpu_);
  }

  void CloseCleanly() {
    const auto begin = std::chrono::steady_clock::now();
    tables_.clear();
    if (Status closed = database_->Close(); !closed) Die(closed.error().message);
    std::printf("closed            %6.3f s\n", Seconds(std::chrono::steady_clock::now() - begin));
  }

 private:
  MetricsRegistry metrics_;
  std::unique_ptr<tsdb::Database> database_;
  std::vector<std::unique_ptr<ScrapeTable>> tables_;
  double opened_ = 0, opened_cpu_ = 0;
};

// Runs `step` in a process of its own, which ends without any destructor.
void InProcess(const std::function<void()>& step) {
  std::fflush(stdout);
  const pid_t pid = fork();
  if (pid < 0) Die("fork");
  if (pid == 0) {
    step();
    std::fflush(stdout);
    _exit(0);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  if (status != 0) Die("a step failed");
}

void Run(const std::string& folder, size_t series, size_t rows) {
  // Never destroyed: the process ends as if it had been killed.
  InProcess([&] { (new Process(folder))->Write(series, rows); });
  InProcess([&] {
    Process process(folder);
    process.PrintOpened("open, after kill");
    process.PrintMemory("memory, reopened", series);
    process.CloseCleanly();
  });
  InProcess([&] {
    Process process(folder);
    process.PrintOpened("open, after close");
    process.PrintMemory("memory, reopened", series);
  });
}

}  // namespace
}  // namespace barograph

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--open") {
    // Not closed: the same can be opened again.
    (new barograph::Process(argv[2]))->PrintOpened("open");
    std::fflush(stdout);
    _exit(0);
  }
  if (argc == 5 && std::string(argv[1]) == "--write") {
    auto* const process = new barograph::Process(argv[2]);
    process->Write(std::strtoull(argv[3], nullptr, 10), std::strtoull(argv[4], nullptr, 10));
    std::fflush(stdout);
    _exit(0);
  }
  if (argc < 2) barograph::Die("usage: restart_bench FOLDER [SERIES [ROWS]]");
  if (barograph::PosixFileSystem().Exists(argv[1])) barograph::Die("the folder exists already");
  const size_t series = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 500'000;
  const size_t rows = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 60;
  barograph::Run(argv[1], series, rows);
}
