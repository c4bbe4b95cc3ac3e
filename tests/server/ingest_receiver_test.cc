#include <snappy.h>
#include <zstd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <optional>
#include <string>

#include "base/metrics/registry.h"
#include "server/ingest/write_receiver.h"
#include "tests/server/ingest_messages.h"
#include "tests/server/scrape_fake_storage.h"
#include "tests/support/manual_clock.h"

namespace barograph::server {
namespace {

using test::Message;
using test::SeriesV1;

std::string Snappy(std::string_view plain) {
  std::string packed;
  snappy::Compress(plain.data(), plain.size(), &packed);
  return packed;
}

std::string Zstd(std::string_view plain) {
  std::string packed(ZSTD_compressBound(plain.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), 1));
  return packed;
}

/// A receiver on fake storage; requests go in without a socket.
struct Fixture {
  explicit Fixture(WriteReceiverOptions options = {})
      : receiver(std::move(options), storage, metrics, clock, Logger(), &storage) {}

  net::HttpResponse Send(const net::HttpRequest& request) {
    const net::HttpHandler handler = receiver.Handler();
    std::optional<net::HttpResponse> response;
    context.restart();
    boost::asio::co_spawn(context, handler(request),
                          [&](std::exception_ptr thrown, net::HttpResponse answer) {
                            if (thrown) std::rethrow_exception(thrown);
                            response = std::move(answer);
                          });
    context.run();
    return std::move(*response);
  }

  static net::HttpRequest Request(std::string body) {
    net::HttpRequest request;
    request.method = "POST";
    request.headers.Set("Content-Type", "application/x-protobuf");
    request.headers.Set("Content-Encoding", "snappy");
    request.body = std::move(body);
    return request;
  }

  /// The status, and the text of a refusal.
  std::string Write(const Message& message) {
    const net::HttpResponse response = Send(Request(Snappy(message.text())));
    return std::to_string(response.status) + (response.body.empty() ? "" : " ") + response.body;
  }

  int StatusWith(std::string_view header, const std::string& value) {
    net::HttpRequest request = Request(Snappy(""));
    request.headers.Set(header, value);
    return Send(request).status;
  }

  boost::asio::io_context context;
  MetricsRegistry metrics;
  test::ManualClock clock;
  test::FakeStorage storage;
  WriteReceiver receiver;
};

Message UpRequest(const std::vector<std::pair<int64_t, double>>& samples) {
  return Message().Add(1, SeriesV1({{"__name__", "up"}, {"job", "a"}}, samples));
}

TEST_CASE_METHOD(Fixture, "samples of a request of protocol 1.0 are stored") {
  CHECK(Write(UpRequest({{1000, 1}, {2000, 0}})) == "204");
  CHECK(Write(UpRequest({{3000, kStaleNan}})) == "204");
  CHECK(storage.Samples(Labels({{"__name__", "up"}, {"job", "a"}})) == "1000=1 2000=0 3000=stale");
  CHECK(metrics.Expose().find(
            "prometheus_api_remote_write_without_metadata_appended_samples_total 3\n") !=
        std::string::npos);
}

TEST_CASE_METHOD(Fixture, "zstd is taken as snappy is") {
  net::HttpRequest request = Request(Zstd(UpRequest({{1000, 1}}).text()));
  request.headers.Set("Content-Encoding", "zstd");
  CHECK(Send(request).status == 204);
  CHECK(storage.Samples(Labels({{"__name__", "up"}, {"job", "a"}})) == "1000=1");
}

TEST_CASE_METHOD(Fixture, "labels in any order, and apart from each other, name the same series") {
  CHECK(Write(Message().Add(1, SeriesV1({{"job", "a"}, {"__name__", "up"}}, {{1000, 1}}))) ==
        "204");
  const Message apart = Message()
                            .Add(2, test::SampleMessage(2000, 2))
                            .Add(1, test::LabelV1("job", "a"))
                            .Add(2, test::SampleMessage(3000, 3))
                            .Add(1, test::LabelV1("__name__", "up"))
                            .Add(1, test::LabelV1("empty", ""));
  CHECK(Write(Message().Add(1, apart)) == "204");
  CHECK(storage.Series() == std::vector<std::string>{"up{job=\"a\"}"});
  CHECK(storage.Samples(Labels({{"__name__", "up"}, {"job", "a"}})) == "1000=1 2000=2 3000=3");
}

TEST_CASE_METHOD(Fixture, "media types and encodings that are not there are answered with 415") {
  CHECK(StatusWith("Content-Type", "application/x-protobuf") == 204);
  CHECK(StatusWith("Content-Type", "application/x-protobuf;proto=prometheus.WriteRequest") == 204);
  CHECK(StatusWith("Content-Type", "") == 204);
  CHECK(StatusWith("Content-Type", "text/plain") == 415);
  CHECK(StatusWith("Content-Type", "application/x-protobuf;proto=other") == 415);
  CHECK(StatusWith("Content-Type", "application/x-protobuf;proto") == 415);
  Fixture only_v1({.accepted = {WriteProtocol::kV1}});
  const char* const v2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
  CHECK(StatusWith("Content-Type", v2) != 415);
  CHECK(only_v1.StatusWith("Content-Type", v2) == 415);
  CHECK(StatusWith("Content-Encoding", "") == 204);
  CHECK(StatusWith("Content-Encoding", "gzip") == 415);
}

TEST_CASE_METHOD(Fixture, "what is malformed is answered with 400, and nothing of it is stored") {
  CHECK(Send(Request("\xff\xff\xff\xff\xff")).status == 400);
  CHECK(Send(Request(Snappy(UpRequest({{1000, 1}}).text()).substr(0, 20))).status == 400);
  net::HttpRequest zstd = Request("not zstd");
  zstd.headers.Set("Content-Encoding", "zstd");
  CHECK(Send(zstd).status == 400);
  CHECK(Write(UpRequest({{1000, 1}}).Raw("\x0a\x7f")) == "400 the protobuf message is malformed\n");
  CHECK(Write(Message().Add(1, SeriesV1({{"__name__", "up"}}, {{1000, 1}}).Bytes(2, "\x10"))) ==
        "400 the protobuf message is malformed\n");
  CHECK(storage.Series().empty());
}

TEST_CASE_METHOD(Fixture, "what will never be accepted is told, and the rest is stored") {
  const Labels good({{"__name__", "good"}});
  CHECK(Write(Message().Add(1, SeriesV1({{"__name__", "good"}}, {{2000, 1}}))) == "204");
  CHECK(Write(Message()
                  .Add(1, SeriesV1({{"job", "nameless"}}, {{3000, 1}}))
                  .Add(1, SeriesV1({{"__name__", "m"}, {"a", "1"}, {"a", "2"}}, {{3000, 1}}))
                  .Add(1, SeriesV1({{"__name__", "m"}, {"a", "\xff"}}, {{3000, 1}}))
                  .Add(1, SeriesV1({{"__name__", "good"}}, {{1000, 1}, {2000, 2}, {3000, 3}}))) ==
        "400 invalid metric name or labels, got {job=\"nameless\"}\n"
        "invalid labels for series, labels m{a=\"2\"}, duplicated label a\n"
        "invalid metric name or labels, got m{a=\"\\xff\"}\n"
        "out of order sample for series good at 1000\n"
        "duplicate sample for timestamp for series good at 2000\n");
  CHECK(storage.Samples(good) == "2000=1 3000=3");
  CHECK(metrics.Expose().find("prometheus_api_remote_write_invalid_labels_samples_total 3") !=
        std::string::npos);
}

TEST_CASE_METHOD(Fixture, "samples far ahead of the clock are refused") {
  const int64_t now = ToMs(clock.Now());
  CHECK(Write(UpRequest({{now + 600'000, 1}})) == "204");
  CHECK(Write(UpRequest({{now + 600'001, 1}})) ==
        "400 out of bounds: timestamp is too far in the future for series up{job=\"a\"}\n");
}

TEST_CASE_METHOD(Fixture, "the first reasons are told, and how many there are beyond them") {
  Message message;
  for (int i = 0; i < 1000; ++i) {
    message.Add(1, SeriesV1({{"bad", std::string(10'000, 'x')}}, {{1000, 1}}));
  }
  const std::string answer = Write(message);
  CHECK(answer.starts_with("400 invalid metric name or labels, got {bad=\"xxx"));
  CHECK(answer.ends_with("...\nand 995 more\n"));
  CHECK(answer.size() < 6000);
}

TEST_CASE_METHOD(Fixture, "a sender may try again when storage takes no new series") {
  CHECK(Write(UpRequest({{1000, 1}})) == "204");
  storage.LimitSeries(1);
  CHECK(Write(UpRequest({{2000, 2}}).Add(1, SeriesV1({{"__name__", "new"}}, {{2000, 1}}))) ==
        "429 too many series for series new\n");
  CHECK(storage.Samples(Labels({{"__name__", "up"}, {"job", "a"}})) == "1000=1 2000=2");
}

TEST_CASE_METHOD(Fixture, "a sender shall try again when storage fails") {
  storage.FailCommits(Error{ErrorCode::kIo, "disk full"});
  CHECK(Write(UpRequest({{1000, 1}})) == "500 disk full\n");
  storage.FailCommits(Error{ErrorCode::kUnavailable, "stopping"});
  CHECK(Write(UpRequest({{1000, 1}})) == "503 stopping\n");
  storage.FailCommits(std::nullopt);
  CHECK(Write(UpRequest({{1000, 1}})) == "204");
}

TEST_CASE("requests over a size limit are refused") {
  Fixture fixture({.max_body_bytes = 100, .max_decoded_bytes = 1000});
  CHECK(fixture.Send(Fixture::Request(std::string(101, 'x'))).status == 413);
  const std::string large(1001, '\0');
  CHECK(fixture.Send(Fixture::Request(Snappy(large))).status == 413);
  net::HttpRequest zstd = Fixture::Request(Zstd(large));
  zstd.headers.Set("Content-Encoding", "zstd");
  CHECK(fixture.Send(zstd).status == 413);
}

TEST_CASE("a large request is stored in parts, and whole") {
  Fixture fixture;
  std::vector<std::pair<int64_t, double>> samples;
  for (int i = 0; i < 150'000; ++i) samples.emplace_back(1000 + i, i);
  CHECK(fixture.Write(UpRequest(samples)) == "204");
  const std::string stored = fixture.storage.Samples(Labels({{"__name__", "up"}, {"job", "a"}}));
  CHECK(std::ranges::count(stored, '=') == 150'000);
  CHECK(stored.ends_with(" 150999=149999"));
}

/// A histogram with whole counts: 1 at zero, 2 and 3 in two buckets.
Message WholeHistogram(int64_t timestamp_ms, uint64_t count) {
  return Message()
      .Varint(1, count)
      .Double(3, 18.5)
      .Sint(4, 1)
      .Double(5, 0.001)
      .Varint(6, 1)
      .Add(11, Message().Sint(1, 0).Varint(2, 2))
      .PackedSints(12, {2, 1})
      .Varint(15, static_cast<uint64_t>(timestamp_ms));
}

TEST_CASE_METHOD(Fixture, "native histograms are stored, whole, float and with custom buckets") {
  const Message floats = Message()
                             .Double(2, 4.5)
                             .Double(3, 1)
                             .Double(7, 0.5)
                             .Add(8, Message().Sint(1, 1).Varint(2, 1))
                             .PackedDoubles(10, {4})
                             .Varint(14, 3)
                             .Varint(15, 2000);
  const Message custom = Message()
                             .Varint(1, 3)
                             .Double(3, 5)
                             .Sint(4, kCustomBucketsSchema)
                             .Add(11, Message().Sint(1, 0).Varint(2, 2))
                             .PackedSints(12, {1, 1})
                             .PackedDoubles(16, {5, 10})
                             .Varint(15, 3000);
  const Message stale = Message().Double(2, 0).Double(3, kStaleNan).Varint(15, 4000);
  const Message series = SeriesV1({{"__name__", "h"}}, {})
                             .Add(4, WholeHistogram(1000, 6))
                             .Add(4, floats)
                             .Add(4, custom)
                             .Add(4, stale);
  CHECK(Write(Message().Add(1, series)) == "204");
  CHECK(storage.Histograms(Labels({{"__name__", "h"}})) ==
        "1000={{schema:1 count:6 sum:18.5 z_bucket:1 z_bucket_w:0.001 buckets:[2 3]}} "
        "2000={{count:4.5 sum:1 z_bucket:0.5 counter_reset_hint:gauge n_offset:1 n_buckets:[4]}} "
        "3000={{schema:-53 count:3 sum:5 custom_values:[5 10] buckets:[1 2]}} "
        "4000=stale");
}

TEST_CASE_METHOD(Fixture, "histograms that contradict themselves are refused, one by one") {
  const auto write = [&](const Message& histogram) {
    return Write(Message().Add(1, SeriesV1({{"__name__", "h"}}, {}).Add(4, histogram)));
  };
  CHECK(write(WholeHistogram(1000, 7)) ==
        "400 6 observations found in buckets, but the Count field is 7: histogram's observation "
        "count should equal the number of observations found in the buckets for series h\n");
  CHECK(write(WholeHistogram(1000, 6).Add(11, Message().Sint(1, -1).Varint(2, 1)))
            .starts_with("400 positive side: span number 2 with offset -1"));
  CHECK(write(WholeHistogram(1000, 6).Add(11, Message().Sint(1, 1).Varint(2, UINT32_MAX)))
            .starts_with("400 positive side: spans need 4294967297 buckets, have 2 buckets"));
  CHECK(write(WholeHistogram(1000, 6).PackedSints(12, {-9}).Add(11, Message().Varint(2, 1)))
            .starts_with("400 positive side: bucket number 3 has observation count of -6"));
  CHECK(write(WholeHistogram(1000, 6).Sint(4, -9)).starts_with("400 histogram has an invalid"));
  CHECK(
      write(WholeHistogram(1000, 6).PackedDoubles(16, {1})).starts_with("400 histogram with exp"));
  CHECK(write(WholeHistogram(1000, 6).Sint(4, -53)).starts_with("400 custom buckets: must have"));
  CHECK(write(WholeHistogram(1000, 6)) == "204");
  CHECK(storage.Histograms(Labels({{"__name__", "h"}})).starts_with("1000="));
}

/// A receiver that takes protocol 2.0 only, and its requests.
struct FixtureV2 : Fixture {
  FixtureV2() : Fixture({.accepted = {WriteProtocol::kV2}}) {}

  static Message Symbols(const std::vector<std::string>& symbols) {
    Message request;
    for (const std::string& symbol : symbols) request.Bytes(4, symbol);
    return request;
  }

  /// The status, the counts of what was written, and the text of a refusal.
  std::string Write(const Message& message) {
    net::HttpRequest request = Request(Snappy(message.text()));
    request.headers.Set("Content-Type",
                        "application/x-protobuf;proto=io.prometheus.write.v2.Request");
    const net::HttpResponse response = Send(request);
    const auto count = [&](const std::string& what) {
      return std::string(response.headers.Get("X-Prometheus-Remote-Write-" + what + "-Written"));
    };
    return std::to_string(response.status) + " " + count("Samples") + "/" + count("Histograms") +
           (response.body.empty() ? "" : " ") + response.body;
  }
};

TEST_CASE_METHOD(FixtureV2, "samples and histograms of protocol 2.0 are stored and counted") {
  const auto request = [](const std::vector<std::string>& symbols, int64_t at) {
    return Symbols(symbols)
        .Add(5, Message().PackedVarints(1, {1, 2, 3, 4}).Add(2, test::SampleMessage(at, 1, 500)))
        .Add(5, Message().Varint(1, 1).Varint(1, 5).Add(3, WholeHistogram(at, 6)));
  };
  CHECK(Write(request({"", "__name__", "up", "job", "a", "h"}, 1000)) == "204 1/1");
  CHECK(Write(request({"x", "__name__", "up", "job", "a", "h"}, 2000)) == "204 1/1");
  CHECK(storage.Samples(Labels({{"__name__", "up"}, {"job", "a"}})) == "1000=1 2000=1");
  CHECK(storage.Series() == std::vector<std::string>{"h", "up{job=\"a\"}"});
}

TEST_CASE_METHOD(FixtureV2, "samples and histograms of protocol 2.0 have their start timestamps") {
  CHECK(Write(Symbols({"", "__name__", "up", "h"})
                  .Add(5, Message()
                              .PackedVarints(1, {1, 2})
                              .Add(2, test::SampleMessage(1000, 1, 500))
                              .Add(2, test::SampleMessage(2000, 1))
                              .Add(2, test::SampleMessage(3000, 1, -7)))
                  .Add(5, Message().PackedVarints(1, {1, 3}).Add(
                              3, WholeHistogram(1000, 6).Varint(17, 5)))) == "204 3/1");
  CHECK(storage.Starts(Labels({{"__name__", "up"}})) == "1000=500 3000=-7");
  CHECK(storage.Starts(Labels({{"__name__", "h"}})) == "1000=5");
}

TEST_CASE_METHOD(FixtureV2, "a series that cannot be read does not stop the others") {
  const Message good = Message().PackedVarints(1, {1, 2}).Add(2, test::SampleMessage(1000, 1));
  CHECK(Write(Symbols({"", "__name__", "up"})
                  .Add(5, Message().PackedVarints(1, {1, 3}).Add(2, test::SampleMessage(1, 1)))
                  .Add(5, Message().PackedVarints(1, {1}).Add(2, test::SampleMessage(1, 1)))
                  .Add(5, Message().PackedVarints(1, {1, 2}))
                  .Add(5, good)) ==
        "400 1/0 parsing labels for series [1 3]: labelRefs 1 (name) = 3 (value) outside of "
        "symbols table (size 3)\n"
        "parsing labels for series [1]: invalid labelRefs length 1\n"
        "TimeSeries must contain at least one sample or histogram for series up\n");
  storage.FailCommits(Error{ErrorCode::kIo, "disk full"});
  CHECK(Write(Symbols({"", "__name__", "up"}).Add(5, good)) == "500 0/0 disk full\n");
}

TEST_CASE_METHOD(FixtureV2, "label sets and tables of symbols cannot grow without bounds") {
  std::vector<uint64_t> references;
  for (int i = 0; i < 2000; ++i) references.insert(references.end(), {1, 2});
  CHECK(Write(Symbols({"", "name", std::string(1000, 'x')})
                  .Add(5, Message().PackedVarints(1, references).Add(2, test::SampleMessage(1, 1))))
            .starts_with("400 0/0 a label set is over the limit of 1048576 bytes"));
  Fixture small({.accepted = {WriteProtocol::kV2}, .max_decoded_bytes = 1000});
  net::HttpRequest request = Request(Snappy(Symbols(std::vector<std::string>(100, "")).text()));
  request.headers.Set("Content-Type",
                      "application/x-protobuf;proto=io.prometheus.write.v2.Request");
  CHECK(small.Send(request).status == 413);
}

WriteReceiverOptions BothProtocols() {
  return {.accepted = {WriteProtocol::kV1, WriteProtocol::kV2}};
}

Message ExemplarV1(const std::string& trace, double value, int64_t ms) {
  return Message()
      .Add(1, test::LabelV1("trace_id", trace))
      .Double(2, value)
      .Varint(3, static_cast<uint64_t>(ms));
}

TEST_CASE_METHOD(Fixture, "exemplars of a request of protocol 1.0 are stored") {
  const Message series = SeriesV1({{"__name__", "hits"}}, {{1000, 1}})
                             .Add(3, ExemplarV1("x", 0.5, 900))
                             .Add(3, ExemplarV1("y", 0.75, 950));
  CHECK(Write(Message().Add(1, series)) == "204");
  CHECK(storage.TakeExemplars() == std::vector<std::string>{R"(hits # {trace_id="x"} 0.5 @900)",
                                                            R"(hits # {trace_id="y"} 0.75 @950)"});
  storage.JudgeExemplars(ExemplarVerdict::kOutOfOrder);
  CHECK(Write(Message().Add(1, series)) == "204");  // as Prometheus does
}

TEST_CASE("exemplars of a request of protocol 2.0 are stored, counted and refused one by one") {
  Fixture fixture(BothProtocols());
  const auto request = [](const std::vector<uint64_t>& references) {
    Message message;
    for (const char* symbol : {"", "__name__", "hits", "trace_id", "x"}) message.Bytes(4, symbol);
    const Message exemplar = Message().PackedVarints(1, references).Double(2, 0.5).Varint(3, 900);
    return message.Add(
        5,
        Message().PackedVarints(1, {1, 2}).Add(2, test::SampleMessage(1000, 1)).Add(4, exemplar));
  };
  const auto send = [&](const Message& message) {
    net::HttpRequest http = Fixture::Request(Snappy(message.text()));
    http.headers.Set("Content-Type", "application/x-protobuf;proto=io.prometheus.write.v2.Request");
    return fixture.Send(http);
  };
  constexpr auto kWritten = "X-Prometheus-Remote-Write-Exemplars-Written";

  net::HttpResponse response = send(request({3, 4}));
  CHECK(response.status == 204);
  CHECK(response.headers.Get(kWritten) == "1");
  CHECK(fixture.storage.TakeExemplars() ==
        std::vector<std::string>{R"(hits # {trace_id="x"} 0.5 @900)"});

  response = send(request({3, 9}));
  CHECK(response.status == 400);
  CHECK(response.headers.Get(kWritten) == "0");
  CHECK(response.headers.Get("X-Prometheus-Remote-Write-Samples-Written") == "1");
  CHECK(response.body.starts_with("parsing exemplar for series hits: "));

  fixture.storage.JudgeExemplars(ExemplarVerdict::kOutOfOrder);
  response = send(request({3, 4}));
  CHECK(response.status == 400);
  CHECK(response.headers.Get(kWritten) == "0");
  CHECK(response.body == "out of order exemplar for series hits\n");
}

/// "name type help unit" for each.
std::vector<std::string> MetadataOf(const WriteReceiver& receiver) {
  std::vector<web::MetricMetadata> all;
  receiver.ListMetadata(all);
  std::vector<std::string> lines;
  for (const auto& [metric, type, help, unit, target] : all) {
    CHECK(target.empty());
    lines.push_back(metric + " " + type + " " + help + " " + unit);
  }
  return lines;
}

TEST_CASE_METHOD(Fixture, "metadata of protocol 1.0 is kept as it was told last") {
  const auto metadata = [](uint64_t type, std::string_view family, std::string_view help) {
    return Message().Varint(1, type).Bytes(2, family).Bytes(4, help).Bytes(5, "seconds");
  };
  CHECK(Write(Message().Add(3, metadata(1, "b", "old")).Add(3, metadata(2, "a", "A."))) == "204");
  CHECK(Write(Message().Add(3, metadata(1, "b", "new")).Add(3, metadata(99, "c", ""))) == "204");
  CHECK(MetadataOf(receiver) == std::vector<std::string>{"a gauge A. seconds",
                                                         "b counter new seconds",
                                                         "c unknown  seconds"});
}

TEST_CASE("metadata of protocol 2.0 comes with series, and is kept by family") {
  Fixture fixture(BothProtocols());
  Message message;
  for (const char* symbol : {"", "__name__", "rpc_bucket", "le", "1", "Help.", "s", "hits_total"}) {
    message.Bytes(4, symbol);
  }
  const auto series = [](const std::vector<uint64_t>& labels, const Message& metadata) {
    return Message().PackedVarints(1, labels).Add(2, test::SampleMessage(1000, 1)).Add(5, metadata);
  };
  message.Add(5, series({1, 2, 3, 4}, Message().Varint(1, 3).Varint(3, 5).Varint(4, 6)));
  message.Add(5, series({1, 7}, Message().Varint(1, 1).Varint(3, 77)));
  message.Add(5, series({1, 6}, Message()));
  net::HttpRequest request = Fixture::Request(Snappy(message.text()));
  request.headers.Set("Content-Type",
                      "application/x-protobuf;proto=io.prometheus.write.v2.Request");
  for (int i = 0; i < 2; ++i) CHECK(fixture.Send(request).status == 204);
  CHECK(MetadataOf(fixture.receiver) ==
        std::vector<std::string>{"hits_total counter  ", "rpc histogram Help. s"});
  CHECK(fixture.metrics.Expose().find(
            "prometheus_api_remote_write_without_metadata_appended_samples_total 2\n") !=
        std::string::npos);
}

TEST_CASE("metadata is bounded: what is told no more makes room") {
  WriteReceiverOptions options;
  options.max_metadata_families = 2;
  Fixture fixture(options);
  const auto tell = [&](std::string_view family, std::string_view help = "") {
    const Message metadata = Message().Varint(1, 1).Bytes(2, family).Bytes(4, help);
    CHECK(fixture.Write(Message().Add(3, metadata)) == "204");
  };
  tell("a");
  tell("b");
  tell("c");
  tell("b", std::string(5000, 'x'));
  CHECK(MetadataOf(fixture.receiver) == std::vector<std::string>{"a counter  ", "b counter  "});
  CHECK(fixture.metrics.Expose().find("barograph_remote_write_metadata_dropped_total 2") !=
        std::string::npos);
  fixture.clock.Advance(std::chrono::minutes(50));
  tell("b");
  fixture.clock.Advance(std::chrono::minutes(20));
  tell("c");
  CHECK(MetadataOf(fixture.receiver) == std::vector<std::string>{"b counter  ", "c counter  "});
}

TEST_CASE("requests beyond those that may wait are put off") {
  WriteReceiverOptions options;
  options.max_concurrency = 1;
  options.max_waiting = 1;
  Fixture fixture(options);
  const net::HttpRequest request = Fixture::Request(Snappy(UpRequest({{1000, 1}}).text()));
  const net::HttpHandler handler = fixture.receiver.Handler();
  std::vector<net::HttpResponse> responses(4);
  // All are begun before one can end, which takes a turn of the context.
  for (net::HttpResponse& response : responses) {
    boost::asio::co_spawn(fixture.context, handler(request),
                          [&](std::exception_ptr thrown, net::HttpResponse answer) {
                            if (thrown) std::rethrow_exception(thrown);
                            response = std::move(answer);
                          });
  }
  fixture.context.run();
  CHECK(responses[0].status == 204);
  CHECK(responses[1].status == 204);
  for (size_t i = 2; i < 4; ++i) {
    CHECK(responses[i].status == 503);
    CHECK(responses[i].headers.Get("Retry-After") == "1");
  }
  CHECK(fixture.metrics.Expose().find("barograph_remote_write_busy_requests_total 2") !=
        std::string::npos);
  CHECK(fixture.Send(request).status == 204);
}

}  // namespace
}  // namespace barograph::server
