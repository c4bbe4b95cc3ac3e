#include "tsdb/head/lone_appender.h"

#include <algorithm>
#include <utility>

#include "tsdb/chunk/histogram_codec.h"
#include "tsdb/start_stream.h"

namespace barograph::tsdb {
namespace {

constexpr size_t kSamplesPerRecord = size_t{1} << 16;
constexpr size_t kHistogramsPerRecord = size_t{1} << 10;

bool Same(const LonePoint& a, const LonePoint& b) {
  if (a.histogram == nullptr || b.histogram == nullptr) {
    return a.histogram == b.histogram && SameBits(a.value, b.value);
  }
  return *a.histogram == *b.histogram;
}

void Refuse(AppendReport& report, SeriesId series, Timestamp timestamp, RefusalReason reason) {
  switch (reason) {
    case RefusalReason::kOutOfOrder: ++report.out_of_order; break;
    case RefusalReason::kTooOld: ++report.too_old; break;
    case RefusalReason::kDuplicate: ++report.duplicate; break;
    case RefusalReason::kOutOfBounds: ++report.out_of_bounds; break;
  }
  if (report.first.size() < AppendReport::kMaxFirst) {
    report.first.push_back({series, timestamp, reason});
  }
}

// Splits what there is of one type over as many records as it takes.
template <typename Sample, typename AppendTo>
void AppendPayloads(std::span<const Sample> samples, size_t per_record, AppendTo&& append,
                    std::vector<std::string>& payloads) {
  for (size_t at = 0; at < samples.size(); at += per_record) {
    append(payloads.emplace_back(), samples.subspan(at, std::min(per_record, samples.size() - at)));
  }
}

}  // namespace

const LonePoint* LoneAppender::Accepted::At(SeriesId series, Timestamp timestamp) {
  for (; indexed_ < samples.size(); ++indexed_) {
    const Collected& sample = samples[indexed_];
    by_time_[{static_cast<uint64_t>(sample.series), ToMs(sample.point.timestamp)}] = indexed_;
  }
  const auto found = by_time_.find({static_cast<uint64_t>(series), ToMs(timestamp)});
  return found == by_time_.end() ? nullptr : &samples[found->second].point;
}

bool LoneAppender::Accepted::HasNewer(SeriesId series, Timestamp timestamp) const {
  const auto newest = newest_.find(static_cast<uint64_t>(series));
  return newest != newest_.end() && timestamp <= newest->second;
}

void LoneAppender::Accepted::Add(const Collected& sample) {
  const Timestamp timestamp = sample.point.timestamp;
  const auto [newest, is_new] =
      newest_.try_emplace(static_cast<uint64_t>(sample.series), timestamp);
  if (!is_new) newest->second = std::max(newest->second, timestamp);
  samples.push_back(sample);
}

Result<SeriesId> LoneAppender::Resolve(const Labels& labels) {
  return path_.head.registry.GetOrCreate(labels);
}

void LoneAppender::Append(SeriesId series, Sample sample, Timestamp start) {
  if (IsStale(sample.value)) start = kUnknownStart;
  samples_.push_back({series, {sample.timestamp, sample.value, nullptr}, start});
}

void LoneAppender::AppendHistogram(SeriesId series, Timestamp timestamp,
                                   const FloatHistogram& histogram, Timestamp start) {
  well_formed_ = well_formed_ && IsStorable(histogram);
  FloatHistogram& kept = histograms_.emplace_back(histogram);
  if (kept.counter_reset_hint != CounterResetHint::kGauge) {
    kept.counter_reset_hint = CounterResetHint::kUnknown;
  }
  if (IsStale(kept.sum)) start = kUnknownStart;
  samples_.push_back({series, {timestamp, 0, &kept}, start});
}

void LoneAppender::AppendZero(SeriesId series, Timestamp start, Timestamp before,
                              std::optional<uint32_t> own_table) {
  zeros_.push_back({series, {start, 0, nullptr}, before, own_table});
}

Result<AppendReport> LoneAppender::Commit() {
  const Status known = CheckCollected();
  AppendReport report;
  Status written;
  if (known) {
    MutexLock lock(path_.commit_mutex);
    written = Write(TakeAcceptable(report));
  }
  samples_.clear();
  zeros_.clear();
  histograms_.clear();
  well_formed_ = true;
  TRY(known);
  TRY(written);
  path_.CountRefused(report);
  return report;
}

Status LoneAppender::CheckCollected() const {
  if (!well_formed_) {
    return Fail(ErrorCode::kInvalidArgument,
                "a native histogram's buckets do not go with its spans, or are too many");
  }
  // One look for all: samples of a series mostly come together.
  std::vector<SeriesId> ids;
  for (const Collected& sample : samples_) {
    if (ids.empty() || ids.back() != sample.series) ids.push_back(sample.series);
  }
  for (const size_t unknown : path_.head.registry.FindAll(ids)) {
    if (path_.Revive(ids[unknown])) continue;
    return Fail(ErrorCode::kInvalidArgument,
                "no series has the id " + std::to_string(static_cast<uint64_t>(ids[unknown])));
  }
  return {};
}

LoneAppender::Accepted LoneAppender::TakeAcceptable(AppendReport& report) {
  Accepted accepted;
  accepted.samples.reserve(samples_.size() + zeros_.size());
  for (const Zero& zero : zeros_) {
    if (TakesZero(zero, accepted)) accepted.Add({zero.series, zero.point});
  }
  for (const Collected& sample : samples_) {
    const auto& [series, point, start] = sample;
    const auto refuse = [&](RefusalReason reason) {
      Refuse(report, series, point.timestamp, reason);
    };
    if (!path_.InBounds(point.timestamp)) {
      refuse(RefusalReason::kOutOfBounds);
      continue;
    }
    const LoneVerdict verdict = Judge(sample, accepted);
    if (verdict == LoneVerdict::kDuplicate) {
      refuse(RefusalReason::kDuplicate);
    } else if (verdict == LoneVerdict::kLate && !path_.TakesLate(point.timestamp)) {
      refuse(path_.LateReason());
    } else {
      ++report.appended;
      if (verdict == LoneVerdict::kRepeated) continue;
      if (start != kUnknownStart && path_.zeros_at_starts()) TakeZeroOf(sample, accepted);
      accepted.Add(sample);
      if (!path_.stores_starts()) accepted.samples.back().start = kUnknownStart;
    }
  }
  return accepted;
}

void LoneAppender::TakeZeroOf(const Collected& sample, Accepted& accepted) {
  const auto& [series, point, start] = sample;
  Zero zero{series, {start, 0, nullptr}, point.timestamp, std::nullopt};
  if (!TakesZero(zero, accepted)) return;
  if (point.histogram != nullptr) {
    // Of the same layout, so that it shares a run with those that follow.
    FloatHistogram& empty = histograms_.emplace_back();
    empty.schema = point.histogram->schema;
    empty.zero_threshold = point.histogram->zero_threshold;
    empty.custom_values = point.histogram->custom_values;
    zero.point.histogram = &empty;
  }
  accepted.Add({zero.series, zero.point});
}

bool LoneAppender::TakesZero(const Zero& zero, const Accepted& accepted) const {
  const Timestamp at = zero.point.timestamp;
  if (at >= zero.before || !path_.InBounds(at) || path_.IsTooOldForZero(at, zero.before)) {
    return false;
  }
  if (path_.head.lone.Check(zero.series, zero.point) != LoneVerdict::kInOrder ||
      accepted.HasNewer(zero.series, at)) {
    return false;
  }
  const auto is_older = [&](const Source& source) {
    if (source.table == Source::kLone || source.table == zero.own_table) return true;
    const auto table = path_.head.TableAt(source.table);
    return table == nullptr || table->range().max < at || table->range() == Table::kNoRange;
  };
  return std::ranges::all_of(path_.head.registry.SourcesOf(zero.series), is_older);
}

// Judges against what is accepted of this commit, and against the store.
LoneVerdict LoneAppender::Judge(const Collected& sample, Accepted& accepted) const {
  const auto& [series, point, start] = sample;
  const LoneVerdict verdict = path_.head.lone.Check(series, point);
  if (verdict != LoneVerdict::kInOrder && verdict != LoneVerdict::kLate) return verdict;
  if (!accepted.HasNewer(series, point.timestamp)) return verdict;
  const LonePoint* const same_time = accepted.At(series, point.timestamp);
  if (same_time == nullptr) return LoneVerdict::kLate;
  return Same(*same_time, point) ? LoneVerdict::kRepeated : LoneVerdict::kDuplicate;
}

Status LoneAppender::Write(const Accepted& accepted) {
  if (accepted.samples.empty()) return {};
  std::vector<wal::LoneSample> floats;
  std::vector<wal::LoneHistogram> histograms;
  TimeRange range = Table::kNoRange;
  for (const auto& [series, point, start] : accepted.samples) {
    range.min = std::min(range.min, point.timestamp);
    range.max = std::max(range.max, point.timestamp);
    if (point.histogram == nullptr) {
      floats.push_back({series, {point.timestamp, point.value}});
    } else {
      histograms.push_back({series, point.timestamp, *point.histogram});
    }
  }
  std::vector<std::string> payloads;
  AppendPayloads<wal::LoneSample>(floats, kSamplesPerRecord, wal::AppendSamples, payloads);
  const size_t of_floats = payloads.size();
  AppendPayloads<wal::LoneHistogram>(histograms, kHistogramsPerRecord, wal::AppendHistograms,
                                     payloads);
  const std::vector<std::string> starts = StartPayloads(accepted);
  std::vector<wal::Record> records;
  // First, so that no sample is ever there without its start.
  for (const std::string& payload : starts) records.push_back({wal::RecordType::kSamples, payload});
  for (size_t i = 0; i < payloads.size(); ++i) {
    records.push_back(
        {i < of_floats ? wal::RecordType::kSamples : wal::RecordType::kHistograms, payloads[i]});
  }
  TRY(path_.Log(records));
  for (const Collected& sample : accepted.samples) Store(sample);
  path_.head.CountSamples(floats.size(), histograms.size(), range);
  path_.changes.NoteChange(range.min);
  return {};
}

// Apart from the samples, so that ids follow each other closely in both.
std::vector<std::string> LoneAppender::StartPayloads(const Accepted& accepted) {
  std::vector<wal::LoneSample> starts;
  for (const auto& [series, point, start] : accepted.samples) {
    if (start == kUnknownStart) continue;
    starts.push_back({StartStreamOf(series), {point.timestamp, ToStreamValue(start)}});
  }
  std::vector<std::string> payloads;
  AppendPayloads<wal::LoneSample>(starts, kSamplesPerRecord, wal::AppendSamples, payloads);
  return payloads;
}

void LoneAppender::Store(const Collected& sample) {
  Head& head = path_.head;
  // First, for who reads meanwhile.
  if (sample.start != kUnknownStart) {
    const LonePoint start{sample.point.timestamp, ToStreamValue(sample.start), nullptr};
    const size_t sealed = head.lone.Append(StartStreamOf(sample.series), start).sealed_chunks;
    head.CountChunks({sealed, sealed});
  }
  const LoneStore::Appended appended = head.lone.Append(sample.series, sample.point);
  head.CountChunks({appended.sealed_chunks, appended.sealed_chunks});
  if (!appended.first) return;
  const Source here{Source::kLone, 0};
  if (head.registry.SetSource(sample.series, here) || !path_.Revive(sample.series)) return;
  head.registry.SetSource(sample.series, here);
}

}  // namespace barograph::tsdb
