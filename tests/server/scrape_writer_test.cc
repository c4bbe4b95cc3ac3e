#include <catch2/catch.hpp>
#include <string>

#include "server/scrape/scrape_writer.h"
#include "tests/server/scrape_fake_storage.h"

namespace barograph::server {
namespace {

// One target with a writer; scrapes happen at 1, 2, 3, ... seconds.
struct Bench {
  explicit Bench(ScrapeConfig job = {}) : config(std::move(job)) {}

  // The error, or empty.
  std::string Scrape(std::string_view page, PageFormat format = PageFormat::kPrometheusText) {
    ++seconds;
    counts = {};
    const PageRules rules{.format = format,
                          .honor_timestamps = config.honor_timestamps,
                          .exemplars = true,
                          .sample_limit = config.limits.samples,
                          .max_line_bytes = 1000,
                          .newest = FromMs(1'000'000),
                          .starts = starts};
    const Status read = writer.ReadPage(page, rules, counts);
    Write(read.has_value());
    return read ? "" : read.error().message;
  }
  void Fail() {
    ++seconds;
    counts = {};
    writer.ReadNothing();
    Write(false);
  }
  void End() { CHECK(writer.WriteEnd(FromMs(++seconds * 1000))); }
  void Write(bool up) {
    const ScrapeReport report{.up = up, .duration_seconds = 0.5, .counts = counts, .body_bytes = 7};
    written = writer.Write(FromMs(seconds * 1000), report, std::chrono::seconds(10));
  }

  std::string Samples(std::string_view name) const {
    return storage.Samples({{"__name__", name}, {"job", "j"}});
  }

  std::string Starts(std::string_view name) const {
    return storage.Starts({{"__name__", name}, {"job", "j"}});
  }

  ScrapeConfig config;
  bool starts = false;
  test::FakeStorage storage;
  MetricsRegistry registry;
  ScrapeMetrics metrics{registry};
  MetadataStore metadata{std::make_shared<MetadataPool>()};
  std::shared_ptr<PoolSeries> pool = std::make_shared<PoolSeries>();
  ScrapeWriter writer{{{"job", "j"}}, config, storage, metadata, metrics, Logger(), &storage, pool};
  PageCounts counts;
  Status written;
  int64_t seconds = 0;
};

TEST_CASE("a scrape is one row with the page and the series about it") {
  Bench bench;
  CHECK(bench.Scrape("a 1\nb{x=\"y\"} 2.5\n") == "");
  CHECK(bench.storage.rows() == 1);
  CHECK(bench.Samples("a") == "1000=1");
  CHECK(bench.storage.Samples({{"__name__", "b"}, {"job", "j"}, {"x", "y"}}) == "1000=2.5");
  CHECK(bench.Samples("up") == "1000=1");
  CHECK(bench.Samples("scrape_duration_seconds") == "1000=0.5");
  CHECK(bench.Samples("scrape_samples_scraped") == "1000=2");
  CHECK(bench.Samples("scrape_samples_post_metric_relabeling") == "1000=2");
  CHECK(bench.Samples("scrape_series_added") == "1000=2");
  CHECK(bench.Samples("scrape_timeout_seconds") == "");
  bench.Scrape("a 2\nb{x=\"y\"} 2.5\n");
  CHECK(bench.Samples("a") == "1000=1 2000=2");
  CHECK(bench.Samples("scrape_series_added") == "1000=2 2000=0");
}

TEST_CASE("_created lines of OpenMetrics tell when series began") {
  const auto page = [](std::string_view created, std::string_view more = "") {
    return "# TYPE a counter\na_total 1\na_created " + std::string(created) +
           "\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_count 2\n"
           "h_sum 3\nh_created 0.5\n# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_count 1\n"
           "s_created 0.25\n# TYPE g gauge\ng 1\ng_created 5\n" +
           std::string(more) + "# EOF\n";
  };
  Bench bench;
  bench.starts = true;
  const auto format = PageFormat::kOpenMetricsText;
  CHECK(bench.Scrape(page("0.75"), format) == "");
  CHECK(bench.counts.scraped == 9);
  CHECK(bench.counts.kept == 9);
  CHECK(bench.Samples("a_created") == "");
  CHECK(bench.Samples("g_created") == "1000=5");
  CHECK(bench.Scrape(page("0.75"), format) == "");
  CHECK(bench.counts.slow_lines == 0);
  CHECK(bench.Starts("a_total") == "1000=750 2000=750");
  CHECK(bench.Starts("h_count") == "1000=500 2000=500");
  CHECK(bench.storage.Starts({{"__name__", "h_bucket"}, {"job", "j"}, {"le", "1.0"}}) ==
        "1000=500 2000=500");
  CHECK(bench.storage.Starts({{"__name__", "s"}, {"job", "j"}, {"quantile", "0.5"}}) ==
        "1000=250 2000=250");
  CHECK(bench.Starts("g") == "");
  CHECK(bench.Starts("up") == "");

  // Another start, none at all, and one again.
  bench.Scrape(page("2.5"), format);
  bench.Fail();
  bench.Scrape("# TYPE a counter\na_total 1\n# EOF\n", format);
  bench.Scrape("# TYPE a counter\na_total 1\na_created 5.5\n# EOF\n", format);
  bench.Scrape(
      "# TYPE a counter\na_total{x=\"1\"} 1\na_created{x=\"1\"} 6\n"
      "a_created{x=\"2\"} NaN\na_total{x=\"2\"} 1\n# EOF\n",
      format);
  bench.Scrape(
      "# TYPE a counter\na_total{x=\"1\"} 1\na_created{x=\"1\"} 6\n"
      "a_created{x=\"2\"} 7.25\na_total{x=\"2\"} 1\n# EOF\n",
      format);
  CHECK(bench.Starts("a_total") == "1000=750 2000=750 3000=2500 6000=5500");
  const Labels two{{"__name__", "a_total"}, {"job", "j"}, {"x", "2"}};
  CHECK(bench.storage.Starts({{"__name__", "a_total"}, {"job", "j"}, {"x", "1"}}) ==
        "7000=6000 8000=6000");
  CHECK(bench.storage.Starts(two) == "8000=7250");

  // The other format tells none.
  bench.Scrape("# TYPE a counter\na_total{x=\"2\"} 1\na_created{x=\"2\"} 7.25\n");
  CHECK(bench.storage.Starts(two) == "8000=7250");
  CHECK(bench.storage.Samples({{"__name__", "a_created"}, {"job", "j"}, {"x", "2"}}) ==
        "9000=7.25");
}

TEST_CASE("without being asked for, _created lines are series") {
  Bench bench;
  bench.Scrape("# TYPE a counter\na_total 1\na_created 0.5\n# EOF\n", PageFormat::kOpenMetricsText);
  CHECK(bench.Samples("a_created") == "1000=0.5");
  CHECK(bench.Starts("a_total") == "");
}

TEST_CASE("samples with timestamps of their own have starts as well") {
  Bench bench;
  bench.starts = true;
  for (int i = 0; i < 2; ++i) {
    bench.Scrape(
        "# TYPE a counter\na_total 1 " + std::to_string(i + 10) + "\na_created 0.5\n# EOF\n",
        PageFormat::kOpenMetricsText);
  }
  CHECK(bench.Samples("a_total") == "10000=1 11000=1");
  CHECK(bench.Starts("a_total") == "10000=500 11000=500");
}

TEST_CASE("extra_scrape_metrics adds three series") {
  ScrapeConfig config;
  config.extra_scrape_metrics = true;
  config.limits.samples = 5;
  Bench bench(config);
  bench.Scrape("a 1\n");
  CHECK(bench.Samples("scrape_timeout_seconds") == "1000=10");
  CHECK(bench.Samples("scrape_sample_limit") == "1000=5");
  CHECK(bench.Samples("scrape_body_size_bytes") == "1000=7");
}

TEST_CASE("series end with a staleness marker") {
  Bench bench;
  SECTION("when they vanish from the page, and come back") {
    bench.Scrape("a 1\nb 1\n");
    bench.Scrape("a 2\n");
    bench.Scrape("a 3\n");
    bench.Scrape("a 4\nb 4\n");
    CHECK(bench.Samples("a") == "1000=1 2000=2 3000=3 4000=4");
    CHECK(bench.Samples("b") == "1000=1 2000=stale 4000=4");
    CHECK(bench.Samples("scrape_series_added") == "1000=2 2000=0 3000=0 4000=1");
  }
  SECTION("once, when scrapes fail, and go on afterwards") {
    bench.Scrape("a 1\n");
    bench.Fail();
    bench.Fail();
    bench.Scrape("a 4\n");
    CHECK(bench.Samples("a") == "1000=1 2000=stale 4000=4");
    CHECK(bench.Samples("up") == "1000=1 2000=0 3000=0 4000=1");
    CHECK(bench.Samples("scrape_series_added") == "1000=1 2000=0 3000=0 4000=0");
  }
  SECTION("when the page is cut off") {
    bench.Scrape("a 1\nb 1\n");
    CHECK(bench.Scrape("a 2\nb") != "");
    CHECK(bench.Samples("a") == "1000=1 2000=stale");
    CHECK(bench.Samples("up") == "1000=1 2000=0");
    CHECK(bench.Samples("scrape_samples_scraped") == "1000=2 2000=1");
  }
  SECTION("when the page is empty, which is no failure") {
    bench.Scrape("a 1\n");
    bench.Scrape("");
    CHECK(bench.Samples("a") == "1000=1 2000=stale");
    CHECK(bench.Samples("up") == "1000=1 2000=1");
  }
  SECTION("all of them, when the target goes") {
    bench.Scrape("a 1\n");
    bench.End();
    CHECK(bench.Samples("a") == "1000=1 2000=stale");
    CHECK(bench.Samples("up") == "1000=1 2000=stale");
    CHECK(bench.Samples("scrape_series_added") == "1000=1 2000=stale");
  }
}

TEST_CASE("exemplars go to storage with their series, each scrape") {
  using Lines = std::vector<std::string>;
  constexpr auto kOpenMetrics = PageFormat::kOpenMetricsText;
  const std::string page =
      "a_total 1 # {trace_id=\"x\"} 0.5 7\n"
      "b_total 2 # {trace_id=\"y\"} 0.25\n"
      "c_total 3\n"
      "d_total 4 3 # {} 1\n"
      "# EOF\n";
  const Lines expected = {R"(a_total{job="j"} # {trace_id="x"} 0.5 @7000)",
                          R"(b_total{job="j"} # {trace_id="y"} 0.25 @1000?)",
                          R"(d_total{job="j"} # {} 1 @3000?)"};
  Bench bench;
  CHECK(bench.Scrape(page, kOpenMetrics) == "");
  CHECK(bench.storage.TakeExemplars() == expected);
  CHECK(bench.Scrape(page, kOpenMetrics) == "");
  Lines again = expected;
  again[1].replace(again[1].find("@1000"), 5, "@2000");
  CHECK(bench.storage.TakeExemplars() == again);
  CHECK(bench.counts.slow_lines == 2);  // that with a timestamp, and one near the end

  SECTION("but not those of a page that fails") {
    CHECK(bench.Scrape(page + "x", kOpenMetrics) != "");
    CHECK(bench.storage.TakeExemplars().empty());
  }
  SECTION("those that are out of order are counted, and fail no scrape") {
    bench.storage.JudgeExemplars(ExemplarVerdict::kOutOfOrder);
    CHECK(bench.Scrape(page, kOpenMetrics) == "");
    CHECK(bench.metrics.exemplars_out_of_order.value() == 3);
  }
}

TEST_CASE("exemplars of series that relabelling drops are dropped") {
  ScrapeConfig config;
  RelabelConfig drop;
  drop.source_labels = {"__name__"};
  drop.regex = "a_total";
  drop.action = RelabelAction::kDrop;
  config.metric_relabel_configs.push_back(*RelabelRule::Make(drop));
  Bench bench(config);
  for (int i = 0; i < 2; ++i) {
    CHECK(bench.Scrape("a_total 1 # {} 0.5 7\n# EOF\n", PageFormat::kOpenMetricsText) == "");
    CHECK(bench.storage.TakeExemplars().empty());
  }
}

TEST_CASE("series_limit refuses new series of a job, and the others go on") {
  ScrapeConfig config;
  config.limits.series = 3;
  Bench bench(config);
  CHECK(bench.Scrape("a 1\nb 1 1500\n") == "");
  CHECK(bench.writer.refusal() == "");
  CHECK(bench.Scrape("a 2\nb 2 2500\nc 2\nd 2\ne 2\n") == "");
  CHECK(bench.writer.refusal() == "2 new series refused: series_limit exceeded (limit: 3)");
  CHECK(bench.Samples("a") == "1000=1 2000=2");
  CHECK(bench.Samples("b") == "1500=1 2500=2");
  CHECK(bench.Samples("c") == "2000=2");
  CHECK(bench.Samples("d") == "");
  CHECK(bench.pool->count == 3);
  CHECK(bench.pool->refused == 2);

  SECTION("refused series are only stepped over, and refused each time") {
    bench.Scrape("a 3\nb 3 3500\nc 3\nd 3\ne 3.5\n");
    CHECK(bench.counts.slow_lines == 0);
    CHECK(bench.counts.scraped == 5);
    CHECK(bench.counts.kept == 5);
    CHECK(bench.counts.added == 0);
    CHECK(bench.pool->refused == 4);
    CHECK(bench.writer.refusal() == "2 new series refused: series_limit exceeded (limit: 3)");
    bench.Scrape("e 4\na 4\nb 4 4500\nf 4 4500\nc 4\nd 4\n");
    CHECK(bench.pool->refused == 7);
    bench.Scrape("e 5\na 5\nb 5 5500\nf 5 5500\nc 5\nd x\n");
    CHECK(bench.counts.refused == 2);
    CHECK(bench.pool->refused == 7);  // of a page that failed, nothing counts
    bench.config.limits.series = 6;
    bench.Scrape("e 6\na 6\nb 6 6500\nf 6 6500\nc 6\nd 6\n");
    CHECK(bench.writer.refusal() == "");
    CHECK(bench.Samples("d") == "6000=6");
    CHECK(bench.Samples("f") == "6500=6");
  }
  SECTION("a series that goes makes room") {
    bench.Scrape("a 3\nb 3 3500\n");
    CHECK(bench.pool->count == 2);
    CHECK(bench.writer.refusal() == "");
    bench.Scrape("a 4\nb 4 4500\nd 4\n");
    CHECK(bench.Samples("d") == "4000=4");
  }
  SECTION("a failed scrape changes nothing") {
    bench.Fail();
    CHECK(bench.pool->count == 3);
    bench.Scrape("a 4\nc 4\n");
    CHECK(bench.Samples("c") == "2000=2 3000=stale 4000=4");
  }
  SECTION("other labels are no more series") {
    bench.writer.Reconfigure(bench.config, false);
    bench.Scrape("a 3\nb 3 3500\nc 3\n");
    CHECK(bench.writer.refusal() == "");
    CHECK(bench.pool->count == 3);
  }
  SECTION("targets share it") {
    ScrapeWriter other({{"job", "k"}}, bench.config, bench.storage, bench.metadata, bench.metrics,
                       Logger(), nullptr, bench.pool);
    PageCounts counts;
    CHECK(other.ReadPage("x 1\n", PageRules(), counts));
    CHECK(other.refusal() == "1 new series refused: series_limit exceeded (limit: 3)");
  }
}

TEST_CASE("what storage refuses takes no room of series_limit from what follows on the page") {
  ScrapeConfig config;
  config.limits.series = 3;
  Bench bench(config);
  const auto appender = bench.storage.NewAppender();
  for (const std::string name : {"known", "known_too"}) {
    REQUIRE(appender->Resolve({{"__name__", name}, {"job", "j"}}));
  }
  CHECK(bench.Scrape("a 1\n") == "");
  bench.storage.LimitSeries(bench.storage.Series().size());
  CHECK(bench.Scrape("a 2\nnew 2\nnew_lone 2 2500\nknown 2\nknown_too 2 2500\n") == "");
  CHECK(bench.writer.refusal() == "2 new series refused: too many series");
  CHECK(bench.Samples("known") == "2000=2");
  CHECK(bench.Samples("known_too") == "2500=2");
  CHECK(bench.pool->count == 3);
}

TEST_CASE("a target that goes gives its series back") {
  const auto pool = std::make_shared<PoolSeries>();
  SeriesQuota stays(pool);
  CHECK(stays.TakeOne(2));
  {
    SeriesQuota goes(pool);
    CHECK(goes.TakeOne(2));
    CHECK_FALSE(goes.TakeOne(2));
    CHECK(pool->count == 2);
  }
  CHECK(pool->count == 1);
}

TEST_CASE("a failed page leaves no new series behind") {
  Bench bench;
  bench.Scrape("a 1\n");
  bench.Scrape("a 2\nnew_one 1\nnew_two{");
  CHECK(bench.Samples("new_one") == "");
  CHECK(bench.storage.Series().size() == 6);
}

TEST_CASE("columns of series that are gone are given back") {
  Bench bench;
  bench.Scrape("a 1\nb 1\nc 1\n");
  CHECK(bench.storage.columns() == 8);
  bench.Scrape("a 1\n");
  CHECK(bench.storage.columns() == 6);
  bench.Fail();
  CHECK(bench.storage.columns() == 6);
  for (int i = 0; i < 20; ++i) {
    bench.Scrape("a 1\nchurn" + std::to_string(i) + " 1\n");
    CHECK(bench.storage.columns() == 7);
  }
}

TEST_CASE("of a series that comes twice, the first sample counts") {
  Bench bench;
  SECTION("with the same text") {
    for (int i = 0; i < 3; ++i) {
      bench.Scrape("a 1\nb 5\na 2\n");
      CHECK(bench.counts.duplicates == 1);
      CHECK(bench.counts.scraped == 3);
      CHECK(bench.counts.kept == 3);
    }
    CHECK(bench.Samples("a") == "1000=1 2000=1 3000=1");
  }
  SECTION("with another text and another value") {
    for (int i = 0; i < 3; ++i) {
      bench.Scrape("a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\n");
      CHECK(bench.counts.duplicates == 1);
    }
  }
  SECTION("with another text and the same value, which is no conflict") {
    for (int i = 0; i < 3; ++i) {
      bench.Scrape("a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 1\n");
      CHECK(bench.counts.duplicates == 0);
    }
  }
  SECTION("of different lines, which come and go") {
    const std::string one = "a{x=\"1\",y=\"2\"} 1\n", other = "a{y=\"2\",x=\"1\"} 2\n";
    for (const std::string& page : {one + other, other, other + one, one, one + other, one}) {
      bench.Scrape(page);
    }
    const Labels labels = {{"__name__", "a"}, {"job", "j"}, {"x", "1"}, {"y", "2"}};
    CHECK(bench.storage.Samples(labels) == "1000=1 2000=2 3000=2 4000=1 5000=1 6000=1");
  }
}

TEST_CASE("over the sample limit nothing of the page is stored") {
  ScrapeConfig config;
  config.limits.samples = 2;
  Bench bench(config);
  CHECK(bench.Scrape("a 1\nb 1\n") == "");
  CHECK(bench.Scrape("a 1\nb 1\nc 1\nd 1\n") == "sample limit exceeded");
  CHECK(bench.Samples("a") == "1000=1 2000=stale");
  CHECK(bench.Samples("c") == "");
  CHECK(bench.Samples("scrape_samples_scraped") == "1000=2 2000=4");
  CHECK(bench.Samples("scrape_samples_post_metric_relabeling") == "1000=2 2000=4");
  CHECK(bench.Scrape("a 1\nb 1\n") == "");
}

TEST_CASE("dropped series do not count against the limit") {
  ScrapeConfig config;
  config.limits.samples = 1;
  config.metric_relabel_configs = {*RelabelRule::Make(
      {.source_labels = {"__name__"}, .regex = "go_.*", .action = RelabelAction::kDrop})};
  Bench bench(config);
  for (int i = 0; i < 3; ++i) {
    CHECK(bench.Scrape("go_a 1\ngo_b 2 123\na 1\ngo_c 3\n") == "");
    CHECK(bench.counts.scraped == 4);
    CHECK(bench.counts.kept == 1);
  }
}

TEST_CASE("a label limit fails the scrape") {
  ScrapeConfig config;
  config.limits.labels = 2;
  Bench bench(config);
  CHECK(bench.Scrape("a 1\n") == "");
  CHECK(bench.Scrape("a 1\nb{x=\"y\"} 1\n") ==
        "label_limit exceeded (metric: b, number of labels: 3, limit: 2)");
}

TEST_CASE("explicit timestamps are kept") {
  Bench bench;
  bench.Scrape("a 1 500\nb 1\n");
  bench.Scrape("a 2 1500\nb 2\n");
  bench.Scrape("b 3\n");
  CHECK(bench.Samples("a") == "500=1 1500=2");
  CHECK(bench.Samples("b") == "1000=1 2000=2 3000=3");
  SECTION("many of one series on a page") {
    bench.Scrape("c 1 100\nc 2 200\n");
    bench.Scrape("c 3 300\nc 4 400\n");
    CHECK(bench.Samples("c") == "100=1 200=2 300=3 400=4");
  }
  SECTION("but not more than ten minutes ahead") {
    bench.Scrape("c 1 1000001\nd 1 1000000\n");
    bench.Scrape("c 1 1000001\nd 1 1000000\n");
    CHECK(bench.counts.out_of_bounds == 1);
    CHECK(bench.Samples("c") == "");
    CHECK(bench.Samples("d") == "1000000=1");
  }
  SECTION("in OpenMetrics as seconds") {
    bench.Scrape("c 1 0.25\n# EOF\n", PageFormat::kOpenMetricsText);
    CHECK(bench.Samples("c") == "250=1");
  }
  SECTION("and a series may lose its timestamps") {
    bench.Scrape("c 1 100\n");
    bench.Scrape("c 2\n");
    bench.Scrape("c 3 300\n");
    CHECK(bench.Samples("c") == "100=1 5000=2 6000=stale");
  }
}

TEST_CASE("explicit timestamps are ignored without honor_timestamps") {
  ScrapeConfig config;
  config.honor_timestamps = false;
  Bench bench(config);
  bench.Scrape("a 1 500\n");
  bench.Scrape("a 2 500\n");
  CHECK(bench.Samples("a") == "1000=1 2000=2");
}

TEST_CASE("series with timestamps end only when that is tracked") {
  ScrapeConfig config;
  config.track_timestamps_staleness = true;
  Bench bench(config);
  bench.Scrape("a 1 500\n");
  bench.Scrape("b 1\n");
  CHECK(bench.Samples("a") == "500=1 2000=stale");
  bench.Scrape("a 1 2500\nb 1\n");
  bench.Fail();
  bench.Fail();
  CHECK(bench.Samples("a") == "500=1 2000=stale 2500=1 4000=stale");
}

TEST_CASE("when storage takes no new series, the known ones go on") {
  Bench bench;
  bench.Scrape("a 1\n");
  bench.storage.LimitSeries(6);
  CHECK(bench.Scrape("a 2\nb 2\n") == "");
  CHECK(bench.Samples("a") == "1000=1 2000=2");
  CHECK(bench.Samples("b") == "");
  CHECK(bench.metrics.refused_series.value() == 1);
  CHECK(bench.Samples("scrape_series_added") == "1000=1 2000=0");
  bench.storage.LimitSeries(10);
  CHECK(bench.Scrape("a 3\nb 3\n") == "");
  CHECK(bench.Samples("b") == "3000=3");
}

TEST_CASE("what storage refused is tried again at longer and longer intervals") {
  Bench bench;
  bench.Scrape("a 1\n");
  bench.storage.LimitSeries(6);
  std::string tried;
  for (int i = 0; i < 30; ++i) {
    bench.Scrape("a 1\nb 1\n");
    tried += bench.counts.refused == 0 ? 'x' : '.';
    CHECK(bench.metrics.refused_series.value() == i + 1);
  }
  CHECK(tried == "xx.x...x.......x.......x......");
  bench.storage.LimitSeries(10);
  for (int i = 0; i < 8; ++i) bench.Scrape("a 1\nb 1\n");
  CHECK(bench.Samples("b") != "");
  CHECK(bench.writer.refusal() == "");
}

TEST_CASE("a row that storage cannot take is an error, and the next one is tried") {
  Bench bench;
  bench.Scrape("a 1\n");
  bench.storage.FailRows(Error{ErrorCode::kIo, "disk full"});
  bench.Scrape("a 2\n");
  REQUIRE_FALSE(bench.written);
  CHECK(bench.written.error().message == "disk full");
  bench.storage.FailRows(std::nullopt);
  bench.Scrape("a 3\n");
  CHECK(bench.Samples("a") == "1000=1 3000=3");
}

TEST_CASE("a page may show a series that is about the scrape") {
  ScrapeConfig config;
  config.honor_labels = true;
  Bench bench(config);
  bench.Scrape("up{job=\"j\"} 42\n");
  CHECK(bench.Samples("up") == "1000=42");
  bench.Scrape("a 1\n");
  CHECK(bench.Samples("up") == "1000=42 2000=1");
  CHECK(bench.storage.columns() == 6);
}

TEST_CASE("values are those of the page after scrapes that failed, too") {
  ScrapeConfig config;
  config.honor_labels = true;
  Bench bench(config);
  bench.Scrape("up{job=\"j\"} 42\na 3\n");
  bench.Fail();
  bench.Scrape("up{job=\"j\"} 42\na 3\n");
  bench.Scrape("up{job=\"j\"} 42\na 4\n{");
  bench.Scrape("up{job=\"j\"} 42\na 4\n");
  CHECK(bench.Samples("up") == "1000=42 2000=0 3000=42 4000=0 5000=42");
  CHECK(bench.Samples("a") == "1000=3 2000=stale 3000=3 4000=stale 5000=4");
}

TEST_CASE("a line over the limit fails the scrape") {
  Bench bench;
  CHECK(bench.Scrape("a{x=\"" + std::string(2000, 'y') + "\"} 1\n") ==
        "a line of the page is longer than the limit of 1000 bytes");
  CHECK(bench.Scrape("a{x=\"" + std::string(300, '\n') + std::string(800, 'y') + "\"} 1\n") ==
        "a line of the page is longer than the limit of 1000 bytes");
}

TEST_CASE("other rules for labels make other series, and the old ones end") {
  Bench bench;
  bench.Scrape("a{x=\"y\"} 1\nb 1\n");
  ScrapeConfig changed;
  changed.metric_relabel_configs = {
      *RelabelRule::Make({.regex = "x", .action = RelabelAction::kLabelDrop})};
  bench.writer.Reconfigure(changed, /*same_labels=*/false);
  bench.Scrape("a{x=\"y\"} 2\nb 2\n");
  CHECK(bench.storage.Samples({{"__name__", "a"}, {"job", "j"}, {"x", "y"}}) ==
        "1000=1 2000=stale");
  CHECK(bench.Samples("a") == "2000=2");
  CHECK(bench.Samples("b") == "1000=1 2000=2");
  CHECK(bench.storage.columns() == 7);
}

}  // namespace
}  // namespace barograph::server
