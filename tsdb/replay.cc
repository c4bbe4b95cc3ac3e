#include "tsdb/replay.h"

#include <algorithm>

#include "tsdb/start_stream.h"
#include "tsdb/wal/reader.h"

namespace barograph::tsdb {
namespace {

// A segment of very small records is applied in parts of some megabytes.
constexpr size_t kMaxGathered = size_t{1} << 16;

}  // namespace

Replay::Replay(FileSystem& files, std::string directory, Head& head, Metrics& metrics,
               Logger logger, FindLabels find_labels)
    : files_(files),
      directory_(std::move(directory)),
      head_(head),
      metrics_(metrics),
      logger_(std::move(logger)),
      find_labels_(std::move(find_labels)),
      tables_(head, [this](SeriesId id) { return FindSeries(id); }) {}

Result<Replay::Outcome> Replay::Run() {
  const std::vector<uint64_t> segments = TRY(ListSegments());
  for (const uint64_t number : segments) TRY(ReadSegment(number, number == segments.back()));
  AddLoneSources();
  outcome_.next_table = tables_.next_table();
  outcome_.lost_rows = tables_.lost_rows();
  metrics_.wal_bytes.Set(static_cast<double>(outcome_.bytes));
  if (!nameless_.empty()) {
    logger_.Warn("Series whose definition is lost in the write-ahead log cannot be shown",
                 {{"series", nameless_.size()}});
  }
  if (outcome_.lost_rows > 0) {
    logger_.Warn("Scrapes in damaged parts of the write-ahead log are lost",
                 {{"scrapes", outcome_.lost_rows}});
  }
  return outcome_;
}

Result<std::vector<uint64_t>> Replay::ListSegments() {
  std::vector<uint64_t> segments;
  for (const DirectoryEntry& entry : TRY(files_.List(directory_))) {
    if (const auto number = wal::ParseSegmentName(entry.name)) segments.push_back(*number);
  }
  std::ranges::sort(segments);
  for (size_t i = 1; i < segments.size(); ++i) {
    const uint64_t missing = segments[i] - segments[i - 1] - 1;
    if (missing > 0) ReportMissing(segments[i - 1] + 1, missing);
  }
  return segments;
}

Status Replay::ReadSegment(uint64_t number, bool last) {
  using Event = wal::SegmentReader::Event;
  const std::string path = directory_ + "/" + wal::SegmentName(number);
  const auto contents = TRY(files_.Map(path));
  wal::SegmentReader reader(number, contents->bytes());
  wal::Record record{};
  uint64_t good = 0;
  for (Event event; (event = reader.Next(record)) != Event::kEnd;) {
    if (event == Event::kRecord) {
      good = reader.offset();
      ++outcome_.records;
      const uint64_t begin = good - record.payload.size() - wal::kFrameHeaderBytes;
      const TableReplay::Place place{{number, begin}, good};
      TRY(Judge(Take(record, place), place));
      if (gathered_ >= kMaxGathered) TRY(ApplyGathered());
    } else if (event == Event::kDamage || !last) {
      ReportDamage(number, reader.damage_begin(), reader.offset());
    }
  }
  TRY(ApplyGathered());
  // As it can be after a power failure within a second of its begin, or where a disk lost it.
  if (!last && contents->bytes().empty()) {
    logger_.Warn("A segment of the write-ahead log is empty", {{"segment", number}});
  }
  outcome_.bytes += good;
  outcome_.start = {number, good};
  // One with nothing but its magic, or not even that, is no torn one: it is begun anew.
  if (last && contents->bytes().size() <= wal::kSegmentMagic.size()) {
    outcome_.start.size = 0;
    return {};
  }
  if (last && good < contents->bytes().size()) return CutTornEnd(number, good);
  return {};
}

// What is damaged is passed over.
Status Replay::Judge(Status applied, TableReplay::Place place) {
  if (applied || applied.error().code != ErrorCode::kCorruption) return applied;
  ReportDamage(place.begin.segment, place.begin.offset, place.end);
  return {};
}

Status Replay::CutTornEnd(uint64_t number, uint64_t size) {
  logger_.Warn("The write-ahead log's end was cut off within a record",
               {{"segment", number}, {"offset", size}});
  metrics_.wal_truncations.Increment();
  // A segment without one good record is begun anew.
  if (size <= wal::kSegmentMagic.size()) {
    outcome_.start.size = 0;
    return {};
  }
  auto file =
      TRY(files_.OpenWritable(directory_ + "/" + wal::SegmentName(number), OpenMode::kAppend));
  TRY(file->Truncate(size));
  return file->Close();
}

void Replay::ReportDamage(uint64_t number, uint64_t begin, uint64_t end) {
  metrics_.wal_corruptions.Increment();
  logger_.Error("A part of the write-ahead log is damaged and left out",
                {{"segment", number}, {"offset", begin}, {"bytes", end - begin}});
}

void Replay::ReportMissing(uint64_t first, uint64_t count) {
  metrics_.wal_corruptions.Increment();
  logger_.Error("Segments of the write-ahead log are missing",
                {{"first", first}, {"segments", count}});
}

// Applies what others need, and gathers what the tables get and what comes after them.
Status Replay::Take(const wal::Record& record, TableReplay::Place place) {
  switch (record.type) {
    case wal::RecordType::kSeries: return ApplySeries(record.payload);
    case wal::RecordType::kDeletions: return ApplyDeletions(record.payload);
    case wal::RecordType::kRow: ++gathered_; return tables_.AddRow(record.payload, place);
    case wal::RecordType::kClose: ++gathered_; return tables_.AddClose(record.payload, place);
    case wal::RecordType::kSamples:
    case wal::RecordType::kHistograms:
      ++gathered_;
      lone_.push_back({place, record});
      return {};
    case wal::RecordType::kExemplars: break;  // they have a log of their own
  }
  return Fail(ErrorCode::kCorruption, "a record of an unknown type");
}

Status Replay::ApplyGathered() {
  const TableReplay::Applied applied = tables_.Apply();
  for (const TableReplay::Place& place : applied.damaged) {
    ReportDamage(place.begin.segment, place.begin.offset, place.end);
  }
  for (const auto& [series, source] : applied.nameless) {
    nameless_[static_cast<uint64_t>(series)].columns.push_back(source);
  }
  for (const Waiting& waiting : lone_) TRY(Judge(ApplyLone(waiting), waiting.place));
  lone_.clear();
  gathered_ = 0;
  return {};
}

Status Replay::ApplyLone(const Waiting& waiting) {
  const auto& [place, record] = waiting;
  if (record.type == wal::RecordType::kSamples) return ApplySamples(record.payload, place.begin);
  return ApplyHistograms(record.payload, place.begin);
}

Status Replay::ApplySeries(std::string_view payload) {
  const std::vector<wal::SeriesEntry> entries = TRY(wal::SplitSeries(payload));
  std::vector<SeriesId> ids;
  ids.reserve(entries.size());
  for (const wal::SeriesEntry& entry : entries) ids.push_back(entry.id);
  const std::vector<size_t> unknown = head_.registry.FindAll(ids);
  const auto is_good = [&](size_t i) { return Labels::Validate(entries[i].packed_labels); };
  if (!std::ranges::all_of(unknown, is_good)) {
    return Fail(ErrorCode::kCorruption, "a series that nobody wrote");
  }
  for (const size_t i : unknown) {
    const auto& [id, labels] = entries[i];
    TRY(head_.registry.Restore(id, Labels::FromPacked(std::string(labels))));
  }
  if (nameless_.empty()) return {};
  for (const wal::SeriesEntry& entry : entries) NameNameless(entry.id);
  return {};
}

void Replay::NameNameless(SeriesId id) {
  StoreNameless(id);
  StoreNameless(StartStreamOf(id));
}

void Replay::StoreNameless(SeriesId id) {
  const auto found = nameless_.find(static_cast<uint64_t>(id));
  if (found == nameless_.end()) return;
  const SeriesId known = FindSeries(id).value_or(id);
  for (const Source& source : found->second.columns) head_.registry.SetSource(known, source);
  for (const Sample& sample : found->second.samples) {
    StoreSample(known, {sample.timestamp, sample.value});
  }
  for (const wal::LoneHistogram& histogram : found->second.histograms) {
    StoreSample(known, {histogram.timestamp, 0, &histogram.histogram});
  }
  for (const TimeRange range : found->second.deletions) head_.tombstones.Add(known, range);
  nameless_.erase(found);
}

// The id that the series goes by, where it can be known.
std::optional<SeriesId> Replay::FindSeries(SeriesId id) {
  if (IsStartStream(id)) {
    const auto series = FindSeries(SeriesOfStream(id));
    return series ? std::optional(StartStreamOf(*series)) : std::nullopt;
  }
  if (const auto known = head_.registry.Find(id)) return known;
  const std::optional<Labels> labels = find_labels_(id);
  if (!labels || !head_.registry.Restore(id, *labels)) return std::nullopt;
  return head_.registry.Find(id);
}

// Of what files hold already the log may still have the records, but not the labels.
void Replay::AddLoneSources() {
  for (const SeriesId id : head_.lone.Series()) {
    if (IsStartStream(id)) continue;
    if (const auto known = FindSeries(id)) head_.registry.SetSource(*known, {Source::kLone, 0});
  }
  head_.ExtendRange(head_.lone.range());
}

bool Replay::IsInFiles(wal::Position at) const {
  const wal::Position sealed = head_.lone.sealed_position();
  return at.segment < sealed.segment || (at.segment == sealed.segment && at.offset < sealed.offset);
}

Status Replay::ApplySamples(std::string_view payload, wal::Position at) {
  if (IsInFiles(at)) return {};
  const auto entries = TRY(wal::ParseSamples(payload));
  std::vector<LonePoint> points;
  for (auto entry = entries.begin(); entry != entries.end();) {
    const SeriesId series = entry->series;
    const auto known = FindSeries(series);
    points.clear();
    for (; entry != entries.end() && entry->series == series; ++entry) {
      points.push_back({entry->sample.timestamp, entry->sample.value});
      if (!known) nameless_[static_cast<uint64_t>(series)].samples.push_back(entry->sample);
    }
    if (known) StoreSamples(*known, points);
  }
  return {};
}

Status Replay::ApplyHistograms(std::string_view payload, wal::Position at) {
  if (IsInFiles(at)) return {};
  for (wal::LoneHistogram& histogram : TRY(wal::ParseHistograms(payload))) {
    if (const auto known = FindSeries(histogram.series)) {
      StoreSample(*known, {histogram.timestamp, 0, &histogram.histogram});
    } else {
      nameless_[static_cast<uint64_t>(histogram.series)].histograms.push_back(std::move(histogram));
    }
  }
  return {};
}

void Replay::StoreSamples(SeriesId id, std::span<const LonePoint> points) {
  const LoneStore::Appended appended = head_.lone.AppendLogged(id, points);
  head_.CountChunks({appended.sealed_chunks, appended.sealed_chunks});
  if (IsStartStream(id)) return;
  if (appended.first) head_.registry.SetSource(id, {Source::kLone, 0});
  if (!appended.sample) return;
  const auto [oldest, newest] = std::ranges::minmax(points, {}, &LonePoint::timestamp);
  head_.ExtendRange({oldest.timestamp, newest.timestamp});
}

Status Replay::ApplyDeletions(std::string_view payload) {
  for (const auto& [series, range] : TRY(wal::ParseDeletions(payload))) {
    if (const auto known = FindSeries(series)) {
      head_.tombstones.Add(*known, range);
    } else {
      nameless_[static_cast<uint64_t>(series)].deletions.push_back(range);
    }
  }
  return {};
}

}  // namespace barograph::tsdb
