#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "promql/engine.h"
#include "promql/parse/parser.h"

/// A script as commands.
namespace barograph::promql::script {

/// By sample, nothing where its start is not known.
using StartOffsets = std::vector<std::optional<Duration>>;

struct LoadCommand {
  int line = 0;
  Duration step{0};
  bool with_custom_buckets = false;  ///< load_with_nhcb
  std::vector<SeriesDescription> series;

  /// Parallel to `series`: when the samples of each began, seen from their own times. Empty, or
  /// parallel to its values.
  std::vector<StartOffsets> start_offsets;
};

struct ClearCommand {};

/// One `expect` line about an error or an annotation: a whole text or a regular expression.
struct TextExpectation {
  bool is_regex = false;
  std::string text;

  bool Matches(std::string_view actual) const;
};

struct ExpectedSeries {
  Labels labels;
  std::vector<SequenceValue> values;
};

/// What an eval is to give.
struct Expectation {
  bool ordered = false;
  bool fail = false;
  bool no_warnings = false;
  bool no_infos = false;
  bool any_warning = false;  ///< the old eval_warn
  bool any_info = false;
  std::optional<TextExpectation> error;
  std::vector<TextExpectation> warnings;
  std::vector<TextExpectation> infos;

  std::optional<std::string> string;
  std::optional<double> scalar;
  std::vector<ExpectedSeries> series;
};

struct EvalCommand {
  int line = 0;
  std::string query;
  QueryTimes times;
  bool is_range = false;

  /// `expect range vector`: the times of the samples that an instant query returns.
  std::optional<QueryTimes> sample_times;
  Expectation expected;
};

/// A line that could not be understood.
struct BadCommand {
  int line = 0;
  std::string message;
};

using Command = std::variant<LoadCommand, ClearCommand, EvalCommand, BadCommand>;

/// The commands in order; never fails, but says what is bad where it stands.
std::vector<Command> ParseScript(std::string_view text);

}  // namespace barograph::promql::script
