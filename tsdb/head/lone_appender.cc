#include "tsdb/head/lone_appender.h"

#include <algorithm>
#include <utility>

namespace barograph::tsdb {
namespace {

constexpr size_t kSamplesPerRecord = size_t{1} << 16;

}  // namespace

Result<SeriesId> LoneAppender::Resolve(const Labels& labels) {
  return path_.head.registry.IdOf(TRY(path_.head.registry.GetOrCreate(labels)));
}

Result<AppendReport> LoneAppender::Commit() {
  Status known = CheckSeries();
  if (std::exchange(has_histograms_, false)) {
    known = Fail(ErrorCode::kInvalidArgument, "the head does not keep native histograms");
  }
  AppendReport report;
  Status written;
  if (known) {
    MutexLock lock(path_.commit_mutex);
    const std::vector<wal::LoneSample> accepted = TakeAcceptable(report);
    report.appended = accepted.size();
    written = Write(accepted);
  }
  samples_.clear();
  TRY(known);
  TRY(written);
  path_.CountRefused(report);
  return report;
}

Status LoneAppender::CheckSeries() const {
  for (const auto& [series, sample] : samples_) {
    if (path_.head.registry.RefOf(series)) continue;
    return Fail(ErrorCode::kInvalidArgument,
                "no series has the id " + std::to_string(static_cast<uint64_t>(series)));
  }
  return {};
}

std::vector<wal::LoneSample> LoneAppender::TakeAcceptable(AppendReport& report) const {
  std::vector<wal::LoneSample> accepted;
  Newest newest;
  for (const wal::LoneSample& sample : samples_) {
    if (!path_.InBounds(sample.sample.timestamp)) {
      ++report.out_of_bounds;
      continue;
    }
    switch (Judge(sample, newest)) {
      case LoneStore::Verdict::kAccepted: accepted.push_back(sample); break;
      case LoneStore::Verdict::kRepeated: break;
      case LoneStore::Verdict::kDuplicate: ++report.duplicate; break;
      case LoneStore::Verdict::kOutOfOrder: ++report.out_of_order; break;
    }
  }
  return accepted;
}

// Judges against what this commit accepted already, else against the store.
LoneStore::Verdict LoneAppender::Judge(const wal::LoneSample& sample, Newest& newest) const {
  const auto& [series, next] = sample;
  const auto before = newest.find(static_cast<uint64_t>(series));
  auto verdict = LoneStore::Verdict::kAccepted;
  if (before == newest.end()) {
    verdict = path_.head.lone.Check(series, next);
  } else if (next.timestamp < before->second.timestamp) {
    verdict = LoneStore::Verdict::kOutOfOrder;
  } else if (next.timestamp == before->second.timestamp) {
    verdict = SameBits(next.value, before->second.value) ? LoneStore::Verdict::kRepeated
                                                         : LoneStore::Verdict::kDuplicate;
  }
  if (verdict == LoneStore::Verdict::kAccepted) newest[static_cast<uint64_t>(series)] = next;
  return verdict;
}

Status LoneAppender::Write(const std::vector<wal::LoneSample>& samples) {
  if (samples.empty()) return {};
  std::vector<std::string> payloads;
  for (size_t at = 0; at < samples.size(); at += kSamplesPerRecord) {
    const auto part = std::span(samples).subspan(at);
    payloads.emplace_back();
    wal::AppendSamples(payloads.back(), part.first(std::min(part.size(), kSamplesPerRecord)));
  }
  std::vector<wal::Record> records;
  for (const std::string& payload : payloads) {
    records.push_back({wal::RecordType::kSamples, payload});
  }
  TRY(path_.Log(records));
  TimeRange range = Table::kNoRange;
  for (const wal::LoneSample& sample : samples) {
    Store(sample);
    range.min = std::min(range.min, sample.sample.timestamp);
    range.max = std::max(range.max, sample.sample.timestamp);
  }
  path_.head.CountSamples(samples.size(), range);
  return {};
}

void LoneAppender::Store(const wal::LoneSample& sample) {
  Head& head = path_.head;
  const LoneStore::Appended appended = head.lone.Append(sample.series, sample.sample);
  if (appended.sealed_chunk) head.CountChunks({1, 1});
  if (!appended.first) return;
  if (const auto ref = head.registry.RefOf(sample.series)) {
    head.registry.SetSource(*ref, {Source::kLone, 0});
  }
}

}  // namespace barograph::tsdb
