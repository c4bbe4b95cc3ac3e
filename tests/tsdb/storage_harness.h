#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "base/metrics/registry.h"
#include "base/model/labels.h"
#include "base/storage/appendable.h"
#include "base/storage/queryable.h"
#include "tests/support/manual_clock.h"
#include "tests/support/memory_sink.h"
#include "tests/support/temp_dir.h"
#include "tsdb/bitmap.h"
#include "tsdb/database.h"

namespace barograph::test {

/// Everything in a storage: by series (as text), by time, the value's bits.
using Contents = std::map<std::string, std::map<int64_t, uint64_t>>;

inline Matchers AllSeries() { return {*Matcher::Make(MatchType::kRegex, "__name__", ".+")}; }

/// Reads a selection through one cursor; checks what a cursor promises.
inline Contents ReadSelection(const Selection& selection) {
  Contents contents;
  std::map<uint64_t, std::vector<Timestamp>> columns;
  const auto cursor = selection.NewCursor();
  for (size_t i = 0; i < selection.size(); ++i) {
    const auto samples = cursor->Read(i);
    REQUIRE(samples.has_value());
    REQUIRE(samples->timestamps.size() == samples->values.size());
    if (samples->size() == 0) continue;
    auto& series = contents[selection.labels(i).ToString()];
    for (size_t s = 0; s < samples->size(); ++s) {
      if (s > 0) REQUIRE(samples->timestamps[s - 1] < samples->timestamps[s]);
      series[ToMs(samples->timestamps[s])] = std::bit_cast<uint64_t>(samples->values[s]);
    }
    if (samples->timestamp_column == 0) continue;
    std::vector<Timestamp> times(samples->timestamps.begin(), samples->timestamps.end());
    const auto [seen, is_new] = columns.try_emplace(samples->timestamp_column, times);
    if (!is_new) REQUIRE(seen->second == times);
  }
  return contents;
}

inline Contents ReadAll(const Queryable& storage, TimeRange range = {}) {
  auto selection = storage.Select(range, AllSeries(), {}, {});
  REQUIRE(selection.has_value());
  return ReadSelection(**selection);
}

/// The start timestamps of all samples that have one, in milliseconds as floats; checks what a
/// cursor promises.
inline Contents ReadStarts(const Queryable& storage, TimeRange range = {},
                           bool presence_only = false) {
  SelectHints hints;
  hints.start_timestamps = true;
  hints.presence_only = presence_only;
  const auto selection = storage.Select(range, AllSeries(), hints, {});
  REQUIRE(selection.has_value());
  Contents contents;
  const auto cursor = (*selection)->NewCursor();
  for (size_t i = 0; i < (*selection)->size(); ++i) {
    const auto samples = cursor->Read(i);
    REQUIRE(samples.has_value());
    if (samples->start_timestamps.empty()) continue;
    REQUIRE(samples->start_timestamps.size() == samples->size());
    for (size_t s = 0; s < samples->size(); ++s) {
      if (samples->start_timestamps[s] == kUnknownStart) continue;
      const auto start = static_cast<double>(ToMs(samples->start_timestamps[s]));
      contents[(*selection)->labels(i).ToString()][ToMs(samples->timestamps[s])] =
          std::bit_cast<uint64_t>(start);
    }
  }
  return contents;
}

/// Where the two first differ, in words; empty when they do not.
inline std::string Difference(const Contents& got, const Contents& expected) {
  const auto describe = [](const std::string& what, const std::string& series, int64_t ms,
                           uint64_t bits) {
    return what + " " + series + " @" + std::to_string(ms) + " = " +
           std::to_string(std::bit_cast<double>(bits));
  };
  for (const auto& [series, samples] : expected) {
    const auto found = got.find(series);
    if (found == got.end()) return "no " + series;
    for (const auto& [ms, bits] : samples) {
      const auto sample = found->second.find(ms);
      if (sample == found->second.end()) return describe("missing", series, ms, bits);
      if (sample->second != bits) {
        return describe("expected", series, ms, bits) + describe(", got", "", ms, sample->second);
      }
    }
    for (const auto& [ms, bits] : found->second) {
      if (!samples.contains(ms)) return describe("unexpected", series, ms, bits);
    }
  }
  for (const auto& [series, samples] : got) {
    if (!expected.contains(series)) return "unexpected " + series;
  }
  return "";
}

/// A row of values, all of them present.
struct FullRow {
  std::vector<double> values;
  std::vector<uint64_t> presence;

  explicit FullRow(std::vector<double> with) : values(std::move(with)) {
    presence.assign(tsdb::WordsFor(values.size()) + 1, 0);
    for (size_t c = 0; c < values.size(); ++c) tsdb::SetBit(presence, c);
  }
  Row at(int64_t ms) const { return {FromMs(ms), values, presence}; }
};

/// Copies a folder of the machine's disk in which others may write.
inline void CopyFolderInUse(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::error_code error;
  do {  // once more where RocksDB, on a thread of its own, has removed a file meanwhile
    std::filesystem::remove_all(to);
    std::filesystem::copy(from, to, std::filesystem::copy_options::recursive, error);
  } while (error == std::errc::no_such_file_or_directory);
  REQUIRE_FALSE(error);
}

/// A database in a folder, and what it stands on. Reopen is a restart.
class TestDatabase {
 public:
  explicit TestDatabase(FileSystem& files = PosixFileSystem(), tsdb::Options options = {})
      : files_(files), options_(std::move(options)) {
    options_.path = &files == &PosixFileSystem() ? dir_.path() + "/data" : "/data";
    options_.index_path = dir_.path() + "/index";
    options_.fsync_interval = std::chrono::hours(1);
    Reopen();
  }

  /// Closes what is open, and opens it again.
  void Reopen() {
    Drop();
    REQUIRE(TryOpen().has_value());
  }
  Status TryOpen() {
    metrics_ = std::make_unique<MetricsRegistry>();
    auto opened =
        tsdb::Database::Open(files_, clock_, MemorySink::MakeLogger(sink_), *metrics_, options_);
    if (!opened) return std::unexpected(opened.error());
    database_ = std::move(*opened);
    return {};
  }
  void Drop() { database_.reset(); }

  /// Goes back to what a process that was killed now would have left: takes a copy of the folders,
  /// which `end`, for all who use the database, and closing it no longer change. PosixFileSystem
  /// only.
  void Crash(const std::function<void()>& end) {
    namespace fs = std::filesystem;
    const fs::path left = dir_.path() + "/left";
    fs::create_directory(left);
    for (const char* folder : {"data", "index"}) {
      CopyFolderInUse(fs::path(dir_.path()) / folder, left / folder);
    }
    end();
    Drop();
    for (const char* folder : {"data", "index"}) {
      fs::remove_all(fs::path(dir_.path()) / folder);
      fs::rename(left / folder, fs::path(dir_.path()) / folder);
    }
    fs::remove(left);
    REQUIRE(TryOpen().has_value());
  }

  tsdb::Database& operator*() { return *database_; }
  tsdb::Database* operator->() { return database_.get(); }
  const tsdb::Options& options() const { return options_; }
  tsdb::Options& options() { return options_; }
  std::string path() const { return options_.path; }
  const MemorySink& sink() const { return *sink_; }
  ManualClock& clock() { return clock_; }
  MetricsRegistry& metrics() { return *metrics_; }

  /// The value of a metric line, by its whole name.
  std::optional<double> Metric(const std::string& name) const {
    const std::string text = "\n" + metrics_->Expose();
    const size_t at = text.find("\n" + name + " ");
    if (at == std::string::npos) return std::nullopt;
    return std::stod(text.substr(at + name.size() + 2));
  }

 private:
  TempDir dir_;
  FileSystem& files_;
  tsdb::Options options_;
  ManualClock clock_;
  std::shared_ptr<MemorySink> sink_ = std::make_shared<MemorySink>();
  std::unique_ptr<MetricsRegistry> metrics_;
  std::unique_ptr<tsdb::Database> database_;
};

inline std::unique_ptr<ScrapeTable> OpenTable(Appendable& storage) {
  auto table = storage.OpenTable();
  REQUIRE(table.has_value());
  return std::move(*table);
}

inline Labels Named(const std::string& name, const std::string& instance = "a") {
  return {{"__name__", name}, {"instance", instance}};
}

}  // namespace barograph::test
