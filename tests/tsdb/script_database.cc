#include "tests/tsdb/script_database.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include "base/model/duration.h"
#include "base/model/number.h"
#include "tests/tsdb/row_appender.h"

namespace barograph::test {
namespace {

std::unexpected<Error> Bad(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

Result<int64_t> ParseInteger(const std::string& text) {
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stopped != end) return Bad("not an integer: \"" + text + "\"");
  return number;
}

/// The place `offset` from the file's begin or, where it is negative, from its end.
Result<size_t> PlaceIn(const std::string& bytes, const std::string& offset) {
  int64_t place = TRY(ParseInteger(offset));
  const auto size = static_cast<int64_t>(bytes.size());
  if (place < 0) place += size;
  if (place < 0 || place >= size) return Bad(fmt::format("the file has {} bytes", size));
  return static_cast<size_t>(place);
}

void ListFiles(MemoryFileSystem& files, const std::string& folder, std::vector<std::string>& out) {
  for (const DirectoryEntry& entry : *files.List(folder)) {
    const std::string path = folder + "/" + entry.name;
    if (entry.is_directory) {
      ListFiles(files, path, out);
    } else {
      out.push_back(path);
    }
  }
}

Result<TimeRange> RangeOf(const Words& arguments) {
  if (arguments.size() == 1) return TimeRange();
  if (arguments.size() != 3) return Bad("not SELECTOR or SELECTOR FROM TO");
  return TimeRange{TRY(ParseScriptTime(arguments[1])), TRY(ParseScriptTime(arguments[2]))};
}

/// As ReadAll, with failures as errors.
Result<Contents> TryRead(const Queryable& storage, TimeRange range, const Matchers& matchers) {
  const auto selection = TRY(storage.Select(range, matchers, {}, {}));
  const auto cursor = selection->NewCursor();
  for (size_t i = 0; i < selection->size(); ++i) TRY(cursor->Read(i));
  return ReadSelection(*selection);
}

Contents ContentsOf(const std::vector<ScriptSeries>& all) {
  Contents contents;
  for (const auto& [labels, samples] : all) {
    for (const Sample& sample : samples) {
      contents[labels.ToString()][ToMs(sample.timestamp)] = std::bit_cast<uint64_t>(sample.value);
    }
  }
  return contents;
}

/// Appends the step's series; what is refused must be what its arguments say.
Status AppendTo(Appender& appender, const ScriptStep& step) {
  for (const auto& [labels, samples] : step.series) {
    const SeriesId id = TRY(appender.Resolve(labels));
    for (const Sample& sample : samples) appender.Append(id, sample);
  }
  const AppendReport report = TRY(appender.Commit());
  std::string refused;
  for (const auto& [reason, count] : {std::pair("out_of_order", report.out_of_order),
                                      {"too_old", report.too_old},
                                      {"duplicate", report.duplicate},
                                      {"out_of_bounds", report.out_of_bounds}}) {
    if (count > 0) refused += fmt::format(" {} {}", reason, count);
  }
  const std::string expected =
      step.arguments.empty() ? "" : fmt::format(" {}", fmt::join(step.arguments, " "));
  if (refused != expected) {
    return Bad(fmt::format("refused:{}, expected:{}", refused, expected));
  }
  return {};
}

}  // namespace

struct ScriptDatabase::Command {
  enum State : uint8_t { kAny, kRunning, kStopped };

  std::string name;
  State state;  // of the database, when it is given
  size_t min_arguments, max_arguments;
  bool takes_series;
  bool checks;
  Status (ScriptDatabase::*run)(const ScriptStep&);
};

const ScriptDatabase::Command* ScriptDatabase::Find(const std::string& name) {
  using S = ScriptDatabase;
  using C = Command;
  static const auto& commands = *new std::vector<C>{
      {"set", C::kAny, 2, 2, false, false, &S::Set},
      {"start", C::kStopped, 0, 0, false, false, &S::Start},
      {"stop", C::kRunning, 0, 0, false, false, &S::Stop},
      {"restart", C::kRunning, 0, 0, false, false, &S::Restart},
      {"kill", C::kRunning, 0, 0, false, false, &S::Kill},
      {"power", C::kRunning, 0, 1, false, false, &S::Power},
      {"lose_index", C::kStopped, 0, 0, false, false, &S::LoseIndex},
      {"clock", C::kAny, 1, 1, false, false, &S::TurnClock},
      {"rows", C::kRunning, 0, 8, true, false, &S::Rows},
      {"append", C::kRunning, 0, 8, true, false, &S::Append},
      {"delete", C::kRunning, 1, 3, false, false, &S::Delete},
      {"clean", C::kRunning, 0, 0, false, false, &S::Clean},
      {"maintain", C::kRunning, 0, 0, false, false, &S::Maintain},
      {"query", C::kRunning, 1, 3, true, true, &S::Query},
      {"blocks", C::kRunning, 1, 1, false, true, &S::Blocks},
      {"metric", C::kRunning, 2, 2, false, true, &S::Metric},
      {"id", C::kRunning, 2, 2, false, true, &S::Id},
      {"logged", C::kAny, 1, 99, false, true, &S::Logged},
      {"flip", C::kStopped, 2, 2, false, false, &S::Flip},
      {"truncate", C::kStopped, 2, 2, false, false, &S::Truncate},
      {"remove", C::kStopped, 1, 1, false, false, &S::Remove},
  };
  const auto found = std::ranges::find(commands, name, &C::name);
  return found == commands.end() ? nullptr : &*found;
}

bool ScriptDatabase::Checks(const ScriptStep& step) {
  const Command* command = Find(step.command);
  return command != nullptr && command->checks;
}

Status ScriptDatabase::Run(const ScriptStep& step) {
  const Command* command = Find(step.command);
  if (command == nullptr) return Bad("no such command: " + step.command);
  const size_t arguments = step.arguments.size();
  if (arguments < command->min_arguments || arguments > command->max_arguments) {
    return Bad(fmt::format("{} does not take {} arguments", step.command, arguments));
  }
  if (!step.series.empty() && !command->takes_series) {
    return Bad(step.command + " takes no series");
  }
  if (command->state != Command::kAny && (command->state == Command::kRunning) != running_) {
    return Bad(running_ ? "the database is running" : "the database is not running");
  }
  const Status done = (this->*command->run)(step);
  if (step.error.empty()) return done;
  if (done) return Bad("no error, expected: " + step.error);
  if (done.error().message.contains(step.error)) return {};
  return Bad(fmt::format("error: {}, expected: {}", done.error().message, step.error));
}

Status ScriptDatabase::Set(const ScriptStep& step) {
  const std::string &name = step.arguments[0], &value = step.arguments[1];
  tsdb::Options& options = database_ ? database_->options() : options_;
  if (name == "fsync") {
    if (value != "always" && value != "off") return Bad("fsync is always or off");
    options.wal_fsync = value == "always" ? tsdb::WalFsync::kAlways : tsdb::WalFsync::kOff;
    return {};
  }
  const Duration duration = TRY(ParseDuration(value));
  if (name == "window") {
    options.min_block_duration = duration;
  } else if (name == "longest_window") {
    options.max_block_duration = duration;
  } else if (name == "retention") {
    options.retention.time = duration;
  } else if (name == "out_of_order_window") {
    options.out_of_order_window = duration;
  } else {
    return Bad("no such setting: " + name);
  }
  return {};
}

Status ScriptDatabase::Start(const ScriptStep&) {
  if (database_) {
    TRY(database_->TryOpen());
  } else {
    options_.maintenance_interval = std::chrono::hours(24 * 365);  // only when it is told to
    database_.emplace(files_, options_);
    database_->clock().Set(now_);
  }
  running_ = true;
  return {};
}

Status ScriptDatabase::Stop(const ScriptStep&) {
  table_.reset();
  database_->Drop();
  running_ = false;
  return {};
}

Status ScriptDatabase::Restart(const ScriptStep& step) {
  TRY(Stop(step));
  return Start(step);
}

void ScriptDatabase::End() {
  const std::string index = database_->options().index_path, left = index + ".left";
  CopyFolderInUse(index, left);
  files_.Inject({.operation = FileOperation::kAny, .stays = true});
  table_.reset();
  database_->Drop();
  files_.ClearFaults();
  std::filesystem::remove_all(index);
  std::filesystem::rename(left, index);
  running_ = false;
}

Status ScriptDatabase::Kill(const ScriptStep&) {
  End();
  return {};
}

Status ScriptDatabase::Power(const ScriptStep& step) {
  const int64_t kept = step.arguments.empty() ? 0 : TRY(ParseInteger(step.arguments[0]));
  End();
  disk_.Crash(static_cast<size_t>(kept));
  return {};
}

Status ScriptDatabase::LoseIndex(const ScriptStep&) {
  std::filesystem::remove_all(database_->options().index_path);
  return {};
}

Status ScriptDatabase::TurnClock(const ScriptStep& step) {
  const Timestamp to = TRY(ParseScriptTime(step.arguments[0]));
  if (database_ && to >= now_) {
    database_->clock().Advance(to - now_);
  } else if (database_) {
    database_->clock().Set(to);
  }
  now_ = to;
  return {};
}

Status ScriptDatabase::Rows(const ScriptStep& step) {
  if (table_ == nullptr) table_ = TRY((*database_)->OpenTable());
  RowAppender appender((*database_)->NewAppender(), *table_);
  return AppendTo(appender, step);
}

Status ScriptDatabase::Append(const ScriptStep& step) {
  return AppendTo(*(*database_)->NewAppender(), step);
}

Status ScriptDatabase::Delete(const ScriptStep& step) {
  return (*database_)
      ->DeleteSeries(TRY(RangeOf(step.arguments)), TRY(ParseScriptSelector(step.arguments[0])));
}

Status ScriptDatabase::Clean(const ScriptStep&) { return (*database_)->CleanTombstones(); }

Status ScriptDatabase::Maintain(const ScriptStep&) { return (*database_)->Maintain(); }

Status ScriptDatabase::Query(const ScriptStep& step) {
  const TimeRange range = TRY(RangeOf(step.arguments));
  const Matchers matchers = TRY(ParseScriptSelector(step.arguments[0]));
  const Contents got = TRY(TryRead(**database_, range, matchers));
  const std::string difference = Difference(got, ContentsOf(step.series));
  if (!difference.empty()) return Bad(difference);
  return {};
}

Status ScriptDatabase::Blocks(const ScriptStep& step) {
  const size_t count = (*database_)->Blocks().size();
  if (std::to_string(count) != step.arguments[0]) return Bad(fmt::format("{} blocks", count));
  return {};
}

Status ScriptDatabase::Metric(const ScriptStep& step) {
  const auto value = database_->Metric(step.arguments[0]);
  if (!value) return Bad("no such metric");
  const std::string text = FormatValue(*value);
  if (text != step.arguments[1]) return Bad("it is " + text);
  return {};
}

Status ScriptDatabase::Id(const ScriptStep& step) {
  const Labels labels = TRY(ParseScriptLabels(step.arguments[0]));
  const SeriesId id = TRY((*database_)->NewAppender()->Resolve(labels));
  const std::string text = std::to_string(static_cast<uint64_t>(id));
  if (text != step.arguments[1]) return Bad("its id is " + text);
  return {};
}

Status ScriptDatabase::Logged(const ScriptStep& step) {
  const std::string text = fmt::format("{}", fmt::join(step.arguments, " "));
  if (!database_ || !database_->sink().Contains(text)) return Bad("not in the log: " + text);
  return {};
}

Result<std::string> ScriptDatabase::OneFile(const std::string& pattern) {
  std::vector<std::string> paths;
  const std::string folder = database_->path();
  ListFiles(disk_, folder, paths);
  std::erase_if(paths, [&](const std::string& path) {
    return fnmatch((folder + "/" + pattern).c_str(), path.c_str(), FNM_PATHNAME) != 0;
  });
  if (paths.size() == 1) return paths[0];
  return Bad(fmt::format("{} names {} files: {}", pattern, paths.size(), fmt::join(paths, " ")));
}

Status ScriptDatabase::Flip(const ScriptStep& step) {
  const std::string path = TRY(OneFile(step.arguments[0]));
  std::string bytes = TRY(disk_.ReadFile(path));
  char& byte = bytes[TRY(PlaceIn(bytes, step.arguments[1]))];
  byte = static_cast<char>(byte ^ 0x11);
  return disk_.WriteFile(path, bytes);
}

Status ScriptDatabase::Truncate(const ScriptStep& step) {
  const std::string path = TRY(OneFile(step.arguments[0]));
  std::string bytes = TRY(disk_.ReadFile(path));
  bytes.resize(TRY(PlaceIn(bytes, step.arguments[1])));
  return disk_.WriteFile(path, bytes);
}

Status ScriptDatabase::Remove(const ScriptStep& step) {
  return disk_.Remove(TRY(OneFile(step.arguments[0])));
}

}  // namespace barograph::test
