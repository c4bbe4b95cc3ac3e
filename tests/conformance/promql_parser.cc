#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <string>

#include "base/model/number.h"
#include "promql/parse/dump.h"
#include "promql/parse/lexer.h"
#include "promql/parse/parser.h"
#include "promql/parse/printer.h"
#include "promql/parse/selectors.h"
#include "tests/conformance/areas.h"

/// The parser of PromQL: trees, errors, printing, and the series notation of test scripts.
namespace barograph::conformance {
namespace {

namespace json = boost::json;
using promql::Lexer;
using promql::Token;
using promql::TokenType;

bool IsZero(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return true;
    case json::kind::bool_: return !value.get_bool();
    case json::kind::int64: return value.get_int64() == 0;
    case json::kind::uint64: return value.get_uint64() == 0;
    case json::kind::double_: return value.get_double() == 0;
    case json::kind::string: return value.get_string().empty();
    case json::kind::array: return value.get_array().empty();
    case json::kind::object: return false;
  }
  return false;
}

bool IsNumber(const json::value& value) {
  return value.is_int64() || value.is_uint64() || value.is_double();
}

// The texts of enumerators that are zero in Go.
bool IsDefault(std::string_view name, const json::value& value) {
  return IsZero(value) || (name == "Card" && value == "one-to-one") ||
         (name == "Type" && value == "=");
}

bool IsUnevaluated(const json::value& value) {
  return value.is_object() &&
         (value.get_object().contains("$sym") || value.get_object().contains("$call"));
}

// The path of the first field in which the trees differ, empty when they are equal. A field that is
// missing is as good as one that is zero; `want` leaves these two out at times.
std::string Difference(const json::value& got, const json::value& want, const std::string& path);

std::string ObjectDifference(const json::object& got, const json::object& want,
                             const std::string& path) {
  for (const auto& [name, value] : want) {
    const json::value* mine = got.if_contains(name);
    const std::string field = path + "." + std::string(name);
    if (IsUnevaluated(value)) continue;
    if (!mine) {
      if (!IsDefault(name, value)) return field;
    } else if (std::string found = Difference(*mine, value, field); !found.empty()) {
      return found;
    }
  }
  for (const auto& [name, value] : got) {
    const bool optional = name == "Timestamp" || name == "BypassEmptyMatcherCheck";
    if (!want.contains(name) && !IsDefault(name, value) && !optional)
      return path + "." + std::string(name);
  }
  return "";
}

std::string ArrayDifference(const json::array& got, const json::array& want,
                            const std::string& path) {
  if (got.size() != want.size()) return path;
  for (size_t i = 0; i < got.size(); ++i) {
    std::string found = Difference(got[i], want[i], path + "." + std::to_string(i));
    if (!found.empty()) return found;
  }
  return "";
}

std::string Difference(const json::value& got, const json::value& want, const std::string& path) {
  if (IsUnevaluated(want)) return "";
  if (IsNumber(got) && IsNumber(want)) {
    return got.to_number<double>() == want.to_number<double>() ? "" : path;
  }
  if (got.is_object() && want.is_object()) {
    return ObjectDifference(got.get_object(), want.get_object(), path);
  }
  if (got.is_array() && want.is_array()) {
    return ArrayDifference(got.get_array(), want.get_array(), path);
  }
  return got == want || (IsZero(got) && IsZero(want)) ? "" : path;
}

promql::ParserOptions Options() {
  promql::ParserOptions options;
  options.fill_modifiers = false;
  return options;
}

// The tree of `input`, or null after a report of the case as failed.
promql::ExprPtr Parse(std::string_view id, const std::string& input, Reporter& reporter) {
  auto expr = promql::ParseExpr(input);
  if (expr) return *std::move(expr);
  reporter.Fail(id, expr.error().front().Format(input));
  return nullptr;
}

void ParseExpression(std::string_view id, const json::object& test, Reporter& reporter) {
  const std::string input = Text(test.at("input"));
  const auto expr = promql::ParseExpr(input, Options());
  if (!test.at("ok").as_bool()) {
    if (expr) return reporter.Fail(id, "no error for " + input);
    const json::object& error = test.at("errors").as_array().at(0).as_object();
    return reporter.Expect(id, expr.error().front().Format(input), Text(error.at("full")));
  }
  if (!expr) return reporter.Fail(id, input + ": " + expr.error().front().Format(input));
  const std::string got = promql::DumpJson(**expr);
  const std::string path = Difference(json::parse(got), test.at("ast"), "");
  if (path.empty()) return reporter.Pass(id);
  reporter.Fail(id, input + " differs at " + path + "\n  got:  " + got +
                        "\n  want: " + json::serialize(test.at("ast")));
}

void PrintExpression(std::string_view id, const json::object& test, Reporter& reporter) {
  const auto expr = Parse(id, Text(test.at("input")), reporter);
  if (expr)
    reporter.Expect(id, promql::Print(*expr), TextOr(test, "output", Text(test.at("input"))));
}

void PrettifyExpression(std::string_view id, const json::object& test, Reporter& reporter) {
  const auto expr = Parse(id, Text(test.at("input")), reporter);
  if (!expr) return;
  const auto max_line = static_cast<int>(NumberOr(test, "max_chars_per_line", 100));
  reporter.Expect(id, promql::Prettify(*expr, max_line), Text(test.at("output")));
}

void ExtractSelectors(std::string_view id, const json::object& test, Reporter& reporter) {
  const auto expr = Parse(id, Text(test.at("input")), reporter);
  if (!expr) return;
  std::string got;
  for (const Matchers& matchers : promql::ExtractSelectors(*expr)) {
    got += promql::PrintMatchers(matchers) + "\n";
  }
  std::string want;
  for (const std::string& selector : TextsOf(test, "selectors")) want += selector + "\n";
  reporter.Expect(id, got, want);
}

// Reads on after the errors that the lexer can pass over.
std::vector<Token> Tokens(const std::string& input, Lexer::Language language) {
  Lexer lexer(input, language);
  std::vector<Token> tokens;
  while (!lexer.done() && tokens.size() <= input.size()) {
    const Token token = lexer.Next();
    if (token.type != TokenType::kEof) tokens.push_back(token);
  }
  return tokens;
}

bool IsError(const Token& token) { return token.type == TokenType::kError; }

void Lex(std::string_view id, const json::object& test, Reporter& reporter) {
  const std::string input = Text(test.at("input"));
  const auto language =
      BoolOr(test, "series_desc", false) ? Lexer::Language::kSeries : Lexer::Language::kExpression;
  const std::vector<Token> tokens = Tokens(input, language);
  if (!test.at("ok").as_bool()) {
    return std::ranges::any_of(tokens, IsError) ? reporter.Pass(id)
                                                : reporter.Fail(id, "no error for " + input);
  }
  std::string got;
  for (const Token& token : tokens) {
    got += std::string(GrammarName(token.type)) + " " + std::to_string(token.start);
    if (token.type != TokenType::kError) got += " " + std::string(token.text);
    got += "\n";
  }
  std::string want;
  for (const json::value& token : test.at("tokens").as_array()) {
    const json::array& parts = token.as_array();
    const std::string type = Text(parts.at(0));
    want += type + " " + std::to_string(parts.at(1).to_number<int>());
    if (type != "ERROR") want += " " + Text(parts.at(2));
    want += "\n";
  }
  reporter.Expect(id, got, want);
}

std::string ValueText(const promql::SequenceValue& value) {
  return value.omitted ? "_" : FormatShortest(value.value);
}

void ParseSeries(std::string_view id, const json::object& test, Reporter& reporter) {
  const std::string input = Text(test.at("input"));
  const auto series = promql::ParseSeriesDescription(input);
  if (!test.at("ok").as_bool()) {
    if (series) return reporter.Fail(id, "no error for " + input);
    const std::string error = series.error().front().Format(input);
    const std::string part = TextOr(test, "error_contains", "");
    return error.contains(part) ? reporter.Pass(id) : reporter.Expect(id, error, part);
  }
  if (!series) return reporter.Fail(id, input + ": " + series.error().front().Format(input));
  std::string got;
  for (const Label& label : series->labels) {
    got += std::string(label.name) + "=" + std::string(label.value) + "\n";
  }
  for (const auto& value : series->values) got += ValueText(value) + " ";
  std::map<std::string, std::string> labels;
  for (const auto& [name, value] : test.at("labels").as_object()) labels[name] = Text(value);
  std::string want;
  for (const auto& [name, value] : labels) want += name + "=" + value + "\n";
  for (const json::value& value : test.at("values").as_array()) {
    const bool omitted = value.is_string() && value.get_string() == "_";
    want += (omitted ? "_" : FormatShortest(Number(value))) + " ";
  }
  reporter.Expect(id, got, want);
}

std::vector<double> Numbers(const json::object& object, std::string_view name) {
  std::vector<double> numbers;
  if (!object.contains(name)) return numbers;
  for (const json::value& value : object.at(name).as_array()) numbers.push_back(Number(value));
  return numbers;
}

std::vector<BucketSpan> Spans(const json::object& object, std::string_view name) {
  std::vector<BucketSpan> spans;
  if (!object.contains(name)) return spans;
  for (const json::value& span : object.at(name).as_array()) {
    spans.push_back(
        {span.as_array().at(0).to_number<int32_t>(), span.as_array().at(1).to_number<uint32_t>()});
  }
  return spans;
}

FloatHistogram HistogramOf(const json::object& object) {
  FloatHistogram histogram;
  const std::string hint = TextOr(object, "counter_reset_hint", "");
  if (hint == "reset") histogram.counter_reset_hint = CounterResetHint::kReset;
  if (hint == "not_reset") histogram.counter_reset_hint = CounterResetHint::kNotReset;
  if (hint == "gauge") histogram.counter_reset_hint = CounterResetHint::kGauge;
  histogram.schema = static_cast<int32_t>(NumberOr(object, "schema", 0));
  histogram.sum = NumberOr(object, "sum", 0);
  histogram.count = NumberOr(object, "count", 0);
  histogram.zero_count = NumberOr(object, "zero_count", 0);
  histogram.zero_threshold = NumberOr(object, "zero_threshold", 0);
  histogram.positive_buckets = Numbers(object, "positive_buckets");
  histogram.negative_buckets = Numbers(object, "negative_buckets");
  histogram.positive_spans = Spans(object, "positive_spans");
  histogram.negative_spans = Spans(object, "negative_spans");
  histogram.custom_values = Numbers(object, "custom_values");
  return histogram;
}

std::string SpanText(const std::vector<BucketSpan>& spans) {
  std::string text;
  for (const BucketSpan& span : spans) {
    text += " " + std::to_string(span.offset) + "x" + std::to_string(span.length);
  }
  return text;
}

// Every field of it; TestExpression() alone hides the spans.
std::string HistogramText(const FloatHistogram& histogram) {
  return histogram.TestExpression() + SpanText(histogram.positive_spans) + " |" +
         SpanText(histogram.negative_spans) + "\n";
}

void ParseHistogramSeries(std::string_view id, const json::object& test, Reporter& reporter) {
  const std::string input = Text(test.at("input"));
  const auto series = promql::ParseSeriesDescription(input);
  if (!test.at("ok").as_bool()) {
    if (series) return reporter.Fail(id, "no error for " + input);
    return reporter.Expect(id, series.error().front().Format(input), Text(test.at("error")));
  }
  if (!series) return reporter.Fail(id, input + ": " + series.error().front().Format(input));
  std::string got;
  for (const auto& value : series->values) {
    got += value.histogram ? HistogramText(*value.histogram) : ValueText(value) + "\n";
  }
  std::string want;
  for (const json::value& histogram : test.at("histograms").as_array()) {
    want += HistogramText(HistogramOf(histogram.as_object()));
  }
  reporter.Expect(id, got, want);
}

void HistogramTestExpression(std::string_view id, const json::object& test, Reporter& reporter) {
  const std::string want = Text(test.at("expr"));
  const std::string text = HistogramOf(test.at("histogram").as_object()).TestExpression();
  const auto series = promql::ParseSeriesDescription("{} " + text);
  if (text != want || !series || series->values.size() != 1 || !series->values[0].histogram) {
    return reporter.Expect(id, text, want);
  }
  reporter.Expect(id, series->values[0].histogram->TestExpression(), want);
}

using CaseRunner = void (*)(std::string_view id, const json::object& test, Reporter& reporter);

CaseRunner RunnerOf(std::string_view file) {
  static const std::map<std::string_view, CaseRunner> kRunners = {
      {"extract_selectors.jsonl", ExtractSelectors},
      {"histogram_test_expression.jsonl", HistogramTestExpression},
      {"lex.jsonl", Lex},
      {"parse_expr.jsonl", ParseExpression},
      {"parse_histogram_series.jsonl", ParseHistogramSeries},
      {"parse_series.jsonl", ParseSeries},
      {"prettify.jsonl", PrettifyExpression},
      {"print_expr.jsonl", PrintExpression},
  };
  const auto found = kRunners.find(file);
  return found == kRunners.end() ? nullptr : found->second;
}

}  // namespace

void RunPromqlParser(const std::string& path, Reporter& reporter) {
  const CaseRunner run = RunnerOf(FileName(path));
  if (!run) return reporter.Fail(FileName(path), "no such form of case in this area");
  ForEachCase(path, reporter,
              [&](std::string_view id, const json::object& test) { run(id, test, reporter); });
}

}  // namespace barograph::conformance
