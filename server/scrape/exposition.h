#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/model/labels.h"
#include "base/result.h"
#include "server/scrape/page_lexer.h"

/// What a scraped page says, line by line. Both text formats are pull parsers over the page's
/// bytes with this common face: Next() reads one entry, and the accessors tell of it until the
/// next call. Nothing is copied or allocated (but for the first few entries, until the span list
/// has its size); labels are put together only when asked for.
///
/// Messages of errors are Prometheus's, since they are what people search for: what was expected,
/// the token that came, and the entry so far.
namespace barograph::server {

enum class MetricType : uint8_t {
  kUnknown,
  kCounter,
  kGauge,
  kHistogram,
  kGaugeHistogram,
  kSummary,
  kInfo,
  kStateset,
};
std::string_view ToString(MetricType type);

enum class Entry : uint8_t { kEnd, kSeries, kHelp, kType, kUnit, kComment };

/// An exemplar as a page has it: where it has no timestamp, its sample's holds.
struct ExposedExemplar {
  Labels labels;
  double value = 0;
  std::optional<int64_t> timestamp_ms;
};

/// Not thread-safe; the page must outlive it.
class ExpositionParser {
 public:
  virtual ~ExpositionParser() = default;

  /// Reads the next entry; kEnd after the last, again and again. InvalidArgument where the page
  /// breaks its format; the parser must not be used further then.
  virtual Result<Entry> Next() = 0;

  /// Goes to `offset`, which must be the start of a line, as if the lines before it had been read
  /// and the last TYPE among them had said `type`.
  void Seek(size_t offset, MetricType type);

  /// Where the next entry starts.
  size_t position() const { return lexer_.at(); }
  /// Where the current entry starts, with the blanks before it.
  size_t entry_offset() const { return entry_begin_; }
  /// What the last TYPE line said.
  MetricType type() const { return type_; }

  // Of a series:
  std::string_view series() const { return Bytes(series_); }  ///< name and labels as written
  size_t value_offset() const { return value_offset_; }       ///< where the value's text starts
  double value() const { return value_; }
  bool has_timestamp() const { return has_timestamp_; }
  int64_t timestamp_ms() const { return timestamp_ms_; }

  /// The series' labels, unescaped. `le` of a histogram and `quantile` of a summary are in
  /// OpenMetrics's canonical form (1 becomes 1.0), so that both formats give the same series.
  /// InvalidArgument when a label comes twice.
  Result<Labels> labels() const;

  /// The example that came with the series' value, where the format has such.
  virtual std::optional<ExposedExemplar> exemplar() const { return std::nullopt; }

  /// Of HELP, TYPE and UNIT: the metric family.
  std::string_view family() const { return Bytes(name_); }
  /// Of HELP: the text, unescaped; of UNIT: the unit; of a comment: the line.
  virtual std::string text() const = 0;

 protected:
  /// A run of the page's bytes.
  struct Span {
    size_t begin = 0;
    size_t end = 0;
  };
  struct LabelSpans {
    Span name;
    Span value;
  };
  /// In which ways lists of labels differ.
  struct LabelListRules {
    bool commas_needed;     ///< between labels
    bool metric_name_here;  ///< a quoted string alone names the metric
  };

  ExpositionParser(std::string_view page, bool add_newline) : lexer_(page, add_newline) {}

  virtual Token NextToken() = 0;

  /// Reads on from an open brace to behind its close.
  Status ParseLabels(LabelListRules rules);
  /// HELP, TYPE and UNIT: what follows the word, as name_ and text_.
  Status ParseFamilyName(Token word);
  Status CheckHelp() const;

  /// `wanted`, the token that came, and the entry so far.
  std::unexpected<Error> Unexpected(std::string_view wanted, Token got) const;
  /// `what while parsing: "..."`
  std::unexpected<Error> Invalid(std::string_view what) const;

  std::string_view Bytes(Span span) const { return lexer_.Bytes(span.begin, span.end); }
  Span token_span() const { return {lexer_.token_begin(), lexer_.at()}; }

  PageLexer lexer_;
  LexState state_ = LexState::kLineStart;
  size_t entry_begin_ = 0;
  MetricType type_ = MetricType::kUnknown;
  Span series_;
  Span name_;
  bool has_name_ = false;
  std::vector<LabelSpans> labels_;
  Span text_;
  size_t value_offset_ = 0;
  double value_ = 0;
  bool has_timestamp_ = false;
  int64_t timestamp_ms_ = 0;
};

/// A value as a page writes it. The message is that of Go's strconv, which Prometheus shows:
/// `strconv.ParseFloat: parsing "x": invalid syntax`.
Result<double> ParseSampleValue(std::string_view text);

/// 1 becomes 1.0, 1e3 becomes 1000.0; what is no number stays as it is.
std::string CanonicalFloat(std::string_view text);

/// Replaces \\, \n and \" by what they stand for.
std::string UnescapeLabelValue(std::string_view text);
/// Replaces \\ and \n, as HELP texts of the Prometheus format have them.
std::string UnescapeHelp(std::string_view text);

}  // namespace barograph::server
