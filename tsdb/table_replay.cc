#include "tsdb/table_replay.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <thread>

#include "tsdb/start_stream.h"

namespace barograph::tsdb {
namespace {

// More would wait for each other at the series of the head.
constexpr size_t kMaxThreads = 8;

// Fewer tables are not worth waking another thread.
constexpr size_t kTablesPerThread = 8;

size_t Helpers() {
  const size_t cores = std::max<size_t>(std::thread::hardware_concurrency(), 1);
  return std::min(cores, kMaxThreads) - 1;
}

}  // namespace

TableReplay::TableReplay(Head& head, FindSeries find_series)
    : head_(head),
      find_series_(std::move(find_series)),
      pool_(Helpers()),
      workers_(pool_.threads() + 1) {}

Status TableReplay::AddRow(std::string_view payload, Place place) {
  const wal::RowEnvelope row = TRY(wal::ParseRow(payload));
  Gather(StateOf(row.table, row.sequence), {place, row});
  return {};
}

Status TableReplay::AddClose(std::string_view payload, Place place) {
  const auto found = by_table_.find(TRY(wal::ParseClose(payload)));
  if (found != by_table_.end()) Gather(states_[found->second], {place, std::nullopt});
  return {};
}

void TableReplay::Gather(TableState& state, Record record) {
  if (state.gathered.empty()) waiting_.push_back(&state);
  state.gathered.push_back(record);
}

TableReplay::TableState& TableReplay::StateOf(uint64_t table, uint64_t first_sequence) {
  const auto [found, is_new] = by_table_.try_emplace(table, states_.size());
  if (!is_new) return states_[found->second];
  TableState& state = states_.emplace_back();
  next_table_ = std::max(next_table_, table + 1);
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

TableReplay::Applied TableReplay::Apply() {
  std::atomic<size_t> next = 0;
  const auto take_tables = [&](size_t worker) {
    for (size_t i; (i = next.fetch_add(1)) < waiting_.size();) {
      ApplyTable(*waiting_[i], workers_[worker]);
    }
  };
  pool_.Run(std::min(pool_.threads(), waiting_.size() / kTablesPerThread), take_tables);
  waiting_.clear();
  Applied all;
  for (Worker& worker : workers_) {
    auto& [damaged, nameless] = worker.applied;
    std::ranges::copy(damaged, std::back_inserter(all.damaged));
    std::ranges::copy(nameless, std::back_inserter(all.nameless));
    worker.applied = {};
  }
  std::ranges::sort(all.damaged, {}, [](const Place& place) {
    return std::pair(place.begin.segment, place.begin.offset);
  });
  return all;
}

void TableReplay::ApplyTable(TableState& state, Worker& worker) {
  for (const Record& record : state.gathered) {
    if (!ApplyRecord(state, record, worker)) worker.applied.damaged.push_back(record.place);
  }
  state.gathered.clear();
}

Status TableReplay::ApplyRecord(TableState& state, const Record& record, Worker& worker) {
  if (!record.row) {
    head_.CountChunks(head_.TableAt(state.number)->Seal(worker.encoder));
    return {};
  }
  const wal::RowEnvelope& row = *record.row;
  const uint64_t segment = record.place.begin.segment;
  if (row.sequence < state.next_sequence) return {};
  if (row.sequence > state.next_sequence && !row.previous_body.empty()) {
    TRY(ApplyBody(state, row.sequence - 1, row.previous_body, segment, worker));
  }
  return ApplyBody(state, row.sequence, row.body, segment, worker);
}

Status TableReplay::ApplyBody(TableState& state, uint64_t sequence, std::string_view body,
                              uint64_t segment, Worker& worker) {
  state.broken = state.broken || sequence != state.next_sequence;
  state.lost_rows += sequence - std::min(sequence, state.next_sequence);
  state.next_sequence = sequence + 1;
  const Status read = ReadBody(state, sequence, body, segment, worker);
  state.broken = !read;
  if (!read && !state.headless) ++state.lost_rows;
  if (read) state.headless = false;
  // A row that cannot be read for want of those before it is not damaged itself.
  if (!read && read.error().code == ErrorCode::kUnavailable) return {};
  return read;
}

Status TableReplay::ReadBody(TableState& state, uint64_t sequence, std::string_view body,
                             uint64_t segment, Worker& worker) {
  RowHeader header = TRY(ParseRowHeader(body));
  const std::shared_ptr<Table> table = head_.TableAt(state.number);
  if (state.broken) {
    if (!header.key) return Fail(ErrorCode::kUnavailable, "the rows before it are lost");
    head_.CountChunks(table->ResetCoding(worker.encoder));
  }
  UseKnownIds(header, worker);
  TRY(table->ApplyEdits(header, worker.encoder));
  AddSources(state.number, header, worker);
  return AppendRow(*table, sequence, segment, header, worker);
}

Status TableReplay::AppendRow(Table& table, uint64_t sequence, uint64_t segment,
                              const RowHeader& header, Worker& worker) {
  if (!table.empty() && header.timestamp < table.last_timestamp()) {
    return Fail(ErrorCode::kCorruption, "row record: older than the row before it");
  }
  if (table.empty() || header.timestamp > table.last_timestamp()) {
    head_.CountChunks(table.SealWhenDue(worker.encoder));
  }
  TRY(table.Decode(header, worker.present, worker.changes));
  const auto is_state = [](const RowChange& change) {
    return change.kind == RowChange::Kind::kState;
  };
  if (std::ranges::any_of(worker.changes, is_state)) {
    head_.CountChunks(table.Seal(worker.encoder));
  }
  table.ExpectRow(segment);
  table.Append(sequence, header.timestamp, worker.present, worker.changes);
  if (table.CountSamples(worker.present) > 0) {
    head_.ExtendRange({header.timestamp, header.timestamp});
  }
  return {};
}

// A series that came twice, under two ids, goes by the first.
void TableReplay::UseKnownIds(RowHeader& header, Worker& worker) {
  std::vector<SeriesId>& series = worker.series;
  series.clear();
  for (const ColumnAssignment& assignment : header.assignments) {
    series.push_back(SeriesOfStream(assignment.series));
  }
  for (const size_t unknown : head_.registry.FindAll(series)) {
    series[unknown] = find_series_(series[unknown]).value_or(series[unknown]);
  }
  for (size_t i = 0; i < series.size(); ++i) {
    SeriesId& id = header.assignments[i].series;
    id = IsStartStream(id) ? StartStreamOf(series[i]) : series[i];
  }
}

void TableReplay::AddSources(uint32_t number, const RowHeader& header, Worker& worker) {
  std::vector<SeriesId>& columns = worker.series;
  columns.clear();
  for (const auto& [column, series, resumed] : header.assignments) {
    if (columns.size() <= column) columns.resize(column + size_t{1}, kNoSeries);
    columns[column] = series;
  }
  std::vector<SeriesId> unknown;
  head_.registry.AddSources(number, columns, unknown);
  for (const SeriesId series : unknown) {
    const auto column = std::ranges::find(columns, series) - columns.begin();
    worker.applied.nameless.push_back({series, {number, static_cast<ColumnId>(column)}});
  }
}

uint64_t TableReplay::lost_rows() const {
  uint64_t lost = 0;
  for (const TableState& state : states_) lost += state.lost_rows;
  return lost;
}

}  // namespace barograph::tsdb
