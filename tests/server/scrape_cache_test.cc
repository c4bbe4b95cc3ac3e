#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/model/number.h"
#include "server/scrape/openmetrics_parser.h"
#include "server/scrape/scrape_cache.h"
#include "server/scrape/text_parser.h"

namespace barograph::server {
namespace {

// A cache with the least of a target around it: columns are numbered as series come.
struct Bench {
  Status Read(std::string_view page, PageFormat format = PageFormat::kPrometheusText) {
    counts = {};
    row.Begin();
    const Status read = cache.Read(page, {.format = format}, labels, row, counts);
    if (!read) {
      row.Discard();
      cache.Discard();
      return read;
    }
    for (const NewSeries& added : cache.new_series()) {
      if (added.timestamp) {
        cache.BindLone(added, SeriesId{ColumnOf(added.labels) + 1});
      } else {
        cache.Bind(added, ColumnOf(added.labels), row, counts);
      }
    }
    lone.clear();
    for (const LoneSample& sample : cache.lone_samples()) {
      const auto id = static_cast<size_t>(cache.lone_series().id(sample.lone)) - 1;
      lone.push_back(fmt::format("{} {} at {}", series[id].ToString(),
                                 FormatValue(sample.sample.value), ToMs(sample.sample.timestamp)));
    }
    row.Finish();
    cache.Commit();
    return {};
  }

  ColumnId ColumnOf(const Labels& wanted) {
    const auto known = std::ranges::find(series, wanted);
    if (known != series.end()) return static_cast<ColumnId>(known - series.begin());
    series.push_back(wanted);
    return static_cast<ColumnId>(series.size() - 1);
  }

  // What the last page had, and nothing else: series to value, and the samples with timestamps.
  std::map<std::string, std::string> Values() const {
    std::map<std::string, std::string> values;
    for (ColumnId column = 0; column < series.size(); ++column) {
      if (row.Has(column) && !IsStale(row.value(column))) {
        values[series[column].ToString()] = FormatValue(row.value(column));
      }
    }
    return values;
  }

  ScrapeConfig config;
  SeriesLabels labels{Labels(), config};
  MetadataStore metadata{std::make_shared<MetadataPool>()};
  ScrapeCache cache{metadata};
  ScrapeRow row;
  PageCounts counts;
  std::vector<Labels> series;
  std::vector<std::string> lone;
};

// The same by a parser alone.
struct Parsed {
  std::map<std::string, std::string> values;
  std::vector<std::string> lone;
  uint64_t scraped = 0;
  bool failed = false;
};

Parsed Parse(std::string_view page, PageFormat format) {
  Parsed parsed;
  std::unique_ptr<ExpositionParser> parser;
  if (format == PageFormat::kPrometheusText) {
    parser = std::make_unique<TextParser>(page);
  } else {
    parser = std::make_unique<OpenMetricsParser>(page);
  }
  for (;;) {
    const auto entry = parser->Next();
    parsed.failed = !entry;
    if (!entry || *entry == Entry::kEnd) return parsed;
    if (*entry != Entry::kSeries) continue;
    ++parsed.scraped;
    const std::string name = parser->labels()->ToString();
    const std::string value = FormatValue(parser->value());
    if (parser->has_timestamp()) {
      parsed.lone.push_back(fmt::format("{} {} at {}", name, value, parser->timestamp_ms()));
    } else {
      parsed.values.emplace(name, value);  // the first one stays
    }
  }
}

std::vector<std::string> Sorted(std::vector<std::string> lines) {
  std::ranges::sort(lines);
  return lines;
}

std::string Concat(const std::vector<std::string>& lines) {
  std::string page;
  for (const std::string& line : lines) page += line;
  return page;
}

std::string LongPage(int count, int value) {
  std::string page = "# TYPE a counter\n";
  for (int i = 0; i < count; ++i) page += fmt::format("a{{i=\"{}\"}} {}\n", i, value + i);
  return page;
}

TEST_CASE("what a page tells of a family is expected as one line, however it changes") {
  Bench bench;
  const auto page = [](std::string_view help, std::string_view type) {
    return fmt::format(
        "# HELP a {}\n# TYPE a {}\na 1\n# TYPE b gauge\n# HELP b of b\nb 2\n# other\n"
        "# HELP c of c\n# HELP d of d\nc 3\n",
        help, type);
  };
  const auto told = [&] {
    std::vector<web::MetricMetadata> all;
    bench.metadata.List({}, all);
    std::vector<std::string> texts;
    for (const auto& family : all) {
      texts.push_back(family.metric + " " + family.type + " " + family.help);
    }
    return texts;
  };
  for (const auto& [help, type] : std::vector<std::pair<std::string, std::string>>{
           {"of a", "counter"}, {"of a", "counter"}, {"more", "counter"}, {"more", "gauge"}}) {
    REQUIRE(bench.Read(page(help, type)));
    CHECK(bench.Values().size() == 3);
    CHECK(bench.cache.expected_lines() == 8);
    CHECK(told() == std::vector<std::string>{"a " + type + " " + help, "b gauge of b",
                                             "c unknown of c", "d unknown of d"});
  }
}

TEST_CASE("a stable page is read without a closer look") {
  Bench bench;
  REQUIRE(bench.Read(LongPage(1000, 0)));
  CHECK(bench.counts.slow_lines == 1000);
  CHECK(bench.counts.added == 1000);
  REQUIRE(bench.Read(LongPage(1000, 1)));
  CHECK(bench.counts.scraped == 1000);
  CHECK(bench.counts.added == 0);
  CHECK(bench.counts.slow_lines == 0);
  CHECK(bench.Values() == Parse(LongPage(1000, 1), PageFormat::kPrometheusText).values);
}

TEST_CASE("an exemplar behind a value takes no closer look, but one that is wrong") {
  // The last line is long, so that those before it are read where they stand.
  const auto page = [](const std::string& line) {
    return "a_total 1 # {id=\"x\"} 0.5\n" + line + "b_total 3 # {} 1 7.5\nc 1\nd{e=\"" +
           std::string(100, 'f') + "\"} 1\n# EOF\n";
  };
  const auto parse_error = [](const std::string& text) {
    OpenMetricsParser parser(text);
    for (;;) {
      const auto entry = parser.Next();
      if (!entry) return entry.error().message;
      if (*entry == Entry::kEnd) return std::string();
    }
  };
  Bench bench;
  REQUIRE(bench.Read(page("x_total 2 # {id=\"1\"} 2 1.5\n"), PageFormat::kOpenMetricsText));
  REQUIRE(bench.Read(page("x_total 2.5 # {id=\"2\",y=\"\\\"\"} 1 2.5\n"),
                     PageFormat::kOpenMetricsText));
  CHECK(bench.counts.slow_lines == 0);
  CHECK(bench.counts.scraped == 5);
  CHECK(bench.Values().at("x_total") == "2.5");
  for (const char* wrong :
       {"#", "# ", "# {", "# {}", "# {} ", "# {} x", "# {} 1 x", "# {} 1 2 ", "# {a} 1",
        "# {a=\"b} 1", "# {a=\"b\" c=\"d\"} 1", "# {} 1  2", "#{} 1"}) {
    INFO(wrong);
    const std::string text = page(std::string("x_total 2 ") + wrong + "\n");
    const Status read = bench.Read(text, PageFormat::kOpenMetricsText);
    REQUIRE_FALSE(read);
    CHECK(read.error().message == parse_error(text));
  }
  REQUIRE(bench.Read(page("x_total 3\n"), PageFormat::kOpenMetricsText));
  CHECK(bench.counts.slow_lines == 0);
}

TEST_CASE("lines that come or go make only themselves slow") {
  Bench bench;
  const std::string tail = LongPage(500, 7);
  REQUIRE(bench.Read("x 1\n" + tail));
  REQUIRE(bench.Read("x 1\ny 1\n" + tail));
  CHECK(bench.counts.slow_lines < 10);
  CHECK(bench.counts.added == 1);
  REQUIRE(bench.Read("y 1\n" + tail));
  CHECK(bench.counts.slow_lines < 10);
  CHECK(bench.counts.added == 0);
}

TEST_CASE("a name that the value follows at once is not another name's beginning") {
  Bench bench;
  REQUIRE(bench.Read("a+1\n"));
  CHECK(bench.Values() == std::map<std::string, std::string>{{"a", "1"}});
  CHECK_FALSE(bench.Read("a2\n"));
  REQUIRE(bench.Read("a2 3\n"));
  CHECK(bench.Values() == std::map<std::string, std::string>{{"a2", "3"}});
  REQUIRE(bench.Read("a+4\n"));
  CHECK(bench.Values() == std::map<std::string, std::string>{{"a", "4"}});
}

TEST_CASE("metadata follows the page") {
  Bench bench;
  const auto list = [&] {
    std::vector<web::MetricMetadata> metadata;
    bench.metadata.List(Labels(), metadata);
    std::string out;
    for (const auto& entry : metadata) {
      out += fmt::format("{}:{}:{}:{} ", entry.metric, entry.type, entry.help, entry.unit);
    }
    return out;
  };
  REQUIRE(bench.Read("# HELP a Help.\n# TYPE a counter\na 1\n# TYPE b gauge\nb 1\n"));
  CHECK(list() == "a:counter:Help.: b:gauge:: ");
  REQUIRE(bench.Read("# HELP a Other.\n# TYPE a gauge\na 1\n"));
  CHECK(list() == "a:gauge:Other.: b:gauge:: ");
  // b is remembered for ten scrapes more.
  for (int i = 0; i < 12; ++i) REQUIRE(bench.Read("# HELP a Other.\n# TYPE a gauge\na 1\n"));
  CHECK(list() == "a:gauge:Other.: ");
}

TEST_CASE("a change of format forgets comments and keeps series") {
  Bench bench;
  const std::string page = LongPage(100, 0);
  REQUIRE(bench.Read("# a comment\n" + page));
  CHECK_FALSE(bench.Read("# a comment\n" + page + "# EOF\n", PageFormat::kOpenMetricsText));
  REQUIRE(bench.Read(page + "# EOF\n", PageFormat::kOpenMetricsText));
  CHECK(bench.counts.added == 0);
}

// Property: whatever happens to a page, the cache reads what a parser reads.
void CheckMutations(PageFormat format, unsigned seed) {
  std::mt19937 random(seed);
  const auto pick = [&random](size_t below) { return random() % below; };
  const bool text = format == PageFormat::kPrometheusText;
  const auto value = [&]() -> std::string {
    static const std::vector<std::string> kOdd = {"NaN", "+Inf", "-0", "1e300",
                                                  "0.1234567890123456789"};
    if (pick(8) == 0) return kOdd[pick(kOdd.size())];
    if (pick(3) == 0) return std::to_string(pick(3));
    return FormatShortest(static_cast<double>(random()) / static_cast<double>(1 << pick(20)));
  };
  const auto line = [&]() -> std::string {
    const std::string name = fmt::format("m{}", pick(30));
    switch (pick(12)) {
      case 0: return fmt::format("# HELP {} text {}\n", name, pick(3));
      case 1: return fmt::format("# TYPE {} {}\n", name, pick(2) ? "gauge" : "counter");
      case 2:
        return text ? fmt::format("{} {} {}\n", name, value(), pick(1000000))
                    : fmt::format("{} {} {}.5\n", name, value(), pick(1000000));
      case 3: return text ? "\n" : fmt::format("{}_total 1 # {{a=\"b\"}} 1\n", name);
      case 4: return text ? fmt::format("# comment {}\n", pick(3)) : fmt::format("z{} 1\n", name);
      default: return fmt::format("{}{{l=\"{}\"}} {}\n", name, pick(4), value());
    }
  };
  const auto with_new_value = [&](const std::string& old) {
    if (old.starts_with('#') || old == "\n") return old;
    return old.substr(0, old.find(' ')) + " " + value() + "\n";
  };
  std::vector<std::string> lines;
  for (int i = 0; i < 60; ++i) lines.push_back(line());
  Bench bench;
  for (int round = 0; round < 150; ++round) {
    for (std::string& one : lines) {
      if (pick(2) == 0) one = with_new_value(one);
    }
    for (size_t edits = pick(3); edits > 0; --edits) {
      const size_t at = pick(lines.size());
      const auto place = lines.begin() + static_cast<ptrdiff_t>(at);
      switch (pick(6)) {
        case 0: lines.insert(place, line()); break;
        case 1:
          if (lines.size() > 20) lines.erase(place);
          break;
        case 2: *place = line(); break;
        case 3: std::rotate(lines.begin(), place, lines.end()); break;
        case 4: std::swap(lines[at], lines[pick(lines.size())]); break;
        case 5: lines.insert(place, lines[pick(lines.size())]); break;
      }
    }
    std::string page = Concat(lines);
    if (!text) page += "# EOF\n";
    if (pick(10) == 0) page = page.substr(0, pick(page.size()));
    if (page.empty()) continue;
    CAPTURE(seed, round, page);
    const Parsed want = Parse(page, format);
    const Status read = bench.Read(page, format);
    CAPTURE(read ? "" : read.error().message);
    REQUIRE(read.has_value() == !want.failed);
    if (want.failed) continue;
    REQUIRE(bench.Values() == want.values);
    REQUIRE(Sorted(bench.lone) == Sorted(want.lone));
    REQUIRE(bench.counts.scraped == want.scraped);
  }
}

TEST_CASE("whatever happens to a page, it is read as by a parser alone") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    CheckMutations(PageFormat::kPrometheusText, seed);
    CheckMutations(PageFormat::kOpenMetricsText, seed);
  }
}

}  // namespace
}  // namespace barograph::server
