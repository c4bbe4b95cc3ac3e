#include "base/bytes/json_text.h"

#include "base/bytes/utf8.h"

namespace barograph {
namespace {

void AppendControl(std::string& out, char c) {
  switch (c) {
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    default:
      out += "\\u00";
      out += "0123456789abcdef"[c >> 4];
      out += "0123456789abcdef"[c & 0xf];
  }
}

}  // namespace

void AppendJsonText(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    if (rune.code == '"' || rune.code == '\\') {
      out += '\\';
      out += text[0];
    } else if (rune.code < 0x20) {
      AppendControl(out, text[0]);
    } else {
      out += rune.valid ? text.substr(0, rune.size) : kReplacementText;
    }
    text.remove_prefix(rune.size);
  }
  out += '"';
}

}  // namespace barograph
