#include "base/yaml/writer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/model/number.h"

namespace barograph {
namespace {

/// Whether a plain scalar of that text would be read as something that is not a string.
bool LooksTyped(std::string_view text) {
  static constexpr std::array<std::string_view, 13> kWords = {
      "null", "~", "true", "false", "yes", "no", "on", "off", "y", "n", "<<", "=", ".nan"};
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  if (std::ranges::count(kWords, lower) > 0) return true;
  // Everything that may be a number, date or sexagesimal: quoting one too many does no harm.
  return text.find_first_not_of("0123456789.,_:+-eExXoOabcdefABCDEFTZ ") == text.npos &&
         text.find_first_of("0123456789") != text.npos && text.find_first_of("+-.0123456789") == 0;
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
  if (NeedsEscapes(text)) return Quote(text);
  if (text.empty()) return "\"\"";
  return NeedsQuotes(text) ? SingleQuoted(text) : std::string(text);
}

void YamlWriter::Field(std::string_view key, std::string_view value) {
  Key(key, " " + YamlScalar(value));
}

void YamlWriter::Field(std::string_view key, bool value) { Key(key, value ? " true" : " false"); }

void YamlWriter::Field(std::string_view key, uint64_t value) {
  Key(key, " " + std::to_string(value));
}

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
