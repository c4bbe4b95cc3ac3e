#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "promql/parse/lexer.h"
#include "promql/parse/parser.h"

/// The parser's innards. parser.h is what others include.
namespace barograph::promql {

/// What every part of the grammar shares: tokens with one token of look-ahead, and errors.
///
/// Prometheus's parser is generated from a grammar for yacc, and so are its messages: a token that
/// fits nowhere is reported in the words of the innermost rule that has an error alternative. Here
/// a function that meets such a token returns nothing, and each function on the way out that
/// stands for such a rule calls Unexpected(), of which only the first counts.
///
/// A token is read as late as yacc reads it, because a token that cannot be read is an error too,
/// and must come behind the errors of the rules that end before it.
class ParserCore {
 public:
  ParserCore(std::string_view text, Lexer::Language language, const ParserOptions& options)
      : text_(text), options_(options), lexer_(text, language) {}

  ParseErrors TakeErrors() { return std::move(errors_); }
  bool failed() const { return !errors_.empty(); }

  void AddError(PositionRange where, std::string message);

  /// Reports the last token read: `unexpected <it> in <context>, expected <expected>`. Both may be
  /// empty. Does nothing when the parse has stopped already.
  void Unexpected(std::string_view context, std::string_view expected);

  /// Reports, and lets no other message follow.
  void Stop(PositionRange where, std::string message);

  /// The next token, read but not taken.
  const Token& Peek();
  bool NextIs(TokenType type) { return Peek().type == type; }
  Token Take();
  /// Takes the next token if it is of this type.
  bool Accept(TokenType type);

 protected:
  /// The end of the text is all that may follow; else the fallback message.
  void ExpectEnd();

  /// The value of a kNumber or kDuration token that was just taken, in seconds for the latter.
  double NumberOf(const Token& token);
  std::string UnquoteString(const Token& token);

  std::string_view text_;
  const ParserOptions& options_;
  Lexer lexer_;
  Token last_;               // read last
  int last_closing_ = 0;     // the end of the last token that can end an expression
  bool read_ahead_ = false;  // last_ is not taken yet
  bool stopped_ = false;
  ParseErrors errors_;
};

}  // namespace barograph::promql
