#include "tsdb/head/lone_store.h"

#include <algorithm>

#include "tsdb/chunk/timestamp_codec.h"

namespace barograph::tsdb {
namespace {

void AppendInRange(const SampleColumns& from, TimeRange range, SampleColumns& out) {
  const auto& times = from.timestamps;
  const auto first = std::ranges::lower_bound(times, range.min) - times.begin();
  const auto last = std::ranges::upper_bound(times, range.max) - times.begin();
  if (first >= last) return;
  out.timestamps.insert(out.timestamps.end(), times.begin() + first, times.begin() + last);
  out.values.insert(out.values.end(), from.values.begin() + first, from.values.begin() + last);
}

}  // namespace

LoneStore::Verdict LoneStore::Check(SeriesId series, Sample sample) const {
  const Shard& shard = ShardOf(series);
  ReaderLock lock(shard.mutex);
  const auto found = shard.series.find(static_cast<uint64_t>(series));
  return found == shard.series.end() ? Verdict::kAccepted : CheckAgainst(found->second, sample);
}

LoneStore::Verdict LoneStore::CheckAgainst(const Series& series, Sample sample) {
  if (series.tail.timestamps.empty()) return Verdict::kAccepted;
  const Timestamp newest = series.tail.timestamps.back();
  if (sample.timestamp > newest) return Verdict::kAccepted;
  if (sample.timestamp < newest) return Verdict::kOutOfOrder;
  return SameBits(series.tail.values.back(), sample.value) ? Verdict::kRepeated
                                                           : Verdict::kDuplicate;
}

LoneStore::Appended LoneStore::Append(SeriesId id, Sample sample) {
  Shard& shard = ShardOf(id);
  WriterLock lock(shard.mutex);
  Series& series = shard.series[static_cast<uint64_t>(id)];
  if (CheckAgainst(series, sample) != Verdict::kAccepted) return {};
  const Appended appended{.sample = true,
                          .first = series.tail.timestamps.empty(),
                          .sealed_chunk = series.tail.size() == kRunSamples};
  if (appended.sealed_chunk) Seal(series, shard.encoder);
  series.tail.timestamps.push_back(sample.timestamp);
  series.tail.values.push_back(sample.value);
  return appended;
}

void LoneStore::Seal(Series& series, ValueEncoder& encoder) {
  auto run = std::make_shared<Run>();
  run->range = {series.tail.timestamps.front(), series.tail.timestamps.back()};
  EncodeTimestamps(series.tail.timestamps, run->bytes);
  run->timestamp_bytes = run->bytes.size();
  encoder.Encode(series.tail.values, run->bytes);
  run->bytes.shrink_to_fit();
  series.runs.push_back(std::move(run));
  series.tail.clear();
}

bool LoneStore::Overlaps(SeriesId id, TimeRange range) const {
  const Shard& shard = ShardOf(id);
  ReaderLock lock(shard.mutex);
  const auto found = shard.series.find(static_cast<uint64_t>(id));
  if (found == shard.series.end() || found->second.tail.size() == 0) return false;
  const Series& series = found->second;
  const Timestamp oldest =
      series.runs.empty() ? series.tail.timestamps.front() : series.runs.front()->range.min;
  return range.Overlaps({oldest, series.tail.timestamps.back()});
}

Status LoneStore::Read(SeriesId id, TimeRange range, SampleColumns& out) const {
  std::vector<std::shared_ptr<const Run>> runs;
  SampleColumns tail;
  {
    const Shard& shard = ShardOf(id);
    ReaderLock lock(shard.mutex);
    const auto found = shard.series.find(static_cast<uint64_t>(id));
    if (found == shard.series.end()) return {};
    std::ranges::copy_if(found->second.runs, std::back_inserter(runs),
                         [&](const auto& run) { return run->range.Overlaps(range); });
    AppendInRange(found->second.tail, range, tail);
  }
  for (const auto& run : runs) TRY(ReadRun(*run, range, out));
  AppendInRange(tail, range, out);
  return {};
}

Status LoneStore::ReadRun(const Run& run, TimeRange range, SampleColumns& out) {
  SampleColumns all;
  all.timestamps.resize(kRunSamples);
  all.values.resize(kRunSamples);
  const std::string_view bytes = run.bytes;
  TRY(DecodeTimestamps(bytes.substr(0, run.timestamp_bytes), all.timestamps));
  TRY(DecodeValues(bytes.substr(run.timestamp_bytes), all.values));
  AppendInRange(all, range, out);
  return {};
}

}  // namespace barograph::tsdb
