#include "promql/exec/annotator.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/model/number.h"

namespace barograph::promql {
namespace {

constexpr std::string_view kWarning = "PromQL warning: ";
constexpr std::string_view kInfo = "PromQL info: ";

std::string FormatPosition(std::string_view query, int start) {
  if (start < 0 || static_cast<size_t>(start) > query.size()) return "invalid position";
  const std::string_view before = query.substr(0, static_cast<size_t>(start));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t line_break = before.rfind('\n');
  const size_t column = line_break == std::string_view::npos ? before.size() + 1  //
                                                             : before.size() - line_break;
  return fmt::format("{}:{}", line, column);
}

// 2006-01-02T15:04:05Z, with the seconds rounded towards zero.
std::string FormatTime(int64_t ms) {
  const int64_t seconds = ms / 1000;
  constexpr int64_t kYear9999 = 253402300799;
  const std::time_t clamped = std::clamp<int64_t>(seconds, -62135596800, kYear9999);
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(clamped));
}

// Go's %.2g.
std::string FormatTwoDigits(double value) {
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return std::isnan(value) ? "NaN" : fmt::format("{:.2g}", value);
}

// Whether what stands at `a` is evaluated before what stands at `b`: expressions from left to
// right, what is inside before what is around.
bool IsBefore(PositionRange a, PositionRange b) {
  const bool b_holds_a = b.start <= a.start && a.end <= b.end;
  const bool a_holds_b = a.start <= b.start && b.end <= a.end;
  return b_holds_a || (!a_holds_b && a.start < b.start);
}

std::string WithMetric(std::string text, std::string_view metric) {
  if (metric.empty()) return text;
  return fmt::format("{} for metric name {}", text, Quote(metric));
}

}  // namespace

Annotator::Entry* Annotator::Find(std::string_view text) {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.text == text; });
  return found == entries_.end() ? nullptr : &*found;
}

void Annotator::Add(bool warning, std::string text, PositionRange where, PositionRange raised_by) {
  text.insert(0, warning ? kWarning : kInfo);
  Add(Entry{.warning = warning, .text = std::move(text), .where = where, .raised_by = raised_by});
}

void Annotator::Add(Entry later) {
  Entry* entry = Find(later.text);
  if (entry == nullptr) {
    entries_.push_back(std::move(later));
  } else if (later.occurrences > 0) {
    entry->occurrences += later.occurrences;
    if (IsBefore(later.where, entry->where)) entry->where = later.where;
  } else if (IsBefore(entry->raised_by, later.raised_by)) {
    entry->where = later.where;
    entry->raised_by = later.raised_by;
  }
}

void Annotator::NoteAtStep(size_t step, size_t series, const Entry& note) {
  const auto operator_of = std::ranges::find(step_notes_, note.where, &StepNotes::where);
  StepNotes& of_operator = operator_of != step_notes_.end()
                               ? *operator_of
                               : step_notes_.emplace_back(StepNotes{note.where, {}, {}});
  if (of_operator.last.size() <= step) of_operator.last.resize(step + 1);
  StepNotes::Last& last = of_operator.last[step];
  if (last.note != StepNotes::kNone && last.series > series) return;
  std::vector<Entry>& notes = of_operator.notes;
  const auto known = std::ranges::find(notes, note.text, &Entry::text);
  const auto index = static_cast<uint32_t>(known - notes.begin());
  if (known == notes.end()) notes.push_back(note);
  last = {index, static_cast<uint32_t>(series)};
}

void Annotator::NoteAtStep(size_t step, size_t series, const Annotator& notes) {
  for (const Entry& note : notes.entries_) NoteAtStep(step, series, note);
}

void Annotator::AddStepNotes(const StepNotes& of_operator) {
  for (uint32_t i = 0; i < of_operator.notes.size(); ++i) {
    const auto counts = std::ranges::find(of_operator.last, i, &StepNotes::Last::note);
    if (counts != of_operator.last.end()) Add(of_operator.notes[i]);
  }
}

void Annotator::InvalidQuantile(double quantile, PositionRange where, PositionRange raised_by) {
  Add(true,
      fmt::format("quantile value should be between 0 and 1, got {}", FormatShortest(quantile)),
      where, raised_by);
}

void Annotator::InvalidRatio(double ratio, double limit, PositionRange where,
                             PositionRange raised_by) {
  Add(true,
      fmt::format("ratio value should be between -1 and 1, got {}, capping to {}",
                  FormatShortest(ratio), FormatShortest(limit)),
      where, raised_by);
}

void Annotator::BadBucketLabel(std::string_view metric, std::string_view label,
                               PositionRange where) {
  Warn(WithMetric(fmt::format("bucket label \"le\" is missing or has a malformed value of {}",
                              Quote(label)),
                  metric),
       where);
}

void Annotator::MixedFloatsHistograms(std::string_view metric, PositionRange where) {
  Warn(fmt::format("encountered a mix of histograms and floats for metric name {}", Quote(metric)),
       where);
}

void Annotator::MixedInAggregation(PositionRange where) {
  Warn("encountered a mix of histograms and floats for aggregation", where);
}

void Annotator::MixedSchemas(std::string_view metric, PositionRange where) {
  Warn(fmt::format("vector contains a mix of histograms with exponential and custom buckets "
                   "schemas for metric name {}",
                   Quote(metric)),
       where);
}

void Annotator::MixedClassicNative(std::string_view metric, PositionRange where) {
  Warn(WithMetric("vector contains a mix of classic and native histograms", metric), where);
}

void Annotator::HistogramIgnoredInAggregation(std::string_view aggregation, PositionRange where) {
  Inform(fmt::format("ignored histogram in {} aggregation", aggregation), where);
}

void Annotator::HistogramIgnoredInRange(std::string_view metric, PositionRange where) {
  Inform(fmt::format("ignored histograms in a range containing both floats and histograms for "
                     "metric name {}",
                     Quote(metric)),
         where);
}

void Annotator::IncompatibleTypes(std::string_view lhs, std::string_view op, std::string_view rhs,
                                  PositionRange where) {
  Inform(fmt::format("incompatible sample types encountered for binary operator {}: {} {} {}",
                     Quote(op), lhs, op, rhs),
         where);
}

void Annotator::IncompatibleLayouts(std::string_view op, PositionRange where) {
  Warn(fmt::format("incompatible bucket layout encountered for binary operator {}", op), where);
}

void Annotator::HistogramNotCounter(std::string_view metric, PositionRange where) {
  Warn(fmt::format("this native histogram metric is not a counter: {}", Quote(metric)), where);
}

void Annotator::HistogramNotGauge(std::string_view metric, PositionRange where) {
  Warn(fmt::format("this native histogram metric is not a gauge: {}", Quote(metric)), where);
}

void Annotator::ResetCollision(std::string_view operation, PositionRange where) {
  Warn(fmt::format("conflicting counter resets during histogram {}", operation), where);
}

void Annotator::BoundsReconciled(std::string_view operation, PositionRange where) {
  Inform(fmt::format("mismatched custom buckets were reconciled during {}", operation), where);
}

void Annotator::NanObservations(NanEffect effect, std::string_view metric, PositionRange where) {
  std::string_view text;
  switch (effect) {
    case NanEffect::kNone: return;
    case NanEffect::kQuantileIsNan:
      text = "input to histogram_quantile has NaN observations, result is NaN";
      break;
    case NanEffect::kQuantileIsSkewed:
      text = "input to histogram_quantile has NaN observations, result is skewed higher";
      break;
    case NanEffect::kFractionExcludes:
      text =
          "input to histogram_fraction has NaN observations, which are excluded from all fractions";
      break;
  }
  Inform(WithMetric(std::string(text), metric), where);
}

void Annotator::PossibleNonCounter(std::string_view metric, PositionRange where) {
  Inform(fmt::format("metric might not be a counter, name does not end in "
                     "_total/_sum/_count/_bucket: {}",
                     Quote(metric)),
         where);
}

void Annotator::SortInRangeQuery(PositionRange where) {
  Warn("sort is ineffective for range queries since results are always ordered by labels", where);
}

void Annotator::StartOverlaps(std::string_view metric, size_t windows, PositionRange where) {
  if (windows == 0) return;
  Add(Entry{.warning = true,
            .text = fmt::format("{}sample has start time that overlaps with previous sample "
                                "timestamp for metric {}",
                                kWarning, Quote(metric)),
            .where = where,
            .occurrences = windows});
}

void Annotator::ForcedMonotonicity(std::string_view metric, const MonotonicityRepair& repair,
                                   PositionRange where) {
  std::string text = WithMetric(
      "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see "
      "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)",
      metric);
  MergeRepairs({.warning = false,
                .text = std::move(text),
                .where = where,
                .repairs = true,
                .merged = repair,
                .first_ms = repair.time_ms,
                .samples = 1});
}

void Annotator::MergeRepairs(const Entry& later) {
  Entry* entry = Find(later.text);
  if (entry == nullptr) {
    entries_.push_back(later);
    return;
  }
  entry->first_ms = std::min(entry->first_ms, later.first_ms);
  entry->merged.time_ms = std::max(entry->merged.time_ms, later.merged.time_ms);
  entry->merged.min_bucket = std::min(entry->merged.min_bucket, later.merged.min_bucket);
  entry->merged.max_bucket = std::max(entry->merged.max_bucket, later.merged.max_bucket);
  entry->merged.max_diff = std::max(entry->merged.max_diff, later.merged.max_diff);
  entry->samples += later.samples;
  if (IsBefore(later.where, entry->where)) entry->where = later.where;
}

void Annotator::Merge(const Annotator& later) {
  for (const Entry& entry : later.entries_) {
    if (entry.repairs) {
      MergeRepairs(entry);
    } else {
      Add(entry);
    }
  }
  for (const StepNotes& of_operator : later.step_notes_) {
    for (size_t step = 0; step < of_operator.last.size(); ++step) {
      const StepNotes::Last last = of_operator.last[step];
      if (last.note != StepNotes::kNone) {
        NoteAtStep(step, last.series, of_operator.notes[last.note]);
      }
    }
  }
}

Annotations Annotator::Finish(std::string_view query) const {
  Annotator all = *this;
  for (const StepNotes& of_operator : step_notes_) all.AddStepNotes(of_operator);
  Annotations result;
  for (const Entry& entry : all.entries_) {
    std::string text = entry.text;
    if (entry.occurrences > 1) text += fmt::format(" ({} occurrences)", entry.occurrences);
    if (entry.repairs) {
      text += fmt::format(
          ", from buckets {} to {}, with a max diff of {}, over {} samples from {} to {}",
          FormatShortest(entry.merged.min_bucket), FormatShortest(entry.merged.max_bucket),
          FormatTwoDigits(entry.merged.max_diff), entry.samples, FormatTime(entry.first_ms),
          FormatTime(entry.merged.time_ms));
    }
    text += fmt::format(" ({})", FormatPosition(query, entry.where.start));
    (entry.warning ? result.warnings : result.infos).push_back(std::move(text));
  }
  return result;
}

}  // namespace barograph::promql
