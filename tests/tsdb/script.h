#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/model/labels.h"
#include "base/model/matcher.h"
#include "base/model/sample.h"
#include "base/result.h"

/// The text of a storage script as steps; tests/tsdb/scripts/README.md describes the language.
namespace barograph::test {

using Words = std::vector<std::string>;

/// A line of a step's block: samples of a series.
struct ScriptSeries {
  Labels labels;
  std::vector<Sample> samples;
};

/// A command with its arguments, and the block under it.
struct ScriptStep {
  int line = 0;
  std::string command;
  Words arguments;
  std::vector<ScriptSeries> series;
  std::string error;  ///< what its failure is to hold; empty where it is to succeed
};

struct Script {
  std::string sentence;       ///< what it shows: its first line
  bool interruptible = true;  ///< whether it holds with a restart or a kill after each step
  std::vector<ScriptStep> steps;
};

/// InvalidArgument names the line.
Result<Script> ParseStorageScript(std::string_view text);

/// `1h30m` after the epoch, or `-1h30m` before it.
Result<Timestamp> ParseScriptTime(std::string_view text);

/// `name{label="value",...}` with any of the operators of matchers; `*` is every series.
Result<Matchers> ParseScriptSelector(std::string_view text);

/// Of a selector that has equalities alone.
Result<Labels> ParseScriptLabels(std::string_view text);

}  // namespace barograph::test
