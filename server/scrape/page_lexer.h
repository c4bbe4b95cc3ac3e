#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

/// Cuts the lines of an exposition page into tokens. What may come depends on the state, that is,
/// on where in a line the lexer stands; the rules of both text formats are in their parsers, which
/// are made of the primitives here.
namespace barograph::server {

enum class Token : uint8_t {
  kInvalid,
  kEnd,
  kLinebreak,
  kWhitespace,
  kHelp,
  kType,
  kUnit,
  kEofWord,
  kText,
  kComment,
  kMetricName,
  kQuotedString,
  kBraceOpen,
  kBraceClose,
  kLabelName,
  kLabelValue,
  kComma,
  kEqual,
  kTimestamp,
  kValue,
};
/// The token's name as Prometheus's messages have it, such as "MNAME".
std::string_view ToString(Token token);

enum class LexState : uint8_t {
  kLineStart,
  kComment,
  kMetaName,
  kMetaText,
  kLabels,
  kLabelValue,
  kValue,
  kTimestamp,
  kExemplarLabels,
  kExemplarValue,
  kExemplarTimestamp,
};

/// A position in a page and the start of the token that ends there. Where a token is not what a
/// rule asks for, `at` stays on the byte that is wrong, for the message.
class PageLexer {
 public:
  static constexpr int kNoByte = -1;

  /// With `add_newline` the page reads as if one more newline followed it.
  PageLexer(std::string_view page, bool add_newline)
      : page_(page), size_(page.size() + (add_newline ? 1 : 0)) {}

  std::string_view page() const { return page_; }
  size_t at() const { return at_; }
  size_t token_begin() const { return token_begin_; }
  bool done() const { return at_ >= size_; }
  void Seek(size_t at) { at_ = token_begin_ = at; }
  void BeginToken() { token_begin_ = at_; }

  /// The bytes [begin, end), without the added newline.
  std::string_view Bytes(size_t begin, size_t end) const {
    return page_.substr(begin, end - begin);
  }
  std::string_view token() const { return Bytes(token_begin_, at_); }
  /// The same for messages, cut after some hundred bytes; the added newline shows.
  std::string_view BytesForMessage(size_t begin, size_t end) const;
  /// One past the byte at which the lexer stands.
  size_t end_for_message() const { return at_ < size_ ? at_ + 1 : size_; }

  /// The byte at the position; kNoByte at the end.
  int Peek() const {
    if (at_ < page_.size()) [[likely]]
      return static_cast<unsigned char>(page_[at_]);
    return at_ < size_ ? '\n' : kNoByte;
  }
  void Advance() { ++at_; }
  /// Advances, and goes over NULs: they may stand in label values and help texts.
  void AdvanceOverNuls() {
    do ++at_;
    while (at_ < page_.size() && page_[at_] == '\0');
  }

  /// Each takes what it can and tells whether it found all it needs.
  bool TakeByte(char wanted);
  bool TakeWord(std::string_view word);
  bool TakeName(bool colons);  ///< a legacy label name, or with colons a metric name
  size_t TakeBlanks();         ///< spaces and tabs
  bool TakeDigits();
  /// All bytes up to one of `stops` or a NUL; false for none.
  bool TakeUntil(std::string_view stops);
  /// The rest of the line, without its newline.
  void TakeLine();
  /// A text in double quotes with backslash escapes.
  bool TakeQuoted(bool newlines_allowed, bool nuls_allowed);

 private:
  std::string_view page_;
  size_t size_;
  size_t at_ = 0;
  size_t token_begin_ = 0;
};

}  // namespace barograph::server
