#include "server/scrape/page_lexer.h"

#include <algorithm>
#include <array>

namespace barograph::server {
namespace {

// A message quotes at most this much of a page.
constexpr size_t kMaxMessageBytes = 1024;

constexpr uint8_t kLetter = 1;
constexpr uint8_t kDigit = 2;
constexpr uint8_t kColon = 4;

constexpr auto kClasses = [] {
  std::array<uint8_t, 256> classes{};
  for (int c = 'a'; c <= 'z'; ++c) classes[static_cast<size_t>(c)] = kLetter;
  for (int c = 'A'; c <= 'Z'; ++c) classes[static_cast<size_t>(c)] = kLetter;
  for (int c = '0'; c <= '9'; ++c) classes[static_cast<size_t>(c)] = kDigit;
  classes['_'] = kLetter;
  classes[':'] = kColon;
  return classes;
}();

bool Is(int byte, uint8_t wanted) {
  return byte >= 0 && (kClasses[static_cast<size_t>(byte)] & wanted) != 0;
}

}  // namespace

std::string_view ToString(Token token) {
  switch (token) {
    case Token::kInvalid: return "INVALID";
    case Token::kEnd: return "EOF";
    case Token::kLinebreak: return "LINEBREAK";
    case Token::kWhitespace: return "WHITESPACE";
    case Token::kHelp: return "HELP";
    case Token::kType: return "TYPE";
    case Token::kUnit: return "UNIT";
    case Token::kEofWord: return "EOFWORD";
    case Token::kText: return "TEXT";
    case Token::kComment: return "COMMENT";
    case Token::kMetricName: return "MNAME";
    case Token::kQuotedString: return "QSTRING";
    case Token::kBraceOpen: return "BOPEN";
    case Token::kBraceClose: return "BCLOSE";
    case Token::kLabelName: return "LNAME";
    case Token::kLabelValue: return "LVALUE";
    case Token::kComma: return "COMMA";
    case Token::kEqual: return "EQUAL";
    case Token::kTimestamp: return "TIMESTAMP";
    case Token::kValue: return "VALUE";
  }
  return "INVALID";
}

std::string_view PageLexer::BytesForMessage(size_t begin, size_t end) const {
  begin = std::min(begin, page_.size());
  return page_.substr(begin, std::min(end - begin, kMaxMessageBytes));
}

bool PageLexer::TakeByte(char wanted) {
  if (Peek() != wanted) return false;
  Advance();
  return true;
}

bool PageLexer::TakeWord(std::string_view word) {
  return std::ranges::all_of(word, [this](char c) { return TakeByte(c); });
}

bool PageLexer::TakeName(bool colons) {
  const uint8_t first = kLetter | (colons ? kColon : 0);
  if (!Is(Peek(), first)) return false;
  do Advance();
  while (Is(Peek(), first | kDigit));
  return true;
}

size_t PageLexer::TakeBlanks() {
  const size_t before = at_;
  while (Peek() == ' ' || Peek() == '\t') Advance();
  return at_ - before;
}

bool PageLexer::TakeDigits() {
  if (!Is(Peek(), kDigit)) return false;
  while (Is(Peek(), kDigit)) Advance();
  return true;
}

bool PageLexer::TakeUntil(std::string_view stops) {
  const size_t before = at_;
  for (int byte = Peek(); byte > 0 && stops.find(static_cast<char>(byte)) == stops.npos;
       byte = Peek()) {
    Advance();
  }
  return at_ != before;
}

void PageLexer::TakeLine() {
  const size_t newline = page_.find('\n', std::min(at_, page_.size()));
  at_ = newline == page_.npos ? std::max(at_, page_.size()) : newline;
}

bool PageLexer::TakeQuoted(bool newlines_allowed, bool nuls_allowed) {
  if (Peek() != '"') return false;
  const auto advance = [&] { nuls_allowed ? AdvanceOverNuls() : Advance(); };
  for (advance();; advance()) {
    const int byte = Peek();
    if (byte == '"') break;
    if (byte <= 0 || (byte == '\n' && !newlines_allowed)) return false;
    if (byte != '\\') continue;
    advance();
    if (Peek() <= 0 || Peek() == '\n') return false;
  }
  Advance();
  return true;
}

}  // namespace barograph::server
