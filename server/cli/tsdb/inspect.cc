#include "server/cli/tsdb/inspect.h"

#include <fmt/format.h>

#include <string>

#include "server/cli/flag_set.h"
#include "server/cli/tsdb/analysis.h"
#include "server/cli/tsdb/block_list.h"
#include "server/cli/tsdb/offline.h"
#include "tsdb/folder_verify.h"

namespace barograph::server::cli {
namespace {

constexpr const char* kDefaultPath = "data/";

std::string Describe(const tsdb::FileDamage& damage) {
  return fmt::format("{}: at byte {}, {} bytes: {}", damage.file, damage.offset, damage.length,
                     damage.what);
}

}  // namespace

int TsdbList(const Arguments& arguments) {
  std::string path = kDefaultPath;
  bool human_readable = false;
  FlagSet flags("barograph tsdb list", "List the blocks of a data folder, which is only read.");
  AddStorageFlag(flags, path);
  flags.Add("human-readable", human_readable, "Print times and sizes for people", 'r');
  if (const auto code = ParseFlags(flags, arguments)) return *code;
  const auto lock = KeepServersOut(PosixFileSystem(), path);
  if (!lock) return Failed(lock.error());
  const auto blocks = ReadBlockList(PosixFileSystem(), path);
  if (!blocks) return Failed(blocks.error());
  fmt::print("{}", FormatBlockList(*blocks, human_readable));
  return kSuccess;
}

int TsdbAnalyze(const Arguments& arguments) {
  std::string path = kDefaultPath;
  uint64_t limit = 20;
  FlagSet flags("barograph tsdb analyze",
                "Show what makes the series many: labels, metrics, and churn from block to block. "
                "Opens the data as a server does.");
  AddStorageFlag(flags, path);
  flags.Add("limit", limit, "How many lines each list has");
  if (const auto code = ParseFlags(flags, arguments)) return *code;
  if (const auto lock = KeepServersOut(PosixFileSystem(), path); !lock) {
    return Failed(lock.error());
  }
  OfflineDatabase database;
  if (const Status opened = database.Open(path); !opened) return Failed(opened.error());
  const auto analysis = Analyze(*database, (*database).Blocks(), limit);
  if (!analysis) return Failed(analysis.error());
  fmt::print("{}", *analysis);
  return kSuccess;
}

int TsdbVerify(const Arguments& arguments) {
  std::string path = kDefaultPath;
  FlagSet flags("barograph tsdb verify",
                "Read all blocks, the write-ahead log, the head's files and the series index, and "
                "tell what is damaged. Nothing is changed. Exit code 1 on damage.");
  AddStorageFlag(flags, path);
  if (const auto code = ParseFlags(flags, arguments)) return *code;
  const auto lock = KeepServersOut(PosixFileSystem(), path);
  if (!lock) return Failed(lock.error());
  const auto report = tsdb::VerifyFolder(PosixFileSystem(), path, path + "/index", {});
  if (!report) return Failed(report.error());
  for (const tsdb::FileDamage& torn : report->torn) {
    fmt::print("{}, as by a crash; the next start removes it\n", Describe(torn));
  }
  for (const tsdb::FileDamage& damage : report->damage) {
    fmt::print("damaged: {}\n", Describe(damage));
  }
  fmt::print("{} blocks with {} series and {} samples, {} log records, {} runs of the head: {}\n",
             report->blocks, report->series, report->samples, report->log_records,
             report->head_runs,
             report->good() ? "good" : fmt::format("{} damaged parts", report->damage.size()));
  return report->good() ? kSuccess : kFailure;
}

}  // namespace barograph::server::cli
