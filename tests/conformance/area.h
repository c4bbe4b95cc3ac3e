#pragma once

#include <boost/json/value.hpp>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

/// The conformance runner's parts. Cases are facts about Prometheus in JSON lines, one case a line,
/// each with an `id`. An area knows what the files of one folder ask; it registers itself in
/// areas.cc and lives in a file of its own.
namespace barograph::conformance {

/// Counts cases and prints the failing ones.
class Reporter {
 public:
  /// The cases that follow are of this file.
  void BeginFile(std::string file) { file_ = std::move(file); }
  const std::string& file() const { return file_; }

  void Pass(std::string_view id);
  /// `why` may have many lines.
  void Fail(std::string_view id, std::string_view why);

  /// Pass when both are equal, else Fail with both.
  void Expect(std::string_view id, std::string_view got, std::string_view want);

  size_t passed() const { return passed_; }
  size_t failed() const { return failed_; }

 private:
  std::string file_;
  size_t passed_ = 0;
  size_t failed_ = 0;
};

struct Area {
  std::string_view name;

  /// Runs the cases of one file, and reports each. An exception that escapes counts as one failed
  /// case. The file's name says which of the area's forms it has.
  void (*run_file)(const std::string& path, Reporter& reporter);
};

/// Every area, in name order: the table in areas.cc.
std::span<const Area> Areas();

/// Calls `run_case` with each line's object and its id. A line that is no JSON object, a missing
/// member and a wrong type become failed cases.
void ForEachCase(
    const std::string& path, Reporter& reporter,
    const std::function<void(std::string_view id, const boost::json::object& test)>& run_case);

/// A text: a JSON string, or {"b64": "..."} for bytes that are not UTF-8.
std::string Text(const boost::json::value& value);

/// object[name] as a text; `fallback` when absent or null.
std::string TextOr(const boost::json::object& object, std::string_view name,
                   std::string_view fallback = "");

/// A number: a JSON number, or one of "NaN", "+Inf", "Inf", "-Inf".
double Number(const boost::json::value& value);
double NumberOr(const boost::json::object& object, std::string_view name, double fallback);

bool BoolOr(const boost::json::object& object, std::string_view name, bool fallback);

/// An array of texts; empty when absent.
std::vector<std::string> TextsOf(const boost::json::object& object, std::string_view name);

/// The last part of a path, without folders.
std::string_view FileName(std::string_view path);

/// The whole of a file. Throws std::runtime_error when it cannot be read.
std::string ReadWholeFile(const std::string& path);

}  // namespace barograph::conformance
