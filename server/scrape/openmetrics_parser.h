#pragma once

#include "server/scrape/exposition.h"

/// OpenMetrics 1.0 (and 0.0.1) text: exactly one space between parts, seconds, UNIT comments,
/// exemplars, and a last line `# EOF`. Source: prometheus.io/docs/specs/om/open_metrics_spec and
/// Prometheus 3's parser, which checks the lines and not how they belong together.
///
/// `_created` lines are series like others here (scrape_cache.h, PageRules::starts).
namespace barograph::server {

class OpenMetricsParser final : public ExpositionParser {
 public:
  explicit OpenMetricsParser(std::string_view page)
      : ExpositionParser(page, /*add_newline=*/false) {}

  Result<Entry> Next() override;
  std::string text() const override;
  std::optional<ExposedExemplar> exemplar() const override;

  /// Reads what follows a sample's value, from `offset` on (the blank), to the end of the line:
  /// then exemplar(), has_timestamp() and position() tell of it. Errors as of Next, but for the
  /// part of the entry that their messages show.
  Status ReadLineEnd(size_t offset);

 private:
  Token NextToken() override;
  Token LexLineStart();
  Token LexComment();
  Token LexMetaText();
  Token LexLabels(LexState value_state);
  Token LexAfterLabels(LexState next);
  Token LexAfterValue();
  Token Became(Token token, LexState state);
  Token BecameIf(bool found, Token token, LexState state);

  Result<Entry> ParseMetadata(Token word);
  Status ParseType();
  Status CheckUnit() const;
  Result<Entry> ParseSeries(Token first);
  Result<double> ParseNumber(Token token, std::string_view after);
  Result<int64_t> ParseTimestamp(std::string_view what);
  Status ParseLineEnd();
  Status ParseExemplar();
  Entry entry_ = Entry::kEnd;
  bool ended_ = false;

  bool has_exemplar_ = false;
  std::vector<LabelSpans> exemplar_labels_;
  double exemplar_value_ = 0;
  std::optional<int64_t> exemplar_timestamp_ms_;
};

}  // namespace barograph::server
