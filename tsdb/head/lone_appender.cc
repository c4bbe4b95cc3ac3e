#include "tsdb/head/lone_appender.h"

#include <algorithm>
#include <utility>

#include "tsdb/chunk/histogram_codec.h"

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

void LoneAppender::Append(SeriesId series, Sample sample) {
  samples_.push_back({series, {sample.timestamp, sample.value, nullptr}});
}

void LoneAppender::AppendHistogram(SeriesId series, Timestamp timestamp,
                                   const FloatHistogram& histogram) {
  well_formed_ = well_formed_ && IsStorable(histogram);
  FloatHistogram& kept = histograms_.emplace_back(histogram);
  if (kept.counter_reset_hint != CounterResetHint::kGauge) {
    kept.counter_reset_hint = CounterResetHint::kUnknown;
  }
  samples_.push_back({series, {timestamp, 0, &kept}});
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
  for (const auto& [series, point] : samples_) {
    if (path_.head.registry.Find(series) || path_.Revive(series)) continue;
    return Fail(ErrorCode::kInvalidArgument,
                "no series has the id " + std::to_string(static_cast<uint64_t>(series)));
  }
  return {};
}

LoneAppender::Accepted LoneAppender::TakeAcceptable(AppendReport& report) const {
  Accepted accepted;
  accepted.samples.reserve(samples_.size());
  for (const Collected& sample : samples_) {
    const auto& [series, point] = sample;
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
      if (verdict != LoneVerdict::kRepeated) accepted.Add(sample);
    }
  }
  return accepted;
}

// Judges against what is accepted of this commit, and against the store.
LoneVerdict LoneAppender::Judge(const Collected& sample, Accepted& accepted) const {
  const auto& [series, point] = sample;
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
  for (const auto& [series, point] : accepted.samples) {
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
  std::vector<wal::Record> records;
  for (size_t i = 0; i < payloads.size(); ++i) {
    records.push_back(
        {i < of_floats ? wal::RecordType::kSamples : wal::RecordType::kHistograms, payloads[i]});
  }
  TRY(path_.Log(records));
  for (const Collected& sample : accepted.samples) Store(sample);
  path_.head.CountSamples(accepted.samples.size(), range);
  path_.changes.NoteChange(range.min);
  return {};
}

void LoneAppender::Store(const Collected& sample) {
  Head& head = path_.head;
  const LoneStore::Appended appended = head.lone.Append(sample.series, sample.point);
  head.CountChunks({appended.sealed_chunks, appended.sealed_chunks});
  if (!appended.first) return;
  const Source here{Source::kLone, 0};
  if (head.registry.SetSource(sample.series, here) || !path_.Revive(sample.series)) return;
  head.registry.SetSource(sample.series, here);
}

}  // namespace barograph::tsdb
