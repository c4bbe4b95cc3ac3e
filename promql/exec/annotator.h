#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "promql/engine.h"
#include "promql/parse/ast.h"

/// Collects a query's warnings and infos. The texts are Prometheus's (util/annotations), each is
/// kept once, and the position is that of the expression that raises it last where expressions are
/// evaluated whole and one after the other, as Prometheus does.
namespace barograph::promql {

/// What NaN observations in a native histogram did to a result.
enum class NanEffect : uint8_t { kNone, kQuantileIsNan, kQuantileIsSkewed, kFractionExcludes };

class Annotator {
 public:
  void Warn(std::string text, PositionRange where) { Add(true, std::move(text), where, where); }
  void Inform(std::string text, PositionRange where) { Add(false, std::move(text), where, where); }

  /// `raised_by` is the expression that takes what stands at `where`, after all in it is evaluated.
  void InvalidQuantile(double quantile, PositionRange where, PositionRange raised_by);
  void InvalidRatio(double ratio, double limit, PositionRange where, PositionRange raised_by);
  void BadBucketLabel(std::string_view metric, std::string_view label, PositionRange where);
  void MixedFloatsHistograms(std::string_view metric, PositionRange where);
  void MixedInAggregation(PositionRange where);
  void MixedSchemas(std::string_view metric, PositionRange where);
  void MixedClassicNative(std::string_view metric, PositionRange where);
  void HistogramIgnoredInAggregation(std::string_view aggregation, PositionRange where);
  void HistogramIgnoredInRange(std::string_view metric, PositionRange where);
  void IncompatibleTypes(std::string_view lhs, std::string_view op, std::string_view rhs,
                         PositionRange where);
  void IncompatibleLayouts(std::string_view op, PositionRange where);
  void HistogramNotCounter(std::string_view metric, PositionRange where);
  void HistogramNotGauge(std::string_view metric, PositionRange where);
  /// `operation` is addition, subtraction or aggregation.
  void ResetCollision(std::string_view operation, PositionRange where);
  void BoundsReconciled(std::string_view operation, PositionRange where);
  void NanObservations(NanEffect effect, std::string_view metric, PositionRange where);
  void PossibleNonCounter(std::string_view metric, PositionRange where);
  void SortInRangeQuery(PositionRange where);
  /// In `windows` windows of a series samples overlap by their starts. All are counted together, at
  /// the position of the first.
  void StartOverlaps(std::string_view metric, size_t windows, PositionRange where);

  /// What histogram_quantile had to repair at one step of one histogram; repairs of one kind are
  /// summed up in one info.
  struct MonotonicityRepair {
    int64_t time_ms;
    double min_bucket;
    double max_bucket;
    double max_diff;
  };
  void ForcedMonotonicity(std::string_view metric, const MonotonicityRepair& repair,
                          PositionRange where);

  /// Takes what an operator has to say of its `series`th result at one step. Of several such notes
  /// of one operator and step that of the last series counts, whenever it comes: Prometheus's
  /// binary operators give one error a step. Their positions tell operators apart.
  void NoteAtStep(size_t step, size_t series, const Annotator& notes);

  /// Adds what another one collected after this one.
  void Merge(const Annotator& later);

  /// The texts with positions ("... (1:6)") in `query`.
  Annotations Finish(std::string_view query) const;

 private:
  struct Entry {
    bool warning;
    std::string text;
    PositionRange where;
    PositionRange raised_by{};  // which of two with one text comes last
    size_t occurrences = 0;     // counted where not 0
    bool repairs = false;       // the fields below count
    MonotonicityRepair merged{};
    int64_t first_ms = 0;
    size_t samples = 0;
  };

  // The notes of one operator, and which of them counts at each step.
  struct StepNotes {
    static constexpr uint32_t kNone = UINT32_MAX;
    struct Last {
      uint32_t note = kNone;
      uint32_t series = 0;
    };
    PositionRange where;
    std::vector<Entry> notes;
    std::vector<Last> last;
  };

  void Add(bool warning, std::string text, PositionRange where, PositionRange raised_by);
  void Add(Entry later);
  void AddStepNotes(const StepNotes& of_operator);
  void MergeRepairs(const Entry& later);
  Entry* Find(std::string_view text);
  void NoteAtStep(size_t step, size_t series, const Entry& note);

  std::vector<Entry> entries_;  // few: one a kind and metric
  std::vector<StepNotes> step_notes_;
};

}  // namespace barograph::promql
