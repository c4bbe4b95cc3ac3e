#include "web/queries/active_queries.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/bytes/json_text.h"
#include "web/queries/shorten.h"

namespace barograph::web {
namespace {

constexpr size_t kMaxQueryBytes = 1000;  // enough to know it by

std::string BeginLine(uint64_t id, std::string_view query, Timestamp now) {
  std::string quoted;
  AppendJsonText(quoted, Shorten(query, kMaxQueryBytes));
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
  return fmt::format("+{} {{\"query\":{},\"timestamp_sec\":{}}}\n", id, quoted, seconds.count());
}

/// The queries that began and did not end, as a list in JSON; empty where there are none. Lines
/// that are torn, or are none of ours, tell nothing.
std::string Unfinished(std::string_view lines) {
  std::map<uint64_t, std::string_view> running;
  for (size_t end = lines.find('\n'); end != lines.npos; end = lines.find('\n')) {
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 1);
    uint64_t id = 0;
    const char* const last = line.data() + line.size();
    if (line.size() < 2) continue;
    const auto [rest, error] = std::from_chars(line.data() + 1, last, id);
    if (error != std::errc()) continue;
    if (line[0] == '-' && rest == last) running.erase(id);
    if (line[0] == '+' && rest != last) running[id] = std::string_view(rest + 1, last);
  }
  std::string list;
  for (const auto& [id, query] : running) {
    list += fmt::format("{}{}", list.empty() ? "[" : ",", query);
  }
  return list.empty() ? list : list + "]";
}

}  // namespace

ActiveQueries::ActiveQueries(FileSystem& files, const std::string& folder, const Logger& logger)
    : logger_(logger.With({{"component", "activeQueryTracker"}})) {
  const std::string path = folder + "/queries.active";
  if (const auto left = files.ReadFile(path)) {
    // Prometheus's words, which people look for.
    if (const std::string queries = Unfinished(*left); !queries.empty()) {
      logger_.Info("These queries didn't finish in prometheus' last run:", {{"queries", queries}});
    }
  }
  auto file = files.OpenWritable(path, OpenMode::kCreate);
  if (!file) {
    logger_.Error("Running queries cannot be noted down", {{"err", file.error()}});
    return;
  }
  const MutexLock lock(mutex_);
  file_ = std::move(*file);
}

void ActiveQueries::Began(uint64_t id, std::string_view query, Timestamp now) {
  const MutexLock lock(mutex_);
  if (file_ == nullptr) return;
  Append(running_.emplace(id, BeginLine(id, query, now)).first->second);
}

void ActiveQueries::Ended(uint64_t id) {
  const MutexLock lock(mutex_);
  if (running_.erase(id) == 0) return;
  if (size_ >= rewrite_at_) {
    Rewrite();
  } else {
    Append(fmt::format("-{}\n", id));
  }
}

void ActiveQueries::Append(const std::string& line) {
  if (torn_) return Rewrite();  // which has what the line says
  size_ += line.size();
  SetTorn(file_->Append(line));
}

void ActiveQueries::Rewrite() {
  std::string lines;
  for (const auto& [id, line] : running_) lines += line;
  size_ = lines.size();
  rewrite_at_ = std::max(kMinRewriteBytes, 2 * size_);
  Status written = file_->Truncate(0);
  if (written && !lines.empty()) written = file_->Append(lines);
  SetTorn(written);
}

void ActiveQueries::SetTorn(const Status& written) {
  if (!written && !torn_) {
    logger_.Error("Running queries cannot be noted down", {{"err", written.error()}});
  }
  torn_ = !written;
}

}  // namespace barograph::web
