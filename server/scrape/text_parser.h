#pragma once

#include "server/scrape/exposition.h"

/// The Prometheus text format, 0.0.4 and 1.0.0: `name{label="value"} 1 1234`, with names outside
/// the legacy scheme quoted inside the braces, HELP and TYPE comments, and milliseconds.
/// Source: prometheus.io/docs/instrumenting/exposition_formats and Prometheus 3's parser, which
/// is more lenient (blanks in many places, labels without commas).
namespace barograph::server {

class TextParser final : public ExpositionParser {
 public:
  explicit TextParser(std::string_view page) : ExpositionParser(page, /*add_newline=*/true) {}

  Result<Entry> Next() override;
  std::string text() const override;

 private:
  Token NextToken() override;
  Token Lex();
  Token LexLineStart();
  Token LexComment();
  Token LexLabels();
  Token Became(Token token, LexState state);

  Result<Entry> ParseMetadata(Token word);
  Status ParseType();
  Result<Entry> ParseComment();
  Result<Entry> ParseSeries(Token first);
  Status ParseTimestamp();
  Entry entry_ = Entry::kEnd;
};

}  // namespace barograph::server
