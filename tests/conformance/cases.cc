#include <algorithm>
#include <boost/json/parse.hpp>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "base/model/sample.h"
#include "tests/conformance/area.h"

namespace barograph::conformance {
namespace json = boost::json;
namespace {

int Base64Digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  throw std::runtime_error("not base64");
}

std::string DecodeBase64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    bits = bits << 6 | static_cast<uint32_t>(Base64Digit(c));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xff);
  }
  return bytes;
}

const json::value* Member(const json::object& object, std::string_view name) {
  const json::value* member = object.if_contains(json::string_view(name.data(), name.size()));
  return member == nullptr || member->is_null() ? nullptr : member;
}

}  // namespace

void Reporter::Pass(std::string_view) { ++passed_; }

void Reporter::Fail(std::string_view id, std::string_view why) {
  ++failed_;
  std::cout << "FAIL " << file_ << " " << id << "\n";
  std::istringstream lines{std::string(why)};
  for (std::string line; std::getline(lines, line);) std::cout << "    " << line << "\n";
}

void Reporter::Expect(std::string_view id, std::string_view got, std::string_view want) {
  if (got == want) return Pass(id);
  Fail(id, "got:  " + std::string(got) + "\nwant: " + std::string(want));
}

void ForEachCase(
    const std::string& path, Reporter& reporter,
    const std::function<void(std::string_view id, const json::object& test)>& run_case) {
  std::istringstream lines(ReadWholeFile(path));
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty()) continue;
    std::string id = "line " + std::to_string(number);
    try {
      const json::value test = json::parse(line);
      id = TextOr(test.as_object(), "id", TextOr(test.as_object(), "file", id));
      run_case(id, test.as_object());
    } catch (const std::exception& error) {
      reporter.Fail(id, std::string("the case cannot be run: ") + error.what());
    }
  }
}

std::string Text(const json::value& value) {
  if (const auto* object = value.if_object()) {
    return DecodeBase64(std::string_view(object->at("b64").as_string()));
  }
  return std::string(std::string_view(value.as_string()));
}

std::string TextOr(const json::object& object, std::string_view name, std::string_view fallback) {
  const json::value* member = Member(object, name);
  return member == nullptr ? std::string(fallback) : Text(*member);
}

double Number(const json::value& value) {
  if (!value.is_string()) return value.to_number<double>();
  const std::string_view text = value.get_string();
  if (text == "NaN") return kNormalNan;
  if (text == "+Inf" || text == "Inf") return kInf;
  if (text == "-Inf") return -kInf;
  throw std::runtime_error("not a number: " + std::string(text));
}

double NumberOr(const json::object& object, std::string_view name, double fallback) {
  const json::value* member = Member(object, name);
  return member == nullptr ? fallback : Number(*member);
}

bool BoolOr(const json::object& object, std::string_view name, bool fallback) {
  const json::value* member = Member(object, name);
  return member == nullptr ? fallback : member->as_bool();
}

std::vector<std::string> TextsOf(const json::object& object, std::string_view name) {
  std::vector<std::string> texts;
  const json::value* member = Member(object, name);
  if (member == nullptr) return texts;
  std::ranges::transform(member->as_array(), std::back_inserter(texts), Text);
  return texts;
}

std::string_view FileName(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string ReadWholeFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return std::move(bytes).str();
}

}  // namespace barograph::conformance
