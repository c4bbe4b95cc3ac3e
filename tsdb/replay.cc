#include "tsdb/replay.h"

#include <algorithm>

#include "tsdb/start_stream.h"
#include "tsdb/wal/reader.h"

namespace barograph::tsdb {

Replay::Replay(FileSystem& files, std::string directory, Head& head, Metrics& metrics,
               Logger logger, FindLabels find_labels)
    : files_(files),
      directory_(std::move(directory)),
      head_(head),
      metrics_(metrics),
      logger_(std::move(logger)),
      find_labels_(std::move(find_labels)) {}

Result<Replay::Outcome> Replay::Run() {
  const std::vector<uint64_t> segments = TRY(ListSegments());
  for (const uint64_t number : segments) TRY(ReadSegment(number, number == segments.back()));
  AddLoneSources();
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
  return segments;
}

Status Replay::ReadSegment(uint64_t number, bool last) {
  const std::string path = directory_ + "/" + wal::SegmentName(number);
  const auto contents = TRY(files_.Map(path));
  wal::SegmentReader reader(number, contents->bytes());
  wal::Record record{};
  uint64_t good = 0;
  while (true) {
    const auto event = reader.Next(record);
    if (event == wal::SegmentReader::Event::kEnd) break;
    if (event == wal::SegmentReader::Event::kTornEnd) {
      if (!last) ReportDamage(number, reader.damage_begin(), reader.offset());
      break;
    }
    if (event == wal::SegmentReader::Event::kDamage) {
      ReportDamage(number, reader.damage_begin(), reader.offset());
      continue;
    }
    good = reader.offset();
    at_ = {number, good - record.payload.size() - wal::kFrameHeaderBytes};
    ++outcome_.records;
    if (Status applied = Apply(record); !applied) {
      if (applied.error().code != ErrorCode::kCorruption) return applied;
      ReportDamage(number, good - record.payload.size() - wal::kFrameHeaderBytes, good);
    }
  }
  outcome_.bytes += good;
  outcome_.start = {number, good};
  if (last && good < contents->bytes().size()) return CutTornEnd(number, good);
  return {};
}

Status Replay::CutTornEnd(uint64_t number, uint64_t size) {
  // A segment without one good record is begun anew.
  if (size <= wal::kSegmentMagic.size()) {
    outcome_.start.size = 0;
    return {};
  }
  logger_.Warn("The write-ahead log's end was cut off within a record",
               {{"segment", number}, {"offset", size}});
  metrics_.wal_truncations.Increment();
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

Status Replay::Apply(const wal::Record& record) {
  switch (record.type) {
    case wal::RecordType::kSeries: return ApplySeries(record.payload);
    case wal::RecordType::kRow: return ApplyRow(record.payload);
    case wal::RecordType::kSamples: return ApplySamples(record.payload);
    case wal::RecordType::kClose: return ApplyClose(record.payload);
    case wal::RecordType::kDeletions: return ApplyDeletions(record.payload);
    case wal::RecordType::kHistograms: return ApplyHistograms(record.payload);
    case wal::RecordType::kExemplars: break;  // they have a log of their own
  }
  return Fail(ErrorCode::kCorruption, "a record of an unknown type");
}

Status Replay::ApplySeries(std::string_view payload) {
  for (const wal::SeriesEntry& entry : TRY(wal::ParseSeries(payload))) {
    if (!head_.registry.Find(entry.id)) {
      TRY(head_.registry.Restore(entry.id, Labels::FromPacked(std::string(entry.packed_labels))));
    }
    NameNameless(entry.id);
  }
  return {};
}

Status Replay::ApplyRow(std::string_view payload) {
  const wal::RowEnvelope row = TRY(wal::ParseRow(payload));
  TableState& state = StateOf(row.table, row.sequence);
  if (row.sequence < state.next_sequence) return {};
  if (row.sequence > state.next_sequence && !row.previous_body.empty()) {
    TRY(ApplyBody(state, row.sequence - 1, row.previous_body));
  }
  return ApplyBody(state, row.sequence, row.body);
}

Replay::TableState& Replay::StateOf(uint64_t table, uint64_t first_sequence) {
  const auto [found, is_new] = tables_.try_emplace(table);
  if (!is_new) return found->second;
  TableState& state = found->second;
  outcome_.next_table = std::max(outcome_.next_table, table + 1);
  if (const auto restored = head_.RestoredTable(table)) {
    state.number = *restored;
    state.next_sequence = head_.TableAt(*restored)->next_sequence();
    state.broken = true;  // its columns are told by the next key row
  } else {
    state.number = head_.AddTable(table);
    // What was before may be gone from the log; the row before the first is told by it.
    state.headless = first_sequence != 0;
    state.broken = state.headless;
    state.next_sequence = first_sequence - (state.headless ? 1 : 0);
  }
  return state;
}

Status Replay::ApplyBody(TableState& state, uint64_t sequence, std::string_view body) {
  const bool follows = sequence == state.next_sequence && !state.broken;
  outcome_.lost_rows += sequence - std::min(sequence, state.next_sequence);
  state.next_sequence = sequence + 1;
  const Status read = ReadBody(state, sequence, follows, body);
  state.broken = !read;
  if (!read && !state.headless) ++outcome_.lost_rows;
  if (read) state.headless = false;
  // A row that cannot be read for want of those before it is not damaged itself.
  if (!read && read.error().code == ErrorCode::kUnavailable) return {};
  return read;
}

Status Replay::ReadBody(TableState& state, uint64_t sequence, bool follows, std::string_view body) {
  RowHeader header = TRY(ParseRowHeader(body));
  const std::shared_ptr<Table> table = head_.TableAt(state.number);
  if (!follows) {
    if (!header.key) return Fail(ErrorCode::kUnavailable, "the rows before it are lost");
    head_.CountChunks(table->ResetCoding(encoder_));
  }
  UseKnownIds(header);
  TRY(table->ApplyEdits(header, encoder_));
  AddSources(state.number, header);
  return AppendRow(*table, sequence, header);
}

Status Replay::AppendRow(Table& table, uint64_t sequence, const RowHeader& header) {
  if (!table.empty() && header.timestamp < table.last_timestamp()) {
    return Fail(ErrorCode::kCorruption, "row record: older than the row before it");
  }
  if (table.empty() || header.timestamp > table.last_timestamp()) {
    head_.CountChunks(table.SealWhenDue(encoder_));
  }
  std::vector<uint64_t> present;
  std::vector<RowChange> changes;
  TRY(table.Decode(header, present, changes));
  const auto is_state = [](const RowChange& change) {
    return change.kind == RowChange::Kind::kState;
  };
  if (std::ranges::any_of(changes, is_state)) head_.CountChunks(table.Seal(encoder_));
  table.ExpectRow(at_.segment);
  table.Append(sequence, header.timestamp, present, changes);
  if (table.CountSamples(present) > 0) head_.ExtendRange({header.timestamp, header.timestamp});
  return {};
}

// A series that came twice, under two ids, goes by the first.
void Replay::UseKnownIds(RowHeader& header) {
  for (ColumnAssignment& assignment : header.assignments) {
    assignment.series = FindSeries(assignment.series).value_or(assignment.series);
  }
}

void Replay::AddSources(uint32_t number, const RowHeader& header) {
  for (const ColumnAssignment& assignment : header.assignments) {
    if (IsStartStream(assignment.series)) continue;
    const Source source{number, assignment.column};
    if (!head_.registry.SetSource(assignment.series, source)) {
      nameless_[static_cast<uint64_t>(assignment.series)].columns.push_back(source);
    }
  }
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

bool Replay::IsInFiles() const {
  const wal::Position sealed = head_.lone.sealed_position();
  return at_.segment < sealed.segment ||
         (at_.segment == sealed.segment && at_.offset < sealed.offset);
}

Status Replay::ApplySamples(std::string_view payload) {
  if (IsInFiles()) return {};
  for (const auto& [series, sample] : TRY(wal::ParseSamples(payload))) {
    if (const auto known = FindSeries(series)) {
      StoreSample(*known, {sample.timestamp, sample.value});
    } else {
      nameless_[static_cast<uint64_t>(series)].samples.push_back(sample);
    }
  }
  return {};
}

Status Replay::ApplyHistograms(std::string_view payload) {
  if (IsInFiles()) return {};
  for (wal::LoneHistogram& histogram : TRY(wal::ParseHistograms(payload))) {
    if (const auto known = FindSeries(histogram.series)) {
      StoreSample(*known, {histogram.timestamp, 0, &histogram.histogram});
    } else {
      nameless_[static_cast<uint64_t>(histogram.series)].histograms.push_back(std::move(histogram));
    }
  }
  return {};
}

void Replay::StoreSample(SeriesId id, const LonePoint& point) {
  const LoneStore::Appended appended = head_.lone.Append(id, point);
  head_.CountChunks({appended.sealed_chunks, appended.sealed_chunks});
  if (IsStartStream(id)) return;
  if (appended.first) head_.registry.SetSource(id, {Source::kLone, 0});
  if (appended.sample) head_.ExtendRange({point.timestamp, point.timestamp});
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

Status Replay::ApplyClose(std::string_view payload) {
  const uint64_t table = TRY(wal::ParseClose(payload));
  const auto found = tables_.find(table);
  if (found != tables_.end()) {
    head_.CountChunks(head_.TableAt(found->second.number)->Seal(encoder_));
  }
  return {};
}

}  // namespace barograph::tsdb
