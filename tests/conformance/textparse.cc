#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include "base/model/number.h"
#include "server/scrape/openmetrics_parser.h"
#include "server/scrape/text_parser.h"
#include "tests/conformance/areas.h"

// What exposition pages mean. Not run: the protobuf format, which is not offered to targets, and
// classic histograms made into native ones. Start timestamps are not kept: where a case wants
// _created lines taken as such, they are left out and the timestamps are not compared.

namespace barograph::conformance {
namespace json = boost::json;
namespace {

using server::Entry;
using server::ExpositionParser;
using server::MetricType;

std::unique_ptr<ExpositionParser> MakeParser(std::string_view format, std::string_view page) {
  if (format == "openmetrics") return std::make_unique<server::OpenMetricsParser>(page);
  return std::make_unique<server::TextParser>(page);
}

std::string DumpLabels(const json::value& labels) {
  LabelsBuilder builder;
  for (const auto& [name, value] : labels.as_object())
    builder.Set(std::string_view(name), Text(value));
  return builder.Build().ToString();
}

std::string DumpExemplar(const std::string& labels, double value, const std::string& timestamp) {
  return fmt::format(" # {} {} {}", labels, FormatValue(value), timestamp);
}

// One line an entry, from the case and from the parser. An entry of which the case tells no more
// than its metric is a question mark and that.
std::string DumpWanted(const json::object& entry) {
  const std::string kind = Text(entry.at("kind"));
  if (kind == "help_or_unit" && TextOr(entry, "help").empty()) {
    return "? " + Text(entry.at("metric"));
  }
  if (kind == "comment") return "comment " + TextOr(entry, "text");
  if (kind != "series") {
    return fmt::format("{} {} {}", kind, Text(entry.at("metric")), TextOr(entry, kind));
  }
  std::string out = fmt::format("series {} {}", DumpLabels(entry.at("labels")),
                                FormatValue(Number(entry.at("value"))));
  if (const auto* ts = entry.if_contains("ts")) out += fmt::format(" at {}", ts->as_int64());
  if (const auto* exemplars = entry.if_contains("exemplars")) {
    for (const json::value& exemplar : exemplars->as_array()) {
      const auto* ts = exemplar.as_object().if_contains("ts");
      out += DumpExemplar(DumpLabels(exemplar.at("labels")), Number(exemplar.at("value")),
                          ts == nullptr ? "-" : std::to_string(ts->as_int64()));
    }
  }
  return out;
}

std::string DumpSeries(const ExpositionParser& parser, const Labels& labels) {
  std::string out = fmt::format("series {} {}", labels.ToString(), FormatValue(parser.value()));
  if (parser.has_timestamp()) out += fmt::format(" at {}", parser.timestamp_ms());
  if (const auto exemplar = parser.exemplar()) {
    const auto& ts = exemplar->timestamp_ms;
    out +=
        DumpExemplar(exemplar->labels.ToString(), exemplar->value, ts ? std::to_string(*ts) : "-");
  }
  return out;
}

struct Line {
  std::string metric;  // as written
  std::string dump;
};

Line DumpEntry(Entry entry, const ExpositionParser& parser) {
  const auto family = [&](std::string_view word, const std::string& text) {
    return Line{std::string(parser.family()), fmt::format("{} {} {}", word, parser.family(), text)};
  };
  switch (entry) {
    case Entry::kHelp: return family("help", parser.text());
    case Entry::kUnit: return family("unit", parser.text());
    case Entry::kType: return family("type", std::string(ToString(parser.type())));
    case Entry::kComment: return {"", "comment " + parser.text()};
    case Entry::kSeries: {
      const auto labels = parser.labels();
      if (!labels) return {"", "error: " + labels.error().message};
      return {std::string(parser.series()), DumpSeries(parser, *labels)};
    }
    case Entry::kEnd: break;
  }
  return {};
}

bool IsStartTimestamp(Entry entry, const ExpositionParser& parser) {
  if (entry != Entry::kSeries) return false;
  const auto labels = parser.labels();
  const MetricType type = parser.type();
  return labels && labels->metric_name().ends_with("_created") &&
         (type == MetricType::kCounter || type == MetricType::kSummary ||
          type == MetricType::kHistogram);
}

std::vector<Line> DumpPage(ExpositionParser& parser, bool skip_start_timestamps) {
  std::vector<Line> lines;
  for (;;) {
    const auto entry = parser.Next();
    if (!entry) lines.push_back({"", "error: " + entry.error().message});
    if (!entry || *entry == Entry::kEnd) return lines;
    if (skip_start_timestamps && IsStartTimestamp(*entry, parser)) continue;
    lines.push_back(DumpEntry(*entry, parser));
  }
}

bool Offered(const json::object& test) {
  const json::object& options = test.at("options").as_object();
  return TextOr(test, "parser") != "protobuf" && !BoolOr(options, "type_and_unit_labels", false) &&
         !BoolOr(options, "convert_classic_to_nhcb", false);
}

void RunEntries(std::string_view id, const json::object& test, Reporter& reporter) {
  if (!Offered(test)) return;
  const std::string page = Text(test.at("input"));
  const auto parser = MakeParser(TextOr(test, "parser"), page);
  const bool skip = BoolOr(test.at("options").as_object(), "skip_st_series", false);
  std::vector<Line> lines = DumpPage(*parser, skip);

  std::string got, wanted;
  size_t next = 0;
  for (const json::value& entry : test.at("entries").as_array()) {
    const std::string want = DumpWanted(entry.as_object());
    wanted += want + "\n";
    if (next < lines.size() && want.starts_with("? ")) lines[next].dump = "? " + lines[next].metric;
    ++next;
  }
  for (const Line& line : lines) got += line.dump + "\n";
  reporter.Expect(id, got, wanted);
}

// The error a page ends with; empty for a good one.
std::string ErrorOf(std::string_view format, std::string_view page) {
  const auto parser = MakeParser(format, page);
  for (;;) {
    const auto entry = parser->Next();
    if (!entry) return entry.error().message;
    if (*entry == Entry::kEnd) return "";
    if (*entry != Entry::kSeries) continue;
    if (const auto labels = parser->labels(); !labels) return labels.error().message;
  }
}

void RunError(std::string_view id, const json::object& test, Reporter& reporter) {
  if (!Offered(test)) return;
  const std::string error = ErrorOf(TextOr(test, "parser"), Text(test.at("input")));
  if (const std::string part = TextOr(test, "error_contains"); !part.empty()) {
    if (error.find(part) != error.npos) return reporter.Pass(id);
    return reporter.Expect(id, error, "..." + part + "...");
  }
  reporter.Expect(id, error, TextOr(test, "error"));
}

}  // namespace

void RunTextparse(const std::string& path, Reporter& reporter) {
  const bool errors = FileName(path) == "parse_errors.jsonl";
  ForEachCase(path, reporter, [&](std::string_view id, const json::object& test) {
    errors ? RunError(id, test, reporter) : RunEntries(id, test, reporter);
  });
}

// A scrape accepts what OpenMetrics or Prometheus accepts, and refuses what both refuse. The cases
// tell of Prometheus 2; Prometheus 3 takes exemplars on every series.
void RunOpenmetrics(const std::string& path, Reporter& reporter) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  ForEachCase(path, reporter, [&](std::string_view id, const json::object& test) {
    const std::string page = ReadWholeFile(folder / TextOr(test, "file"));
    const std::string error = ErrorOf("openmetrics", page);
    const bool accept = BoolOr(test, "should_parse", false) ||
                        BoolOr(test, "prometheus_2_42_scrape_ok", false) ||
                        TextOr(test, "prometheus_2_42_error").ends_with("support exemplars");
    if (error.empty() == accept) return reporter.Pass(id);
    reporter.Fail(id, accept ? error : "accepted");
  });
}

}  // namespace barograph::conformance
