#include "tsdb/exemplars/exemplar_store.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "tsdb/wal/reader.h"
#include "tsdb/wal/record.h"

namespace barograph::tsdb {
namespace {

// Segments are ended here and not by the log, as each has to define its series anew.
constexpr uint64_t kNeverFull = std::numeric_limits<uint64_t>::max();

constexpr size_t kExemplarsPerRecord = size_t{1} << 15;

bool MatchesSome(std::span<const Matchers> selectors, const Labels& labels) {
  return std::ranges::any_of(
      selectors, [&](const Matchers& matchers) { return MatchesAll(matchers, labels); });
}

}  // namespace

ExemplarStore::ExemplarStore(FileSystem& files, const Clock& clock, const Logger& logger,
                             Metrics& metrics, Options options, FindLabels find_labels)
    : files_(files),
      clock_(clock),
      logger_(logger),
      metrics_(metrics),
      options_(std::move(options)),
      find_labels_(std::move(find_labels)),
      ring_(options_.capacity) {}

// ---- The log.

Result<std::unique_ptr<ExemplarStore>> ExemplarStore::Open(FileSystem& files, const Clock& clock,
                                                           const Logger& logger, Metrics& metrics,
                                                           Options options,
                                                           FindLabels find_labels) {
  std::unique_ptr<ExemplarStore> store(
      new ExemplarStore(files, clock, logger, metrics, std::move(options), std::move(find_labels)));
  MutexLock lock(store->append_mutex_);
  if (store->options_.capacity > 0) TRY(store->Load());
  ReaderLock reading(store->ring_mutex_);
  store->ShowCounts();
  return store;
}

Result<std::vector<uint64_t>> ExemplarStore::ListSegments() const {
  std::vector<uint64_t> segments;
  if (!files_.Exists(options_.directory)) return segments;
  for (const DirectoryEntry& entry : TRY(files_.List(options_.directory))) {
    if (const auto number = wal::ParseSegmentName(entry.name)) segments.push_back(*number);
  }
  std::ranges::sort(segments);
  return segments;
}

Status ExemplarStore::Load() {
  for (const uint64_t number : TRY(ListSegments())) TRY(LoadSegment(number));
  return {};
}

Status ExemplarStore::LoadSegment(uint64_t number) {
  const std::string path = options_.directory + "/" + wal::SegmentName(number);
  const auto contents = TRY(files_.Map(path));
  metrics_.exemplar_log_bytes.Increment(static_cast<double>(contents->bytes().size()));
  wal::SegmentReader reader(number, contents->bytes());
  boost::unordered_flat_map<uint64_t, Labels> series;
  const auto apply = [&](const wal::Record& record) -> Status {
    if (record.type == wal::RecordType::kSeries) {
      for (const wal::SeriesEntry& entry : TRY(wal::ParseSeries(record.payload))) {
        series[static_cast<uint64_t>(entry.id)] =
            Labels::FromPacked(std::string(entry.packed_labels));
      }
      return {};
    }
    if (record.type != wal::RecordType::kExemplars) {
      return Fail(ErrorCode::kCorruption, "a record of another type");
    }
    WriterLock lock(ring_mutex_);
    for (SeriesExemplar& exemplar : TRY(wal::ParseExemplars(record.payload))) {
      const auto labels = series.find(static_cast<uint64_t>(exemplar.series));
      if (labels == series.end()) continue;
      ring_.Append(kNoSeries, labels->second, std::move(exemplar.exemplar));
    }
    return {};
  };
  using Event = wal::SegmentReader::Event;
  wal::Record record{};
  Event event;
  while ((event = reader.Next(record)) == Event::kRecord || event == Event::kDamage) {
    const Status read = event == Event::kRecord
                            ? apply(record)
                            : Status(Fail(ErrorCode::kCorruption, "not what was written"));
    if (read) continue;
    metrics_.wal_corruptions.Increment();
    logger_.Error("A part of the log of exemplars is damaged and left out",
                  {{"segment", number}, {"offset", reader.offset()}, {"err", read.error()}});
  }
  if (event == Event::kTornEnd) TRY(CutTornEnd(path, reader.damage_begin()));
  ReaderLock lock(ring_mutex_);
  segments_.push_back({number, ring_.appended()});
  return {};
}

// What a crash cut off was never acknowledged.
Status ExemplarStore::CutTornEnd(const std::string& path, uint64_t size) {
  metrics_.wal_truncations.Increment();
  auto file = TRY(files_.OpenWritable(path, OpenMode::kAppend));
  TRY(file->Truncate(size));
  return file->Close();
}

// Always in a new segment: ids are those of this process.
Status ExemplarStore::OpenLog() {
  if (closed_) return Fail(ErrorCode::kUnavailable, "the storage is closed");
  if (log_ != nullptr) return {};
  TRY(files_.CreateDirectories(options_.directory));
  const std::vector<uint64_t> there = TRY(ListSegments());
  const uint64_t number = there.empty() ? 0 : there.back() + 1;
  log_ = TRY(wal::Log::Open(files_, clock_, logger_, metrics_.OfExemplarLog(),
                            {.directory = options_.directory, .segment_bytes = kNeverFull},
                            {.segment = number, .size = 0}));
  segments_.push_back({number, 0});
  return DropOldSegments();
}

Status ExemplarStore::BeginSegment() {
  const uint64_t number = TRY(log_->Rotate());
  if (number != segments_.back().number) segments_.push_back({number, 0});
  segment_bytes_ = 0;
  defined_.clear();
  return DropOldSegments();
}

// Segments that the ring has nothing of.
Status ExemplarStore::DropOldSegments() {
  uint64_t oldest;
  {
    ReaderLock lock(ring_mutex_);
    oldest = ring_.appended() - ring_.size();
  }
  while (segments_.size() > 1 && segments_.front().end <= oldest) segments_.pop_front();
  return log_->RemoveBefore(segments_.front().number);
}

Status ExemplarStore::Write(const Accepted& accepted) {
  TRY(OpenLog());
  if (segment_bytes_ >= options_.segment_bytes) TRY(BeginSegment());
  for (const auto& [series, labels] : accepted.labels) {
    if (!defined_.insert(series).second) continue;
    log_->QueueSeries(SeriesId{series}, labels.packed());
    segment_bytes_ += 2 * labels.packed().size();  // the next write repeats it
  }
  std::vector<std::string> payloads;
  const std::span<const SeriesExemplar> all = accepted.exemplars;
  for (size_t at = 0; at < all.size(); at += kExemplarsPerRecord) {
    wal::AppendExemplars(payloads.emplace_back(),
                         all.subspan(at, std::min(kExemplarsPerRecord, all.size() - at)));
    segment_bytes_ += payloads.back().size();
  }
  std::vector<wal::Record> records;
  for (const std::string& payload : payloads) {
    records.push_back({wal::RecordType::kExemplars, payload});
  }
  const auto written = log_->Append(records);
  // After a failure the log may go on in a segment of its own choice.
  if (!written) segment_bytes_ = options_.segment_bytes;
  const wal::Lsn lsn = TRY(written);
  return options_.wait_for_fsync ? log_->WaitDurable(lsn) : Status();
}

// ---- Appending.

Result<std::vector<ExemplarVerdict>> ExemplarStore::Append(
    std::span<const SeriesExemplar> exemplars) {
  MutexLock appending(append_mutex_);
  Accepted accepted;
  auto verdicts = TRY(Judge(exemplars, accepted));
  metrics_.exemplars_out_of_order.Increment(
      static_cast<double>(std::ranges::count(verdicts, ExemplarVerdict::kOutOfOrder)));
  if (accepted.exemplars.empty()) return verdicts;
  TRY(Write(accepted));
  metrics_.exemplars_appended.Increment(static_cast<double>(accepted.exemplars.size()));
  WriterLock lock(ring_mutex_);
  for (SeriesExemplar& exemplar : accepted.exemplars) {
    ring_.Append(exemplar.series, accepted.labels[static_cast<uint64_t>(exemplar.series)],
                 std::move(exemplar.exemplar));
  }
  segments_.back().end = ring_.appended();
  ShowCounts();
  return verdicts;
}

Result<std::vector<ExemplarVerdict>> ExemplarStore::Judge(std::span<const SeriesExemplar> exemplars,
                                                          Accepted& accepted) {
  std::vector<ExemplarVerdict> verdicts;
  verdicts.reserve(exemplars.size());
  accepted.exemplars.reserve(exemplars.size());
  boost::unordered_flat_map<uint64_t, const Exemplar*> newest;
  ReaderLock lock(ring_mutex_);
  for (const auto& [series, exemplar] : exemplars) {
    const auto id = static_cast<uint64_t>(series);
    const Labels* labels = ring_.LabelsOf(series);
    std::optional<Labels> found;
    if (labels == nullptr && ring_.capacity() > 0) {
      found = find_labels_(series);
      if (!found) {
        return Fail(ErrorCode::kInvalidArgument, "no series has the id " + std::to_string(id));
      }
      labels = &*found;
    }
    const Exemplar*& last = newest[id];
    verdicts.push_back(ring_.Judge(series, labels, exemplar, last, window_));
    if (verdicts.back() != ExemplarVerdict::kAppended) continue;
    accepted.exemplars.push_back({series, exemplar});
    accepted.labels.try_emplace(id, *labels);
    if (last == nullptr || exemplar.timestamp >= last->timestamp) last = &exemplar;
  }
  return verdicts;
}

void ExemplarStore::ShowCounts() {
  metrics_.max_exemplars.Set(static_cast<double>(ring_.capacity()));
  metrics_.exemplars.Set(static_cast<double>(ring_.size()));
  metrics_.exemplar_series.Set(static_cast<double>(ring_.series()));
  metrics_.first_exemplar_seconds.Set(ToSeconds(ring_.first_timestamp().value_or(Timestamp())));
}

Status ExemplarStore::Resize(size_t capacity) {
  MutexLock appending(append_mutex_);
  {
    WriterLock lock(ring_mutex_);
    if (ring_.capacity() == capacity) return {};
    ring_.Resize(capacity);
    ShowCounts();
  }
  if (capacity > 0) return {};
  // Or they would be back after a restart.
  TRY(OpenLog());
  return BeginSegment();
}

void ExemplarStore::SetOutOfOrderWindow(Duration window) {
  MutexLock appending(append_mutex_);
  window_ = window;
}

Status ExemplarStore::Sync() {
  wal::Log* log;
  {
    MutexLock appending(append_mutex_);
    log = log_.get();
  }
  return log == nullptr ? Status() : log->Sync();  // appends need not wait for it
}

Status ExemplarStore::Close() {
  MutexLock appending(append_mutex_);
  closed_ = true;
  return log_ == nullptr ? Status() : log_->Close();
}

// ---- Asking.

Result<std::vector<ExemplarSeries>> ExemplarStore::Select(TimeRange range,
                                                          std::span<const Matchers> selectors,
                                                          std::stop_token stop) const {
  std::vector<ExemplarSeries> found;
  {
    ReaderLock lock(ring_mutex_);
    ring_.ForEachSeries([&](const Labels& labels, auto&& each) {
      if (stop.stop_requested() || !MatchesSome(selectors, labels)) return;
      std::vector<Exemplar> exemplars;
      each([&](const Exemplar& exemplar) {
        if (exemplar.timestamp >= range.min && exemplar.timestamp <= range.max) {
          exemplars.push_back(exemplar);
        }
        return exemplar.timestamp <= range.max;
      });
      if (!exemplars.empty()) found.push_back({labels, std::move(exemplars)});
    });
  }
  if (stop.stop_requested()) return Fail(ErrorCode::kCancelled, "query was cancelled");
  std::ranges::sort(found, {}, &ExemplarSeries::labels);
  return found;
}

}  // namespace barograph::tsdb
