#include "promql/result_cache.h"

#include <algorithm>
#include <utility>

namespace barograph::promql {
namespace {

// No answer may take more of the cache than one in so many parts.
constexpr uint64_t kSharePerAnswer = 4;

// Errors that say nothing of the query's meaning: an evaluation of all steps would end as well.
bool EndsQuery(ErrorCode code) {
  return code == ErrorCode::kTimeout || code == ErrorCode::kCancelled ||
         code == ErrorCode::kLimitExceeded;
}

bool IsClean(const Evaluation& evaluation) {
  const Annotations& annotations = evaluation.result.annotations;
  return evaluation.independent_steps && annotations.warnings.empty() &&
         annotations.infos.empty() && std::holds_alternative<Matrix>(evaluation.result.value);
}

void AddStats(QueryStats& total, const QueryStats& part) {
  total.total_samples += part.total_samples;
  total.read_samples += part.read_samples;
  total.peak_samples = std::max(total.peak_samples, part.peak_samples);
  total.peak_bytes = std::max(total.peak_bytes, part.peak_bytes);
}

uint64_t BytesOf(const std::vector<ResultSeries>& list) {
  uint64_t bytes = 0;
  for (const ResultSeries& series : list) {
    bytes += sizeof(ResultSeries) + series.labels.packed().size() +
             series.size() * (sizeof(Timestamp) + sizeof(double));
  }
  return bytes;
}

}  // namespace

ResultCache::ResultCache(uint64_t max_bytes, MetricsRegistry& metrics)
    : max_bytes_(max_bytes),
      bytes_shown_(metrics.AddGauge("barograph_query_result_cache_bytes",
                                    "The size of the answers of range queries that are kept.")),
      steps_reused_(metrics.AddCounter(
          "barograph_query_result_cache_steps_total",
          "The steps of range queries that could be kept, by where they are from.",
          Labels{{"source", "cache"}})),
      steps_evaluated_(metrics.AddCounter(
          "barograph_query_result_cache_steps_total",
          "The steps of range queries that could be kept, by where they are from.",
          Labels{{"source", "evaluation"}})) {}

Result<QueryResult> ResultCache::Answer(const Request& request, const Queryable& storage,
                                        const Evaluate& evaluate) {
  const StepSpan asked = SpanOf(request.times);
  // First of all: what changes from here on is told of to whoever uses this answer.
  const ChangeMark mark = storage.MarkChanges();
  if (auto known = Find(request.key)) {
    known->span = Unchanged(*known, request.reach, storage);
    known->most_steps = std::max(known->most_steps, asked.size());
    // Two parts may read twice what one evaluation reads.
    if (2 * asked.Within(known->span).size() >= asked.size()) {
      if (auto answer = AnswerFrom(*known, request, mark, evaluate)) return *std::move(answer);
    }
  }
  return AnswerWhole(request, mark, evaluate);
}

Result<QueryResult> ResultCache::AnswerWhole(const Request& request, ChangeMark mark,
                                             const Evaluate& evaluate) {
  Evaluation whole = TRY(evaluate(request.times));
  if (IsClean(whole) && mark.number != 0) {
    const StepSpan asked = SpanOf(request.times);
    const SeriesList& series = std::get<Matrix>(whole.result.value).series;
    steps_evaluated_.Increment(static_cast<double>(asked.size()));
    if (BytesOf(series) <= max_bytes_ / kSharePerAnswer) {
      Keep(request.key, {asked, mark, std::make_shared<const SeriesList>(series), asked.size()});
    }
  }
  return std::move(whole.result);
}

// From what is known, the steps before it and the steps after it. nullopt where these turn out not
// to go with the rest.
std::optional<Result<QueryResult>> ResultCache::AnswerFrom(const Answered& known,
                                                           const Request& request, ChangeMark mark,
                                                           const Evaluate& evaluate) {
  const StepSpan asked = SpanOf(request.times);
  StepSpan kept = known.span;
  StepSpan before = asked;
  before.last_ms = std::min(asked.last_ms, kept.first_ms - asked.step_ms);
  StepSpan after = asked;
  after.first_ms = std::max(asked.first_ms, kept.last_ms + asked.step_ms);
  // Not more than is asked for at once: as time goes on, the first steps fall off.
  const int64_t most_ms = static_cast<int64_t>(known.most_steps - 1) * asked.step_ms;
  kept.first_ms = std::max(kept.first_ms, std::max(kept.last_ms, asked.last_ms) - most_ms);
  kept.first_ms = std::min(kept.first_ms, std::max(known.span.first_ms, asked.first_ms));
  if (!before.empty()) kept.last_ms = std::min(kept.last_ms, before.first_ms + most_ms);

  QueryResult result;
  result.stats.reused_steps = asked.Within(kept).size();
  const auto evaluate_part = [&](const StepSpan& part) -> std::optional<Result<SeriesList>> {
    if (part.empty()) return SeriesList();
    auto evaluation =
        evaluate({FromMs(part.first_ms), FromMs(part.last_ms), Duration(part.step_ms)});
    if (!evaluation) {
      if (!EndsQuery(evaluation.error().code)) return std::nullopt;
      return std::unexpected(std::move(evaluation).error());
    }
    if (!IsClean(*evaluation)) return std::nullopt;
    AddStats(result.stats, evaluation->result.stats);
    steps_evaluated_.Increment(static_cast<double>(part.size()));
    return std::move(std::get<Matrix>(evaluation->result.value).series);
  };
  auto earlier = evaluate_part(before);
  if (!earlier) return std::nullopt;
  if (!*earlier) return std::unexpected(std::move(*earlier).error());
  auto later = evaluate_part(after);
  if (!later) return std::nullopt;
  if (!*later) return std::unexpected(std::move(*later).error());
  steps_reused_.Increment(static_cast<double>(result.stats.reused_steps));

  Answered joined = known;
  joined.mark = mark;
  joined.span = kept;
  if (!before.empty() || !after.empty()) {
    if (!before.empty()) joined.span.first_ms = before.first_ms;
    if (!after.empty()) joined.span.last_ms = after.last_ms;
    joined.series = std::make_shared<const SeriesList>(
        Join(Join(std::move(**earlier), Slice(*known.series, kept)), std::move(**later)));
  }
  result.value = Matrix{Slice(*joined.series, asked)};
  Keep(request.key, std::move(joined));
  return result;
}

ResultCache::StepSpan ResultCache::SpanOf(const QueryTimes& times) {
  const int64_t step_ms = times.step.count();
  const int64_t first_ms = ToMs(times.start);
  return {first_ms, first_ms + (ToMs(times.end) - first_ms) / step_ms * step_ms, step_ms};
}

ResultCache::StepSpan ResultCache::StepSpan::Within(const StepSpan& other) const {
  return {std::max(first_ms, other.first_ms), std::min(last_ms, other.last_ms), step_ms};
}

// The steps that look only at what did not change.
ResultCache::StepSpan ResultCache::Unchanged(const Answered& known, const StepReach& reach,
                                             const Queryable& storage) {
  StepSpan span = known.span;
  const auto unchanged = storage.UnchangedSince(known.mark);
  if (!unchanged) return {0, -1, span.step_ms};
  const auto whole_steps = [&](int64_t ms) { return (ms / span.step_ms) * span.step_ms; };
  const int64_t first_ms = ToMs(unchanged->min) - reach.from_ms;
  const int64_t last_ms = ToMs(unchanged->max) - reach.to_ms;
  if (first_ms > span.first_ms) {
    span.first_ms += whole_steps(first_ms - span.first_ms + span.step_ms - 1);
  }
  if (last_ms < span.last_ms) {
    span.last_ms -= whole_steps(span.last_ms - last_ms + span.step_ms - 1);
  }
  return span;
}

ResultCache::SeriesList ResultCache::Slice(const SeriesList& list, const StepSpan& span) {
  SeriesList slice;
  slice.reserve(list.size());
  for (const ResultSeries& series : list) {
    const auto& times = series.timestamps;
    const auto begin = std::ranges::lower_bound(times, FromMs(span.first_ms)) - times.begin();
    const auto end = std::ranges::upper_bound(times, FromMs(span.last_ms)) - times.begin();
    if (begin == end) continue;
    slice.push_back({.labels = series.labels,
                     .timestamps = {times.begin() + begin, times.begin() + end},
                     .values = {series.values.begin() + begin, series.values.begin() + end},
                     .histograms = {}});
  }
  return slice;
}

ResultCache::SeriesList ResultCache::Join(SeriesList earlier, SeriesList later) {
  if (earlier.empty()) return later;
  if (later.empty()) return earlier;
  SeriesList joined;
  joined.reserve(std::max(earlier.size(), later.size()));
  auto next = later.begin();
  for (ResultSeries& series : earlier) {
    for (; next != later.end() && next->labels < series.labels; ++next) {
      joined.push_back(std::move(*next));
    }
    if (next != later.end() && next->labels == series.labels) {
      series.timestamps.insert(series.timestamps.end(), next->timestamps.begin(),
                               next->timestamps.end());
      series.values.insert(series.values.end(), next->values.begin(), next->values.end());
      ++next;
    }
    joined.push_back(std::move(series));
  }
  std::move(next, later.end(), std::back_inserter(joined));
  return joined;
}

std::optional<ResultCache::Answered> ResultCache::Find(const std::string& key) {
  const MutexLock lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->answered;
}

void ResultCache::Keep(const std::string& key, Answered answered) {
  const uint64_t bytes = BytesOf(*answered.series) + key.size() + sizeof(Entry);
  const MutexLock lock(mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    bytes_ -= entries_.front().bytes;
  } else {
    entries_.push_front({.key = key, .answered = {}});
    by_key_.emplace(entries_.front().key, entries_.begin());
  }
  entries_.front().answered = std::move(answered);
  entries_.front().bytes = bytes;
  bytes_ += bytes;
  while (bytes_ > max_bytes_) DropLast();
  bytes_shown_.Set(static_cast<double>(bytes_));
}

void ResultCache::DropLast() {
  bytes_ -= entries_.back().bytes;
  by_key_.erase(entries_.back().key);
  entries_.pop_back();
}

}  // namespace barograph::promql
