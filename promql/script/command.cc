#include "promql/script/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/model/duration.h"
#include "base/model/number.h"
#include "base/model/regex.h"
#include "promql/script/start_offsets.h"

namespace barograph::promql::script {
namespace {

constexpr std::string_view kSpace = " \t\r";

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Splits `text` at its first white space.
std::pair<std::string_view, std::string_view> FirstWord(std::string_view text) {
  const size_t end = std::min(text.find_first_of(kSpace), text.size());
  return {text.substr(0, end), Trim(text.substr(end))};
}

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// Takes "WORD" and the word after it off the front: the argument of at, from, to, step.
std::optional<std::string_view> TakeArgument(std::string_view& text, std::string_view word) {
  const auto [first, rest] = FirstWord(text);
  if (first != word) return std::nullopt;
  const auto [argument, after] = FirstWord(rest);
  text = after;
  return argument;
}

Result<Timestamp> ParseTime(std::string_view text) { return Timestamp(TRY(ParseDuration(text))); }

Result<TextExpectation> ParseTextExpectation(std::string_view text) {
  TextExpectation expectation;
  if (text.empty()) {
    expectation.is_regex = true;
    expectation.text = ".*";
    return expectation;
  }
  expectation.is_regex = TakePrefix(text, "regex:");
  if (!expectation.is_regex && !TakePrefix(text, "msg:")) {
    return Fail(ErrorCode::kInvalidArgument, "invalid expect statement");
  }
  expectation.text = Trim(text);
  return expectation;
}

// A line such as `metric{a="b"}@st -30s-1mx3`, before the samples of the same series.
constexpr std::string_view kStartsSuffix = "@st";

struct StartsLine {
  Labels labels;
  StartOffsets offsets;
};

bool IsStartsLine(std::string_view line) { return FirstWord(line).first.ends_with(kStartsSuffix); }

// Reads the lines of a script into commands.
class Parser {
 public:
  explicit Parser(std::string_view text) {
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      const std::string_view line = Trim(text.substr(0, end));
      lines_.push_back(line.starts_with('#') ? std::string_view() : line);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  std::vector<Command> Parse() {
    std::vector<Command> commands;
    while (next_ < lines_.size()) {
      if (lines_[next_].empty()) {
        ++next_;
        continue;
      }
      const size_t start = next_;
      const int line = number();
      Result<Command> command = ParseCommand();
      if (command.has_value()) {
        commands.push_back(std::move(*command));
      } else {
        commands.emplace_back(BadCommand{line, command.error().message});
        next_ = std::max(next_, start + 1);
        while (TakeLine().has_value()) {
        }
      }
    }
    return commands;
  }

 private:
  int number() const { return static_cast<int>(next_) + 1; }

  static bool IsCommand(std::string_view line) {
    const std::string_view word = FirstWord(line).first;
    return line == "clear" || word == "load" || word == "load_with_nhcb" ||
           ((word == "eval" || word.starts_with("eval_")) && line != word);
  }

  // The next line of the block, or nothing at its end: an empty line, or the next command.
  std::optional<std::string_view> TakeLine() {
    if (next_ >= lines_.size() || lines_[next_].empty() || IsCommand(lines_[next_])) {
      return std::nullopt;
    }
    return lines_[next_++];
  }

  Result<Command> ParseCommand() {
    std::string word(FirstWord(lines_[next_]).first);
    std::ranges::transform(word, word.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (word == "clear") {
      ++next_;
      return Command(ClearCommand{});
    }
    if (word.starts_with("load")) return ParseLoad();
    if (word.starts_with("eval")) return ParseEval();
    return Fail(ErrorCode::kInvalidArgument, fmt::format("invalid command {}", Quote(word)));
  }

  Result<Command> ParseLoad() {
    LoadCommand load;
    load.line = number();
    const auto [word, step] = FirstWord(lines_[next_++]);
    load.with_custom_buckets = word == "load_with_nhcb";
    if (word != "load" && !load.with_custom_buckets) {
      return Fail(ErrorCode::kInvalidArgument, "invalid load command");
    }
    load.step = TRY(ParseDuration(step));
    std::optional<StartsLine> starts;
    while (const auto line = TakeLine()) {
      const bool is_starts = IsStartsLine(*line);
      if (is_starts && !starts.has_value()) {
        starts = TRY(ParseStartsLine(*line));
        continue;
      }
      if (is_starts) break;
      SeriesDescription series = TRY(ParseSeries(*line));
      TRY(CheckStarts(starts, series));
      AddSeries(std::move(series), starts.has_value() ? std::move(starts->offsets) : StartOffsets(),
                load);
      starts.reset();
    }
    if (starts.has_value()) {
      return Fail(ErrorCode::kInvalidArgument, "no samples follow the start timestamps");
    }
    return Command(std::move(load));
  }

  static Status CheckStarts(const std::optional<StartsLine>& starts,
                            const SeriesDescription& series) {
    if (!starts.has_value()) return {};
    if (starts->labels != series.labels) {
      return Fail(ErrorCode::kInvalidArgument,
                  "start timestamps are followed by the samples of another series");
    }
    if (starts->offsets.size() != series.values.size()) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} start timestamps for {} samples", starts->offsets.size(),
                              series.values.size()));
    }
    return {};
  }

  // Of two lines for one series the last one counts.
  static void AddSeries(SeriesDescription series, StartOffsets starts, LoadCommand& load) {
    const auto same = std::ranges::find(load.series, series.labels, &SeriesDescription::labels);
    const auto index = static_cast<size_t>(same - load.series.begin());
    if (same == load.series.end()) {
      load.series.emplace_back();
      load.start_offsets.emplace_back();
    }
    load.series[index] = std::move(series);
    load.start_offsets[index] = std::move(starts);
  }

  static Result<StartsLine> ParseStartsLine(std::string_view line) {
    auto [name, offsets] = FirstWord(line);
    name.remove_suffix(kStartsSuffix.size());
    const auto labels = ParseMetric(name);
    if (!labels.has_value()) {
      return Fail(ErrorCode::kInvalidArgument, labels.error().front().Format(name));
    }
    return StartsLine{*labels, TRY(ParseStartOffsets(offsets))};
  }

  static Result<SeriesDescription> ParseSeries(std::string_view line) {
    auto series = ParseSeriesDescription(line);
    if (series.has_value()) return std::move(*series);
    return Fail(ErrorCode::kInvalidArgument, series.error().front().Format(line));
  }

  Result<Command> ParseEval() {
    EvalCommand eval;
    eval.line = number();
    auto [word, rest] = FirstWord(lines_[next_++]);
    TRY(ParseModifier(word, eval.expected));
    const auto [kind, arguments] = FirstWord(rest);
    rest = arguments;
    if (kind == "instant") {
      TRY(ParseInstantTimes(rest, eval));
    } else if (kind == "range") {
      TRY(ParseRangeTimes(rest, eval));
    } else {
      return Fail(ErrorCode::kInvalidArgument, "invalid evaluation command");
    }
    eval.query = rest;
    while (const auto line = TakeLine()) {
      if (!TRY(ParseExpected(*line, eval))) break;
    }
    return Command(std::move(eval));
  }

  static Status ParseModifier(std::string_view word, Expectation& expected) {
    if (!TakePrefix(word, "eval")) return Fail(ErrorCode::kInvalidArgument, "not an eval");
    expected.fail = word == "_fail";
    expected.ordered = word == "_ordered";
    expected.any_warning = word == "_warn";
    expected.any_info = word == "_info";
    const bool known = word.empty() || expected.fail || expected.ordered || expected.any_warning ||
                       expected.any_info;
    if (!known) return Fail(ErrorCode::kInvalidArgument, "invalid evaluation command");
    return {};
  }

  static Status ParseInstantTimes(std::string_view& rest, EvalCommand& eval) {
    if (const auto at = TakeArgument(rest, "at")) eval.times.start = TRY(ParseTime(*at));
    eval.times.end = eval.times.start;
    return {};
  }

  static Result<QueryTimes> ParseFromTo(std::string_view& rest) {
    const auto from = TakeArgument(rest, "from");
    const auto to = TakeArgument(rest, "to");
    const auto step = TakeArgument(rest, "step");
    if (!from.has_value() || !to.has_value() || !step.has_value()) {
      return Fail(ErrorCode::kInvalidArgument, "expected: from TIME to TIME step DURATION");
    }
    QueryTimes times;
    times.start = TRY(ParseTime(*from));
    times.end = TRY(ParseTime(*to));
    times.step = TRY(ParseDuration(*step));
    return times;
  }

  static Status ParseRangeTimes(std::string_view& rest, EvalCommand& eval) {
    eval.is_range = true;
    eval.times = TRY(ParseFromTo(rest));
    return {};
  }

  // One line under an eval; false when it was the last.
  static Result<bool> ParseExpected(std::string_view line, EvalCommand& eval) {
    Expectation& expected = eval.expected;
    if (expected.fail && TakePrefix(line, "expected_fail_message")) {
      expected.error = TextExpectation{false, std::string(Trim(line))};
      return false;
    }
    if (expected.fail && TakePrefix(line, "expected_fail_regexp")) {
      expected.error = TextExpectation{true, std::string(Trim(line))};
      return false;
    }
    if (FirstWord(line).first == "expect") {
      TRY(ParseExpect(FirstWord(line).second, eval));
      return true;
    }
    if (const auto number = ParseValue(line)) {
      expected.scalar = number;
      return false;
    }
    SeriesDescription series = TRY(ParseSeries(line));
    expected.series.push_back({std::move(series.labels), std::move(series.values)});
    return true;
  }

  static Status ParseExpect(std::string_view text, EvalCommand& eval) {
    Expectation& expected = eval.expected;
    const auto [kind, rest] = FirstWord(text);
    if (kind == "range" && FirstWord(rest).first == "vector") {
      std::string_view times = FirstWord(rest).second;
      eval.sample_times = TRY(ParseFromTo(times));
      return {};
    }
    if (kind == "string") {
      const auto literal = ParseExpr(rest);
      if (!literal.has_value() || (*literal)->kind != ExprKind::kString) {
        return Fail(ErrorCode::kInvalidArgument, "expected a quoted string literal");
      }
      expected.string = As<StringLiteral>(**literal).value;
      return {};
    }
    return ParseExpectText(kind, rest, expected);
  }

  static Status ParseExpectText(std::string_view kind, std::string_view rest,
                                Expectation& expected) {
    if (kind == "ordered") {
      expected.ordered = true;
    } else if (kind == "no_warn") {
      expected.no_warnings = true;
    } else if (kind == "no_info") {
      expected.no_infos = true;
    } else if (kind == "fail") {
      expected.fail = true;
      expected.error = TRY(ParseTextExpectation(rest));
    } else if (kind == "warn") {
      expected.warnings.push_back(TRY(ParseTextExpectation(rest)));
    } else if (kind == "info") {
      expected.infos.push_back(TRY(ParseTextExpectation(rest)));
    } else {
      return Fail(ErrorCode::kInvalidArgument, "invalid expect statement");
    }
    return {};
  }

  std::vector<std::string_view> lines_;
  size_t next_ = 0;
};

}  // namespace

bool TextExpectation::Matches(std::string_view actual) const {
  if (!is_regex) return actual == text;
  const auto regex = Regex::Compile(".*(?:" + text + ").*");  // somewhere in the text
  return regex.has_value() && (*regex)->Matches(actual);
}

std::vector<Command> ParseScript(std::string_view text) { return Parser(text).Parse(); }

}  // namespace barograph::promql::script
