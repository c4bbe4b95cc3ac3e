#include "server/cli/query_output.h"

#include <catch2/catch.hpp>

namespace barograph::server::cli {
namespace {

TEST_CASE("answers are shown one series a line") {
  CHECK(*FormatAnswer(R"({"status":"success","data":{"resultType":"vector","result":[
      {"metric":{"__name__":"up","job":"a"},"value":[1435781451.781,"1"]}]}})",
                      false) == "up{job=\"a\"} => 1 @[1435781451.781]\n");
  CHECK(*FormatAnswer(R"({"status":"success","data":{"resultType":"scalar","result":[10,"3"]}})",
                      false) == "scalar: 3 @[10]\n");
  CHECK(*FormatAnswer(R"({"status":"success","data":{"resultType":"matrix","result":[
      {"metric":{},"values":[[1,"2"],[3,"NaN"]]}]}})",
                      false) == "{} =>\n2 @[1]\nNaN @[3]\n");
  CHECK(*FormatAnswer(R"({"status":"success","data":["a","b"]})", false) == "a\nb\n");
  CHECK(*FormatAnswer(R"({"status":"success","data":[{"__name__":"up"}]})", false) == "up\n");
}

TEST_CASE("answers can be shown as JSON") {
  CHECK(*FormatAnswer(R"({"status":"success","data":{"resultType":"scalar","result":[10,"3"]}})",
                      true) == "[10,\"3\"]\n");
}

TEST_CASE("an answer that is an error, or none of the API's, is an error") {
  const auto refused =
      FormatAnswer(R"({"status":"error","errorType":"bad_data","error":"parse error"})", false);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message == "bad_data: parse error");
  for (const char* body : {"", "<html>", "[]", "{}", R"({"status":"success","data":1})",
                           R"({"status":"success","data":{"resultType":"vector","result":[1]}})"}) {
    CHECK_FALSE(FormatAnswer(body, false).has_value());
  }
}

}  // namespace
}  // namespace barograph::server::cli
