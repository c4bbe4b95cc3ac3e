#include "base/log.h"

#include <catch2/catch.hpp>
#include <regex>

#include "tests/support/memory_sink.h"

namespace barograph {
namespace {

using test::MemorySink;

// The line without its time and source, which change; both are checked for their form.
std::string Stable(const std::string& line, LogFormat format) {
  static const std::regex kLogfmt(
      R"re(^time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=([A-Z]+) source=log_test\.cc:\d+ )re");
  static const std::regex kJson(
      R"re(^\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","level":"([A-Z]+)",)re"
      R"re("source":"log_test\.cc:\d+",)re");
  std::smatch match;
  const bool fits = std::regex_search(line, match, format == LogFormat::kLogfmt ? kLogfmt : kJson);
  CAPTURE(line);
  REQUIRE(fits);
  return match[1].str() + " " + match.suffix().str();
}

TEST_CASE("Lines are logfmt in the order time, level, source, msg, fields") {
  const auto sink = std::make_shared<MemorySink>();
  const Logger logger = MemorySink::MakeLogger(sink).With({{"component", "tsdb"}});
  logger.Info("Head GC completed", {{"duration", "1m"}, {"series", 12}, {"ratio", 0.5}});
  logger.Warn("bad", {{"ok", false}, {"err", Error{ErrorCode::kIo, "open x: \"no\""}}});
  logger.Error("", {{"a key", "a=b"}, {"empty", ""}, {"line", "1\n2"}});
  logger.Debug("plain", {{"path", "C:\\x"}, {"name", "é"}, {"odd", "\u200b"}, {"bytes", "\xff"}});
  const auto lines = sink->lines();
  REQUIRE(lines.size() == 4);
  const auto stable = [&](size_t i) { return Stable(lines[i], LogFormat::kLogfmt); };
  CHECK(stable(0) ==
        R"(INFO msg="Head GC completed" component=tsdb duration=1m series=12 ratio=0.5)");
  CHECK(stable(1) == R"(WARN msg=bad component=tsdb ok=false err="open x: \"no\"")");
  CHECK(stable(2) == R"(ERROR msg="" component=tsdb "a key"="a=b" empty="" line="1\n2")");
  CHECK(stable(3) ==
        R"(DEBUG msg=plain component=tsdb path=C:\x name=é odd="\u200b" bytes="\xff")");
}

TEST_CASE("Lines are JSON when asked for, with numbers and booleans as such") {
  const auto sink = std::make_shared<MemorySink>();
  const Logger logger =
      MemorySink::MakeLogger(sink, LogFormat::kJson).With({{"component", "a\"b"}});
  logger.Info("x\ny", {{"n", -3}, {"f", 1e9}, {"nan", 0.0 / 0.0}, {"b", true}, {"t", "\xff\x01"}});
  CHECK(Stable(sink->lines().at(0), LogFormat::kJson) ==
        "INFO \"msg\":\"x\\ny\",\"component\":\"a\\\"b\",\"n\":-3,\"f\":1e+09,\"nan\":\"NaN\","
        "\"b\":true,\"t\":\"\ufffd\\u0001\"}");
}

TEST_CASE("Lines below the level are not written, and a logger without a sink writes none") {
  const auto sink = std::make_shared<MemorySink>();
  const Logger logger(sink, LogLevel::kWarn, LogFormat::kLogfmt);
  logger.Info("no");
  logger.Warn("yes");
  CHECK(sink->Count(LogLevel::kWarn, "msg=yes") == 1);
  CHECK(sink->lines().size() == 1);
  CHECK_FALSE(logger.enabled(LogLevel::kDebug));
  const Logger nothing;
  nothing.Error("no");
  CHECK_FALSE(nothing.enabled(LogLevel::kError));
}

TEST_CASE("Levels and formats have Prometheus's names") {
  CHECK(ParseLogLevel("debug") == LogLevel::kDebug);
  CHECK(ParseLogLevel("error") == LogLevel::kError);
  CHECK_FALSE(ParseLogLevel("WARN").has_value());
  CHECK(ParseLogFormat("json") == LogFormat::kJson);
  CHECK_FALSE(ParseLogFormat("xml").has_value());
}

}  // namespace
}  // namespace barograph
