#include <catch2/catch.hpp>

#include "server/cli/flag_set.h"
#include "server/cli/serve_flags.h"

namespace barograph::server::cli {
namespace {

using namespace std::chrono_literals;

ServerOptions Parse(const Arguments& arguments) {
  auto request = ParseServeFlags(arguments);
  if (!request) FAIL(request.error().message);
  return request->options;
}

std::string ParseError(const Arguments& arguments) {
  const auto request = ParseServeFlags(arguments);
  return request ? "" : request.error().message;
}

TEST_CASE("without flags the defaults are Prometheus's") {
  const ServerOptions options = Parse({});
  CHECK(options.config_file == "prometheus.yml");
  CHECK_FALSE(options.config_file_given);
  CHECK(options.listen_addresses == std::vector<std::string>{"0.0.0.0:9090"});
  CHECK(options.flags.at("storage.tsdb.path") == "data/");
  CHECK(options.flags.at("query.lookback-delta") == "5m");
  CHECK(options.flags.at("query.max-samples") == "50000000");
  CHECK(options.flags.at("query.max-memory") == "2147483648");
  CHECK(options.flags.at("web.enable-lifecycle") == "false");
}

TEST_CASE("values come after a space or an equals sign") {
  const ServerOptions options =
      Parse({"--config.file=x.yml", "--storage.tsdb.path", "/data", "--query.timeout=30s",
             "--query.max-samples=5e7", "--web.enable-lifecycle", "--no-scrape.adjust-timestamps",
             "--web.route-prefix=", "--web.external-url", "http://x/y"});
  CHECK(options.config_file == "x.yml");
  CHECK(options.config_file_given);
  CHECK(options.storage_path == "/data");
  CHECK(options.query_timeout == 30s);
  CHECK(options.query_max_samples == 50'000'000);
  CHECK(options.enable_lifecycle);
  CHECK_FALSE(options.adjust_timestamps);
  CHECK(options.route_prefix.empty());
  CHECK(options.external_url == "http://x/y");
  CHECK(options.flags.at("web.enable-lifecycle") == "true");
}

TEST_CASE("a list flag can be repeated, and replaces its default") {
  const ServerOptions options =
      Parse({"--web.listen-address=127.0.0.1:1", "--web.listen-address", "127.0.0.1:2",
             "--enable-feature=a,b", "--enable-feature=c"});
  CHECK(options.listen_addresses == std::vector<std::string>{"127.0.0.1:1", "127.0.0.1:2"});
  CHECK(options.features == std::vector<std::string>{"a,b", "c"});
}

TEST_CASE("flags of the Go runtime are taken and do nothing") {
  Parse({"--auto-gomaxprocs", "--no-auto-gomemlimit", "--auto-gomemlimit.ratio=0.5"});
}

TEST_CASE("an unknown flag is refused with a guess") {
  CHECK(ParseError({"--config.fil=x"}) ==
        "unknown long flag '--config.fil', did you mean '--config.file'?");
  CHECK(ParseError({"--foo", "bar"}) == "unknown long flag '--foo'");
  CHECK(ParseError({"-x"}) == "unknown short flag '-x'");
  CHECK(ParseError({"bar"}) == "unexpected bar");
  CHECK(ParseError({"--web.enable-otlp-receiver"}) ==
        "flag '--web.enable-otlp-receiver' is not supported yet");
}

TEST_CASE("a value that does not fit is refused") {
  CHECK(ParseError({"--query.timeout=soon"}) ==
        "--query.timeout: not a valid duration string: \"soon\"");
  CHECK(ParseError({"--query.max-samples=-1"}) ==
        "--query.max-samples: not a whole number: \"-1\"");
  CHECK(ParseError({"--storage.tsdb.retention.time=long"}) ==
        "--storage.tsdb.retention.time: not a valid duration string: \"long\"");
  CHECK(ParseError({"--storage.tsdb.retention.size=5"}) ==
        "--storage.tsdb.retention.size: units: unknown unit  in 5");
  CHECK(ParseError({"--storage.tsdb.max-block-duration=1h"}) ==
        "--storage.tsdb.max-block-duration: must not be less than "
        "--storage.tsdb.min-block-duration");
  CHECK(ParseError({"--log.level=loud"}) ==
        "--log.level: enum value must be one of debug,info,warn,error, got 'loud'");
  CHECK(ParseError({"--web.listen-address=9090"}) ==
        "--web.listen-address: address 9090: missing port in address");
  CHECK_FALSE(ParseError({"--web.cors.origin=("}).empty());
  CHECK_FALSE(ParseError({"--config.file"}).empty());
}

TEST_CASE("help lists the flags that are not hidden") {
  const auto request = ParseServeFlags({"--help"});
  REQUIRE(request.has_value());
  CHECK(request->help.find("--web.listen-address") != std::string::npos);
  CHECK(request->help.find("gomaxprocs") == std::string::npos);
}

TEST_CASE("the closest name is the one with the fewest changes, if they are few") {
  const std::vector<std::string> names = {"query", "serve", "check"};
  CHECK(ClosestName("qeury", names) == "query");
  CHECK(ClosestName("chek", names) == "check");
  CHECK(ClosestName("banana", names).empty());
}

}  // namespace
}  // namespace barograph::server::cli
