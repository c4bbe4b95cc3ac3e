#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/fault_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/tsdb/script.h"
#include "tests/tsdb/storage_harness.h"

namespace barograph::test {

/// What a storage script works on: a database on a disk in memory (but for its index) that can be
/// killed, lose its power and be damaged; its clock begins at 0. tests/tsdb/scripts/README.md
/// describes the commands.
class ScriptDatabase {
 public:
  /// Does the step. An error says how it is not as the script says.
  Status Run(const ScriptStep& step);

  bool running() const { return running_; }

  /// Whether a command says what is to be found.
  static bool Checks(const ScriptStep& step);

 private:
  struct Command;
  static const Command* Find(const std::string& name);

  Status Set(const ScriptStep& step);
  Status Start(const ScriptStep& step);
  Status Stop(const ScriptStep& step);
  Status Restart(const ScriptStep& step);
  Status Kill(const ScriptStep& step);
  Status Power(const ScriptStep& step);
  Status LoseIndex(const ScriptStep& step);
  Status TurnClock(const ScriptStep& step);
  Status Rows(const ScriptStep& step);
  Status Append(const ScriptStep& step);
  Status Delete(const ScriptStep& step);
  Status Clean(const ScriptStep& step);
  Status Maintain(const ScriptStep& step);
  Status Query(const ScriptStep& step);
  Status Blocks(const ScriptStep& step);
  Status Metric(const ScriptStep& step);
  Status Id(const ScriptStep& step);
  Status Logged(const ScriptStep& step);
  Status Flip(const ScriptStep& step);
  Status Truncate(const ScriptStep& step);
  Status Remove(const ScriptStep& step);

  /// Ends without another byte written; of the index, on the real disk, stays what it was.
  void End();

  /// The one file that the pattern names, within the database's folder.
  Result<std::string> OneFile(const std::string& pattern);

  MemoryFileSystem disk_;
  FaultFileSystem files_{disk_};
  tsdb::Options options_;
  Timestamp now_;
  std::optional<TestDatabase> database_;  // from the first start on
  std::unique_ptr<ScrapeTable> table_;    // of `rows`
  bool running_ = false;
};

}  // namespace barograph::test
