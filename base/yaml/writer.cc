#include "base/yaml/writer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/model/labels.h"
#include "base/model/number.h"
#include "base/yaml/base64.h"

namespace barograph {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

/// 12, 1.5e3, 0x1f, 1_000: also what is only nearly a number, where quotes do no harm.
bool LooksNumeric(std::string_view text) {
  if (text.front() == '+' || text.front() == '-') text.remove_prefix(1);
  if (text.starts_with("0x") || text.starts_with("0o") || text.starts_with("0b")) return true;
  if (text.find_first_of("0123456789") == text.npos) return false;
  return text.find_first_not_of("0123456789._eE+-") == text.npos &&
         text.find('.') == text.rfind('.');
}

/// 12:30: a number to the base 60, as YAML 1.1 has it.
bool LooksSexagesimal(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == 0 || colon == text.npos) return false;
  if (text.find_first_not_of("0123456789:_") != text.npos) return false;
  return text.size() - text.rfind(':') <= 3;
}

bool LooksLikeDate(std::string_view text) {
  return text.size() > 5 && std::ranges::all_of(text.substr(0, 4), IsDigit) && text[4] == '-';
}

/// Whether a plain scalar of that text would be read as something that is not a string.
bool LooksTyped(std::string_view text) {
  static constexpr std::array<std::string_view, 16> kWords = {
      "null", "~", "true", "false", "yes",  "no",   "on",    "off",
      "y",    "n", "<<",   "=",     ".nan", ".inf", "+.inf", "-.inf"};
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return std::ranges::count(kWords, lower) > 0 || LooksNumeric(text) || LooksSexagesimal(text) ||
         LooksLikeDate(text);
}

bool NeedsQuotes(std::string_view text) {
  if (text.empty() || LooksTyped(text)) return true;
  if (text.front() == ' ' || text.back() == ' ' || text.back() == ':') return true;
  if (std::string_view("!&*#%@`'\"[]{},|>").find(text.front()) != text.npos) return true;
  if (std::string_view("-?:").find(text.front()) != text.npos &&
      (text.size() == 1 || text[1] == ' ')) {
    return true;
  }
  return text.find(": ") != text.npos || text.find(" #") != text.npos;
}

bool NeedsEscapes(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte >= 0x7f;
  });
}

std::string SingleQuoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    out += c;
    if (c == '\'') out += c;
  }
  return out + "'";
}

}  // namespace

std::string YamlScalar(std::string_view text) {
  if (!IsValidUtf8(text)) return "!!binary " + EncodeBase64(text);
  if (NeedsEscapes(text)) return Quote(text);
  if (text.empty()) return "\"\"";
  return NeedsQuotes(text) ? SingleQuoted(text) : std::string(text);
}

void YamlWriter::Field(std::string_view key, std::string_view value) {
  Key(key, " " + YamlScalar(value));
}

void YamlWriter::Field(std::string_view key, bool value) { Key(key, value ? " true" : " false"); }

void YamlWriter::Field(std::string_view key, int64_t value) {
  Key(key, " " + std::to_string(value));
}

void YamlWriter::Field(std::string_view key, uint64_t value) {
  Key(key, " " + std::to_string(value));
}

void YamlWriter::Field(std::string_view key, double value) { Key(key, fmt::format(" {}", value)); }

void YamlWriter::Field(std::string_view key, const std::vector<std::string>& values) {
  Key(key, values.empty() ? " []" : "");
  for (const std::string& value : values) Line("- " + YamlScalar(value));
}

void YamlWriter::FlowField(std::string_view key, const std::vector<std::string>& values) {
  std::vector<std::string> scalars;
  for (const std::string& value : values) {
    const bool plain = value.find_first_of(",[]{}") == value.npos;
    scalars.push_back(plain ? YamlScalar(value) : SingleQuoted(value));
  }
  Key(key, fmt::format(" [{}]", fmt::join(scalars, ", ")));
}

void YamlWriter::BeginMap(std::string_view key) {
  Key(key, "");
  indent_ += 2;
}

void YamlWriter::BeginItem() {
  at_item_ = true;
  indent_ += 2;
}

void YamlWriter::Key(std::string_view key, std::string_view rest) {
  Line(YamlScalar(key) + ":" + std::string(rest));
}

void YamlWriter::Line(std::string_view text) {
  if (at_item_) {
    text_.append(indent_ - 2, ' ');
    text_ += "- ";
    at_item_ = false;
  } else {
    text_.append(indent_, ' ');
  }
  text_ += text;
  text_ += '\n';
}

}  // namespace barograph
