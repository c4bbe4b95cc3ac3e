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
      : receiver(std::move(options), storage, metrics, clock, Logger()) {}

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
  CHECK(StatusWith("Content-Type", "application/x-protobuf;proto=io.prometheus.write.v2.Request") ==
        415);
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

}  // namespace
}  // namespace barograph::server
