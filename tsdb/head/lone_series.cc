#include "tsdb/head/lone_series.h"

#include <algorithm>
#include <ranges>
#include <utility>

namespace barograph::tsdb {
namespace {

constexpr size_t kLateSamples = LoneChunks::kRunSamples;
constexpr size_t kCacheLine = 64;

std::unique_ptr<FloatHistogram> CopyOf(const FloatHistogram* histogram) {
  return histogram == nullptr ? nullptr : std::make_unique<FloatHistogram>(*histogram);
}

// What the sample at that time, if there is one, makes of the point.
std::optional<LoneVerdict> Compare(const LonePoint& point, const SampleColumns& samples) {
  const auto found = std::ranges::lower_bound(samples.timestamps, point.timestamp);
  if (found == samples.timestamps.end() || *found != point.timestamp) return std::nullopt;
  const auto i = static_cast<size_t>(found - samples.timestamps.begin());
  const FloatHistogram* histogram = samples.HistogramAt(i);
  const bool same = histogram == nullptr
                        ? point.histogram == nullptr && SameBits(point.value, samples.values[i])
                        : point.histogram != nullptr && *histogram == *point.histogram;
  return same ? LoneVerdict::kRepeated : LoneVerdict::kDuplicate;
}

// A copy of the samples in the range and the one before, by which the first one's hint is found.
SampleColumns CopyRange(const SampleColumns& from, TimeRange range) {
  const auto& times = from.timestamps;
  auto i = static_cast<size_t>(std::ranges::lower_bound(times, range.min) - times.begin());
  if (i > 0) --i;
  SampleColumns copy;
  for (; i < from.size() && times[i] <= range.max; ++i) {
    copy.Append(times[i], from.values[i], CopyOf(from.HistogramAt(i)));
  }
  return copy;
}

// Cuts the samples older than `cut` off `samples`.
SampleColumns TakeOlder(SampleColumns& samples, Timestamp cut) {
  SampleColumns older, rest;
  for (size_t i = 0; i < samples.size(); ++i) {
    (samples.timestamps[i] < cut ? older : rest).Take(samples, i);
  }
  samples = std::move(rest);
  return older;
}

size_t AllocatedBytes(const SampleColumns& samples) {
  size_t bytes = samples.timestamps.capacity() * sizeof(Timestamp) +
                 samples.values.capacity() * sizeof(double) +
                 samples.histograms.capacity() * sizeof(void*);
  for (const auto& histogram : samples.histograms) {
    if (histogram == nullptr) continue;
    bytes += sizeof(FloatHistogram) +
             (histogram->positive_spans.size() + histogram->negative_spans.size() +
              histogram->positive_buckets.size() + histogram->negative_buckets.size() +
              histogram->custom_values.size()) *
                 sizeof(double);
  }
  return bytes;
}

}  // namespace

void LoneSeries::Parts::AddRun(const LoneRun& run) {
  ordered = runs.empty() || (ordered && runs.back().range().max < run.range().min);
  runs.push_back(run);
}

// Found from the newest on: most that is asked for is new.
std::span<const LoneRun> LoneSeries::Parts::RunsNear(TimeRange range) const {
  if (!ordered) return runs;
  size_t end = runs.size();
  while (end > 0 && runs[end - 1].range().min > range.max) --end;
  size_t begin = end;
  while (begin > 0 && runs[begin - 1].range().max >= range.min) --begin;
  return std::span(runs).subspan(begin, end - begin);
}

LoneSeries::Parts& LoneSeries::parts() {
  if (parts_ == nullptr) parts_ = std::make_unique<Parts>();
  return *parts_;
}

LoneVerdict LoneSeries::Judge(const LonePoint& point, const LoneChunks& chunks,
                              LastRun& last) const {
  if (point.timestamp > newest_) return LoneVerdict::kInOrder;
  if (last.run != LastRun::kNone) {
    if (const auto verdict = Compare(point, last.samples)) return *verdict;
  }
  if (!tail_.empty() && point.timestamp >= tail_.oldest()) {
    SampleColumns tail;
    tail_.Decode(tail);
    if (const auto verdict = Compare(point, tail)) return *verdict;
  }
  if (parts_ == nullptr) return LoneVerdict::kLate;
  if (const auto verdict = Compare(point, parts_->late)) return *verdict;
  if (const auto verdict = Compare(point, parts_->histograms)) return *verdict;
  for (size_t i = 0; i < parts_->runs.size(); ++i) {
    const LoneRun& run = parts_->runs[i];
    if (i == last.run || !run.range().Contains(point.timestamp)) continue;
    last.run = LastRun::kNone;
    last.samples.clear();
    // A run that cannot be read has nothing to say against the sample.
    if (!AppendLoneRun(chunks.ReadRun(run), last.samples)) continue;
    last.run = i;
    if (const auto verdict = Compare(point, last.samples)) return *verdict;
  }
  return LoneVerdict::kLate;
}

size_t LoneSeries::Append(SeriesId id, const LonePoint& point, LoneVerdict verdict,
                          LoneChunks& chunks, uint64_t generation) {
  size_t sealed = 0;
  if (verdict == LoneVerdict::kInOrder) {
    const bool is_histogram = point.histogram != nullptr;
    if (tail_.full() || (is_histogram && !tail_.empty()))
      sealed += SealTail(id, chunks, generation);
    if (parts_ != nullptr && !parts_->histograms.empty() &&
        (!is_histogram || parts_->histograms.size() == LoneChunks::kRunHistograms)) {
      sealed += SealColumns(id, parts_->histograms, chunks, generation);
    }
    AppendInOrder(point);
    return sealed;
  }
  const SampleColumns& late = parts().late;
  const size_t limit = late.histograms.empty() ? kLateSamples : LoneChunks::kRunHistograms;
  if (late.size() >= limit) sealed += SealColumns(id, parts_->late, chunks, generation);
  InsertLate(point);
  return sealed;
}

void LoneSeries::AppendInOrder(const LonePoint& point) {
  newest_ = point.timestamp;
  if (point.histogram == nullptr) return tail_.Append({point.timestamp, point.value});
  parts().histograms.Append(point.timestamp, 0, CopyOf(point.histogram));
}

void LoneSeries::InsertLate(const LonePoint& point) {
  SampleColumns& late = parts_->late;
  late.Append(point.timestamp, point.value, CopyOf(point.histogram));
  auto& times = late.timestamps;
  const auto at = std::ranges::upper_bound(times.begin(), times.end() - 1, point.timestamp);
  const auto offset = at - times.begin();
  std::rotate(at, times.end() - 1, times.end());
  std::rotate(late.values.begin() + offset, late.values.end() - 1, late.values.end());
  if (late.histograms.empty()) return;
  std::rotate(late.histograms.begin() + offset, late.histograms.end() - 1, late.histograms.end());
}

// Runs are of one kind, and of limited size.
size_t LoneSeries::AddRuns(SeriesId id, const SampleColumns& samples, LoneChunks& chunks,
                           uint64_t generation) {
  size_t added = 0;
  for (size_t begin = 0; begin < samples.size(); ++added) {
    const bool is_histogram = samples.HistogramAt(begin) != nullptr;
    const size_t limit = is_histogram ? LoneChunks::kRunHistograms : LoneChunks::kRunSamples;
    size_t end = begin + 1;
    while (end < samples.size() && end - begin < limit &&
           (samples.HistogramAt(end) != nullptr) == is_histogram) {
      ++end;
    }
    parts().AddRun(chunks.Add(id, samples, begin, end, generation));
    begin = end;
  }
  return added;
}

size_t LoneSeries::SealTail(SeriesId id, LoneChunks& chunks, uint64_t generation) {
  SampleColumns samples;
  tail_.Decode(samples);
  tail_.Clear();
  return AddRuns(id, samples, chunks, generation);
}

size_t LoneSeries::SealColumns(SeriesId id, SampleColumns& samples, LoneChunks& chunks,
                               uint64_t generation) {
  const size_t added = AddRuns(id, samples, chunks, generation);
  samples = {};
  return added;
}

size_t LoneSeries::SealAll(SeriesId id, LoneChunks& chunks, uint64_t generation) {
  size_t sealed = tail_.empty() ? 0 : SealTail(id, chunks, generation);
  if (parts_ == nullptr) return sealed;
  sealed += SealColumns(id, parts_->histograms, chunks, generation);
  return sealed + SealColumns(id, parts_->late, chunks, generation);
}

Status LoneSeries::Freeze(SeriesId id, Timestamp cut, LoneChunks& chunks, uint64_t generation) {
  Status frozen = FreezeRuns(id, cut, chunks, generation);
  if (!tail_.empty() && tail_.oldest() < cut) FreezeTail(id, cut, chunks, generation);
  if (parts_ != nullptr) {
    FreezeColumns(id, cut, parts_->histograms, chunks, generation);
    FreezeColumns(id, cut, parts_->late, chunks, generation);
  }
  return frozen;
}

// Runs on both sides of the cut are split. One that cannot be read stays where it is.
Status LoneSeries::FreezeRuns(SeriesId id, Timestamp cut, LoneChunks& chunks, uint64_t generation) {
  if (parts_ == nullptr) return {};
  Status frozen;
  std::vector<LoneRun> runs = std::exchange(parts_->runs, {});
  for (const LoneRun& run : runs) {
    if (chunks.GenerationOf(run) != generation || run.range().max < cut) {
      parts_->AddRun(run);
    } else if (run.range().min >= cut && run.duration_ms != LoneRun::kEndless) {
      parts_->AddRun(chunks.Copy(id, run, generation + 1));
    } else {
      SampleColumns samples;
      if (Status decoded = AppendLoneRun(chunks.ReadRun(run), samples); !decoded) {
        parts_->AddRun(run);
        frozen = decoded;
        continue;
      }
      AddRuns(id, TakeOlder(samples, cut), chunks, generation);
      AddRuns(id, samples, chunks, generation + 1);
    }
  }
  return frozen;
}

void LoneSeries::FreezeTail(SeriesId id, Timestamp cut, LoneChunks& chunks, uint64_t generation) {
  SampleColumns samples;
  tail_.Decode(samples);
  tail_.Clear();
  AddRuns(id, TakeOlder(samples, cut), chunks, generation);
  for (size_t i = 0; i < samples.size(); ++i) {
    tail_.Append({samples.timestamps[i], samples.values[i]});
  }
}

void LoneSeries::FreezeColumns(SeriesId id, Timestamp cut, SampleColumns& samples,
                               LoneChunks& chunks, uint64_t generation) {
  if (!samples.empty() && samples.timestamps.front() < cut) {
    AddRuns(id, TakeOlder(samples, cut), chunks, generation);
  }
}

void LoneSeries::DropThrough(uint64_t generation, const LoneChunks& chunks) {
  if (parts_ == nullptr) return;
  std::erase_if(parts_->runs,
                [&](const LoneRun& run) { return chunks.GenerationOf(run) <= generation; });
  parts_->runs.shrink_to_fit();
  if (parts_->runs.empty() && parts_->late.empty() && parts_->histograms.empty()) parts_.reset();
}

void LoneSeries::Restore(const LoneRun& run, Timestamp newest) {
  parts().AddRun(run);
  newest_ = std::max(newest_, newest);
}

bool LoneSeries::empty() const { return tail_.empty() && parts_ == nullptr; }

Timestamp LoneSeries::oldest() const {
  Timestamp oldest = tail_.empty() ? newest_ : tail_.oldest();
  if (parts_ == nullptr) return oldest;
  for (const SampleColumns* samples : {&parts_->late, &parts_->histograms}) {
    if (!samples->empty()) oldest = std::min(oldest, samples->timestamps.front());
  }
  for (const LoneRun& run : parts_->runs) oldest = std::min(oldest, run.range().min);
  return oldest;
}

bool LoneSeries::Overlaps(TimeRange range, uint64_t min_generation,
                          const LoneChunks& chunks) const {
  if (!tail_.empty() && range.Overlaps({tail_.oldest(), newest_})) return true;
  if (parts_ == nullptr) return false;
  for (const SampleColumns* samples : {&parts_->late, &parts_->histograms}) {
    if (samples->empty()) continue;
    if (range.Overlaps({samples->timestamps.front(), samples->timestamps.back()})) return true;
  }
  // The newest first: most that is asked for is new.
  return std::ranges::any_of(std::views::reverse(parts_->RunsNear(range)), [&](const LoneRun& run) {
    return run.Overlaps(range) && chunks.GenerationOf(run) >= min_generation;
  });
}

Timestamp LoneSeries::Oldest(uint64_t min_generation, const LoneChunks& chunks) const {
  Timestamp oldest = kMaxTimestamp;
  if (!tail_.empty()) oldest = tail_.oldest();
  if (parts_ == nullptr) return oldest;
  for (const SampleColumns* samples : {&parts_->late, &parts_->histograms}) {
    if (!samples->empty()) oldest = std::min(oldest, samples->timestamps.front());
  }
  for (const LoneRun& run : parts_->runs) {
    if (chunks.GenerationOf(run) >= min_generation) oldest = std::min(oldest, run.range().min);
  }
  return oldest;
}

void LoneSeries::CollectRuns(TimeRange range, uint64_t min_generation, const LoneChunks& chunks,
                             LonePieces& out) const {
  if (parts_ == nullptr) return;
  // They lie far apart in the files: one at a time, each would be waited for.
  constexpr size_t kAhead = 8;
  const std::span<const LoneRun> runs = parts_->RunsNear(range);
  for (const LoneRun& run : runs.first(std::min(runs.size(), kAhead))) {
    if (runs.size() > 1 && run.Overlaps(range)) chunks.Prefetch(run);
  }
  for (size_t i = 0; i < runs.size(); ++i) {
    if (i + kAhead < runs.size() && runs[i + kAhead].Overlaps(range)) {
      chunks.Prefetch(runs[i + kAhead]);
    }
    const LoneRun& run = runs[i];
    if (!run.Overlaps(range) || chunks.GenerationOf(run) < min_generation) continue;
    const TimeRange of_run = run.range();
    out.runs.push_back(chunks.ReadRun(run, out.owners));
    out.runs.back().whole = range.min <= of_run.min && of_run.max <= range.max;
  }
}

void LoneSeries::CollectRest(TimeRange range, std::vector<SampleColumns>& out) const {
  if (!tail_.empty() && range.Overlaps({tail_.oldest(), newest_})) {
    tail_.Decode(out.emplace_back());
  }
  if (parts_ == nullptr) return;
  for (const SampleColumns* samples : {&parts_->late, &parts_->histograms}) {
    if (!samples->empty()) out.push_back(CopyRange(*samples, range));
  }
}

void LoneSeries::PrefetchParts() const {
  const char* const parts = reinterpret_cast<const char*>(parts_.get());
  if (parts == nullptr) return;
  for (size_t at = 0; at < sizeof(Parts); at += kCacheLine) __builtin_prefetch(parts + at);
}

void LoneSeries::PrefetchNewestRuns() const {
  if (parts_ == nullptr || parts_->runs.empty()) return;
  __builtin_prefetch(&parts_->runs.back());
}

void LoneSeries::PrefetchSamples(TimeRange range, const LoneChunks& chunks) const {
  if (parts_ == nullptr) return;
  const std::span<const LoneRun> runs = parts_->RunsNear(range);
  if (!runs.empty() && runs.back().Overlaps(range)) chunks.Prefetch(runs.back());
}

size_t LoneSeries::allocated_bytes() const {
  size_t bytes = tail_.allocated_bytes();
  if (parts_ == nullptr) return bytes;
  return bytes + sizeof(Parts) + parts_->runs.capacity() * sizeof(LoneRun) +
         AllocatedBytes(parts_->late) + AllocatedBytes(parts_->histograms);
}

}  // namespace barograph::tsdb
