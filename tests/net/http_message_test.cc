#include "net/http_message.h"

#include <catch2/catch.hpp>

#include "net/compression.h"
#include "net/url.h"

namespace barograph::net {
namespace {

TEST_CASE("Header names compare without regard to case") {
  HttpHeaders headers;
  headers.Add("Accept", "a");
  headers.Add("ACCEPT", "b");
  CHECK(headers.Get("accept") == "a");
  headers.Set("aCCept", "c");
  CHECK(headers.fields().size() == 1);
  CHECK_FALSE(headers.Has("X"));
}

TEST_CASE("A form is decoded, odd escapes are kept") {
  const auto form = FormValues::Parse("a=1&b=x+y%2B&a=%zz&&c&=d&e=%4");
  CHECK(form.GetAll("a") == std::vector<std::string_view>{"1", "%zz"});
  CHECK(form.Get("b") == "x y+");
  CHECK(form.Has("c"));
  CHECK(form.Get("") == "d");
  CHECK(form.Get("e") == "%4");
}

TEST_CASE("A form that is encoded decodes to itself") {
  FormValues form;
  form.Add("match[]", "up{a=\"b c\"}&\xff+");
  CHECK(form.Encode() == "match%5B%5D=up%7Ba%3D%22b%20c%22%7D%26%FF%2B");
  CHECK(FormValues::Parse(form.Encode()).Get("match[]") == form.Get("match[]"));
}

TEST_CASE("A plus is a space in a query and a plus in a path") {
  CHECK(UrlDecode("a+b%2B") == "a b+");
  CHECK(PathDecode("a+b%2B%2F") == "a+b+/");
}

TEST_CASE("URLs are taken apart and put together") {
  const auto whole = Url::Parse("HTTPS://example.org:8443/a/b?c=d#e");
  REQUIRE(whole);
  CHECK(*whole == Url{"https", "example.org", "8443", "/a/b?c=d"});
  CHECK(whole->ToString() == "https://example.org:8443/a/b?c=d");
  CHECK(Url::Parse("http://h")->target == "/");
  CHECK(Url::Parse("http://h?x")->target == "/?x");
  CHECK(Url::Parse("http://h:80/")->Authority() == "h");
  CHECK(*Url::Parse("http://[::1]:9090/x") == Url{"http", "::1", "9090", "/x"});
  CHECK(Url::Parse("http://[::1]/")->Authority() == "[::1]");
}

TEST_CASE("What is no URL of a server is refused") {
  for (const auto* bad : {"", "example.org", "ftp://h/", "http://", "http:///x", "http://h:x/",
                          "http://h:99999/", "http://a b/", "http://h/\r\nX: y", "http://[::1",
                          "http://a:b:c/", "http://user:password@h/", "http://[::1]x/"})
    CHECK_FALSE(Url::Parse(bad));
}

TEST_CASE("A reference is resolved against the URL it was found at") {
  const Url base = *Url::Parse("https://h:1/a/b?c");
  for (const auto& [reference, result] : std::vector<std::pair<std::string, std::string>>{
           {"http://x/y", "http://x/y"},
           {"//x/y", "https://x/y"},
           {"/y", "https://h:1/y"},
           {"y?z", "https://h:1/a/y?z"},
           {"?z", "https://h:1/a/b?z"},
           {"", "https://h:1/a/b?c"},
           {"y?u=http://z", "https://h:1/a/y?u=http://z"}})
    CHECK(base.Resolve(reference)->ToString() == result);
}

TEST_CASE("What is compressed unpacks to itself, within the limit only") {
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += std::to_string(i * 7919);
  BodyBuffer out;
  REQUIRE(GunzipInto(Compress(text, ContentEncoding::kGzip), 0, out));
  CHECK((out.view() == text));
  REQUIRE(GunzipInto(Compress("", ContentEncoding::kGzip), 0, out));
  CHECK(out.view().empty());
  REQUIRE(GunzipInto(Compress(text, ContentEncoding::kGzip), text.size(), out));
  const Status over = GunzipInto(Compress(text, ContentEncoding::kGzip), text.size() - 1, out);
  REQUIRE_FALSE(over);
  CHECK(over.error().code == ErrorCode::kLimitExceeded);
}

}  // namespace
}  // namespace barograph::net
