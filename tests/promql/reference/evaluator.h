#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/storage/queryable.h"
#include "promql/engine.h"
#include "promql/parse/ast.h"
#include "tests/promql/reference/histogram.h"

/// A second PromQL: a plain reading of the language's documentation, one step at a time and one
/// series at a time, for the engine to be compared with. It shares the parser and the model types
/// with the engine and nothing else, and is written to be read, not to be fast.
namespace barograph::promql::reference {

/// A query that fails; what() is the message.
struct QueryError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A float, or the histogram where there is one.
struct Point {
  int64_t ms = 0;
  double f = 0;
  HistogramPtr h;
  bool stale = false;
  HistogramPtr totals;   // of h: its count and sum alone
  int64_t start_ms = 0;  // when what it counts began, 0 where nobody told
};

/// An element of an instant vector. `drop_name`: the name goes when the query is done
/// (--enable-feature=promql-delayed-name-removal).
struct Sample {
  Labels labels;
  bool drop_name = false;
  double f = 0;
  HistogramPtr h;
  int64_t ms = 0;  // when it was taken, where it comes from a selector
  int64_t start_ms = 0;
};
using InstantVector = std::vector<Sample>;
inline Sample Nameless(double value, Labels labels = {}) {
  return {std::move(labels), false, value, nullptr, 0, 0};
}

/// The samples of one series in (start, end].
struct Window {
  Labels labels;
  bool drop_name = false;
  std::vector<Point> points;
};
struct RangeVector {
  std::vector<Window> series;
  int64_t start_ms = 0, end_ms = 0;
  bool anchored = false, smoothed = false;  // the windows then hold samples outside the range

  double seconds() const { return static_cast<double>(end_ms - start_ms) / 1000; }
};

using AnyValue = std::variant<double, std::string, InstantVector>;

/// All samples of a storage, series in the order in which it gives them.
class Data {
 public:
  explicit Data(const Queryable& storage);

  struct Series {
    Labels labels;
    std::vector<Point> points;
  };
  const std::vector<Series>& series() const { return series_; }

 private:
  std::vector<Series> series_;
};

struct Options {
  int64_t lookback_ms = 300'000;
  int64_t subquery_step_ms = 60'000;
  bool delayed_name_removal = false;
  bool use_start_timestamps = false;
};

/// A query's answer, as the engine's Run gives it; without statistics.
Result<QueryResult> Evaluate(std::string_view query, const Data& data, QueryTimes times,
                             const Options& options);

/// Evaluates expressions at single instants.
class Evaluator {
 public:
  Evaluator(std::string_view query, const Data& data, QueryTimes times, const Options& options)
      : query_(query),
        data_(data),
        times_(times),
        options_(options),
        has_many_steps_(times.start != times.end) {}

  AnyValue Eval(const Expr& expr, int64_t ms);
  RangeVector EvalRange(const Expr& expr, int64_t ms);
  Annotations annotations() const;

  // The rest is for the functions.
  double ScalarOf(const Expr& expr, int64_t ms) { return std::get<double>(Eval(expr, ms)); }
  InstantVector VectorOf(const Expr& expr, int64_t ms);
  std::string StringOf(const Expr& expr, int64_t ms) {
    return std::get<std::string>(Eval(expr, ms));
  }

  void Warn(const std::string& text, const Expr& where) { Note(true, text, where); }
  void Inform(const std::string& text, const Expr& where) { Note(false, text, where); }
  /// What a merge of histograms has to be told of. `what` is addition, subtraction or aggregation.
  /// False when they are incompatible.
  bool NoteMerge(const MergeOutcome& outcome, const std::string& what, const Expr& where);

  /// A sample of a window of a series, which ends at `ms`, overlaps the one before it by its start.
  /// Windows are counted, each once.
  void WarnOfOverlap(const Labels& labels, int64_t ms, const Expr& where);

  /// Takes the name off, now or at the end.
  void DropName(Sample& sample) const;
  /// Fails when two samples have the same labels; where names are still to be dropped, that is left
  /// for the end, unless names count as they are.
  enum class Names : uint8_t { kMayBeDropped, kCount };
  void CheckUnique(const InstantVector& vector, Names names = Names::kMayBeDropped) const;

  InstantVector Call(const promql::Call& call, int64_t ms);
  const Options& options() const { return options_; }
  const QueryTimes& times() const { return times_; }
  bool has_many_steps() const { return has_many_steps_; }

  /// The labels that absent() makes up for a selector.
  static Labels AbsentLabels(const Expr& expr);

 private:
  void Note(bool warning, const std::string& text, const Expr& where);
  std::string Position(const Expr& where) const;
  AnyValue EvalCall(const promql::Call& call, int64_t ms);
  double ScalarCall(const promql::Call& call, int64_t ms);
  InstantVector RangeFunction(const promql::Call& call, int64_t ms);
  InstantVector Info(const promql::Call& call, int64_t ms);
  InstantVector HistogramQuantiles(const promql::Call& call, int64_t ms);
  InstantVector Select(const VectorSelector& selector, int64_t ms);
  std::optional<Point> Smooth(const Data::Series& series, const Expr& where, int64_t ms);
  RangeVector SelectRange(const MatrixSelector& selector, int64_t ms);
  RangeVector Subquery(const SubqueryExpr& subquery, int64_t ms);
  InstantVector Aggregate(const AggregateExpr& aggregate, int64_t ms);
  AnyValue Binary(const BinaryExpr& binary, int64_t ms);
  InstantVector WithScalar(const BinaryExpr& binary, InstantVector vector, double scalar,
                           bool scalar_left);
  InstantVector Match(const BinaryExpr& binary, InstantVector left, InstantVector right);
  InstantVector SetOperation(const BinaryExpr& binary, InstantVector left, InstantVector right);
  /// What an operator makes of two samples; nothing where it keeps nothing.
  struct Operand {
    double f;
    HistogramPtr h;
  };
  struct Outcome {
    std::optional<Operand> value;
    bool defined = true;  // or the operator is not for such operands
  };
  Outcome Operate(const BinaryExpr& binary, Operand left, Operand right);
  void NoteOfOperator(const BinaryExpr& binary);

  int64_t Reference(const TimeModifiers& time, int64_t ms) const;
  int64_t DurationMs(Duration plain, const Expr* expr, bool may_be_negative) const;
  double DurationSeconds(const Expr& expr) const;

  /// What is made of the histograms of a selector that stands here. Where only counts and sums are
  /// asked for, Prometheus reads no more of them, which shows in counter resets: they are then
  /// found when the samples are read, and elsewhere by counts alone.
  struct HistogramUse {
    bool totals = false, buckets = false;
    bool only_totals() const { return totals && !buckets; }
  };
  Point AsUsed(const Point& point) const;

  HistogramUse use_;
  const std::string_view query_;
  const Data& data_;
  const QueryTimes times_;
  const Options options_;
  bool has_many_steps_;  // what is evaluated does not end where it starts
  std::vector<std::pair<bool, std::string>> notes_;  // warning or not, the text
  std::vector<const Expr*> note_places_;
  std::optional<std::pair<bool, std::string>> operator_note_;  // the last of an operator and step
  using OverlappingWindow = std::tuple<int, Labels, int64_t>;
  struct Overlaps {
    std::set<OverlappingWindow> windows;
    const Expr* first = nullptr;
  };
  std::map<std::string, Overlaps> overlaps_;  // by metric
};

/// The name without which labels of two kinds are compared: everything but the metadata.
Labels WithoutName(const Labels& labels);
Labels SetLabel(const Labels& labels, std::string_view name, std::string_view value);

/// All labels in braces, the name among them.
std::string ListLabels(const Labels& labels);

/// A sum with the error of each addition kept (Neumaier).
struct CompensatedSum {
  double sum = 0, error = 0;
  void Add(double value);
  double total() const;
};
double Mean(const std::vector<double>& values);
double QuantileOf(double q, std::vector<double> values);

/// Go's math.Min and math.Max.
double Least(double a, double b);
double Greatest(double a, double b);

}  // namespace barograph::promql::reference
