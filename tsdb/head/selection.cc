#include "tsdb/head/selection.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <ranges>

#include "tsdb/chunk/histogram_hints.h"
#include "tsdb/head/lone_reader.h"
#include "tsdb/head/table_reader.h"
#include "tsdb/start_stream.h"

namespace barograph::tsdb {
namespace {

constexpr size_t kSeriesPerStop = 1024;

// Columns of timestamps of lone series are numbered from here on, above those of tables.
constexpr uint64_t kLoneColumns = uint64_t{1} << 63;

constexpr uint32_t kNothing = ~uint32_t{0};

// Who is this often outrun by late samples takes what is there.
constexpr int kTries = 16;

bool IsLone(const Source& source) { return source.table == Source::kLone; }

struct SelectedSeries {
  SeriesId id;
  SeriesRef ref;
  uint32_t first_source;
  uint32_t sources;
  uint32_t deleted = kNothing;  ///< an index in Selected::deleted
};

/// What was found, frozen. Immutable once built, shared by the cursors.
struct Selected {
  const Head& head;
  HeadBounds bounds;
  TimeRange range;
  SelectHints hints;
  DamagedRuns damaged;
  std::shared_ptr<const SeriesSet> set;  ///< that the refs belong to
  std::vector<SelectedSeries> series;
  std::vector<Source> sources;  ///< by series; `table` is an index in `tables`, or kLone
  std::vector<SelectedTable> tables;
  std::vector<std::vector<TimeRange>> deleted;
  mutable std::atomic<uint64_t> last_lone_column = kLoneColumns;

  TimeRange table_range() const { return {std::max(range.min, bounds.tables_from), range.max}; }

  std::span<const Source> SourcesOf(size_t index) const {
    return std::span(sources).subspan(series[index].first_source, series[index].sources);
  }
};

// Replaces `kept` by the samples outside `deleted`.
void KeepUndeleted(const SeriesSamples& samples, std::span<const TimeRange> deleted,
                   SampleColumns& kept) {
  kept.clear();
  for (size_t i = 0; i < samples.size(); ++i) {
    const Timestamp t = samples.timestamps[i];
    if (std::ranges::any_of(deleted, [t](TimeRange range) { return range.Contains(t); })) continue;
    const FloatHistogram* histogram = samples.histograms.empty() ? nullptr : samples.histograms[i];
    kept.Append(t, samples.values[i],
                histogram == nullptr ? nullptr : std::make_unique<FloatHistogram>(*histogram));
  }
}

/// Finds the sources that overlap the range; looks at each table once.
class SourceFilter {
 public:
  explicit SourceFilter(const Selected& selected)
      : head_(selected.head),
        range_(selected.table_range()),
        lone_range_(selected.range),
        lone_from_(selected.bounds.lone_from) {}

  /// Appends the sources of the series that may have samples in the range.
  void AppendSources(const SeriesRegistry::Found& found, size_t index, SeriesId id,
                     std::vector<Source>& out) {
    const size_t before = out.size();
    size_t known;
    // A table's rows are counted before the series' sources are looked at: a late sample that is
    // missed is newer than they are.
    do {
      known = tables.size();
      out.resize(before);
      candidates_.clear();
      head_.registry.SourcesOf(found, index, candidates_);
      AppendOverlapping(id, out);
    } while (tables.size() != known);
  }

  std::vector<SelectedTable> tables;

 private:
  // Rows that a table gets before late samples come must be seen with those: it may not have had
  // any in the range yet.
  void AppendOverlapping(SeriesId id, std::vector<Source>& out) {
    const bool has_lone = std::ranges::any_of(candidates_, IsLone) &&
                          head_.lone.Overlaps(id, lone_range_, lone_from_);
    for (const Source& source : candidates_) {
      if (IsLone(source)) {
        if (has_lone) out.push_back(source);
      } else if (const auto table = Number(source.table, has_lone)) {
        out.push_back({*table, source.column});
      }
    }
  }

  // The table's index in `tables` when it overlaps, or is wanted anyway.
  std::optional<uint32_t> Number(uint32_t number, bool anyway) {
    if (number >= numbers_.size()) numbers_.resize(number + 1, kUnknown);
    uint32_t& index = numbers_[number];
    if (index == kUnknown) {
      index = static_cast<uint32_t>(tables.size());
      std::shared_ptr<const Table> table = head_.TableAt(number);
      overlap_.push_back(table != nullptr && table->range().Overlaps(range_));
      const RowLimit limit = table == nullptr ? RowLimit() : SelectedTable::LimitNow(*table);
      tables.push_back({std::move(table), limit});
    }
    const bool wanted =
        range_.min <= range_.max && tables[index].table != nullptr && (anyway || overlap_[index]);
    return wanted ? std::optional(index) : std::nullopt;
  }

  static constexpr uint32_t kUnknown = ~uint32_t{0};
  const Head& head_;
  const TimeRange range_;
  const TimeRange lone_range_;
  const uint64_t lone_from_;
  std::vector<uint32_t> numbers_;  // by table number
  std::vector<bool> overlap_;      // by index in `tables`
  std::vector<Source> candidates_;
};

class HeadCursor : public SeriesCursor {
 public:
  explicit HeadCursor(std::shared_ptr<const Selected> selected)
      : selected_(std::move(selected)),
        reader_(selected_->tables, selected_->table_range(), selected_->hints.presence_only,
                selected_->damaged),
        lone_(selected_->head.lone, selected_->range, selected_->bounds.lone_from,
              selected_->last_lone_column, selected_->hints.presence_only) {}

  Result<SeriesSamples> Read(size_t index) override {
    if (selected_->hints.start_timestamps) TRY(ReadStarts(index));
    SeriesSamples samples = TRY(ReadSamples(index));
    if (selected_->hints.start_timestamps)
      samples.start_timestamps = starts_.Beside(samples.timestamps);
    return samples;
  }

 private:
  Result<SeriesSamples> ReadSamples(size_t index) {
    const std::span<const Source> sources = selected_->SourcesOf(index);
    const SelectedSeries& series = selected_->series[index];
    if (sources.size() == 1 && !IsLone(sources[0])) {
      return ReadTable(series, sources[0]);
    }
    if (sources.size() == 1) {
      if (const auto samples = TRY(lone_.Read(series.id))) return *samples;
    }
    if (std::ranges::any_of(sources, IsLone)) TRY(ReadLone(series.id, sources));
    merged_.clear();
    for (const Source& source : sources) {
      if (IsLone(source)) {
        MergeInto(merged_, lone_part_);
        continue;
      }
      const SeriesSamples read = TRY(ReadTable(series, source));
      part_.clear();
      part_.timestamps.assign(read.timestamps.begin(), read.timestamps.end());
      part_.values.assign(read.values.begin(), read.values.end());
      MergeInto(merged_, part_);
    }
    reader_.ForgetNewRows();
    return Spans(merged_);
  }

  // Replaces `lone_part_`, and sees to it that the tables show every row that is older than what is
  // there. Each try but the first is for a late sample that came during the one before.
  Status ReadLone(SeriesId id, std::span<const Source> sources) {
    bool has_new_rows = true;
    for (int attempt = 0; has_new_rows && attempt < kTries; ++attempt) {
      lone_part_.clear();
      TRY(selected_->head.lone.Read(id, selected_->range, selected_->bounds.lone_from, lone_part_));
      has_new_rows = false;
      for (const Source& source : sources) {
        if (!IsLone(source) && reader_.TakeNewRows(source.table)) has_new_rows = true;
      }
    }
    return {};
  }

  // Before the samples, whose buffers are the same. The source that the series had first is asked
  // last: it wins.
  Status ReadStarts(size_t index) {
    starts_.Clear();
    const SelectedSeries& series = selected_->series[index];
    for (const Source& source : std::views::reverse(selected_->SourcesOf(index))) {
      if (!IsLone(source)) {
        const SeriesSamples read = TRY(reader_.ReadStarts(source.table, series.id));
        starts_.AddStream(read.timestamps, read.values);
        continue;
      }
      part_.clear();
      TRY(selected_->head.lone.Read(StartStreamOf(series.id), selected_->range,
                                    selected_->bounds.lone_from, part_));
      starts_.AddStream(part_.timestamps, part_.values);
    }
    return {};
  }

  // Only rows of tables are ever deleted here: lone samples move to a block first.
  Result<SeriesSamples> ReadTable(const SelectedSeries& series, const Source& source) {
    const SeriesSamples samples = TRY(reader_.Read(source.table, series.id, source.column));
    if (series.deleted == kNothing) return samples;
    KeepUndeleted(samples, selected_->deleted[series.deleted], kept_);
    return Spans(kept_);
  }

  // Samples may have come between, or gone: hints are found among what is left.
  SeriesSamples Spans(const SampleColumns& columns) {
    SeriesSamples samples;
    samples.timestamps = columns.timestamps;
    samples.values = columns.values;
    if (columns.histograms.empty()) return samples;
    histograms_.clear();
    for (const auto& histogram : columns.histograms) histograms_.push_back(histogram.get());
    HintCounterResets(histograms_);
    samples.histograms = histograms_;
    return samples;
  }

  std::shared_ptr<const Selected> selected_;
  TableReader reader_;
  LoneReader lone_;
  SampleColumns merged_, part_, lone_part_, kept_;
  StartTimestamps starts_;
  std::vector<FloatHistogram*> histograms_;
};

class HeadSelection : public Selection {
 public:
  explicit HeadSelection(std::shared_ptr<const Selected> selected)
      : selected_(std::move(selected)) {}

  size_t size() const override { return selected_->series.size(); }
  Labels labels(size_t index) const override {
    const SeriesRegistry& registry = selected_->head.registry;
    const SelectHints& hints = selected_->hints;
    const SeriesRef ref = selected_->series[index].ref;
    return hints.projected ? registry.LabelsOf(*selected_->set, ref, hints.projection)
                           : registry.LabelsOf(*selected_->set, ref);
  }
  SeriesId id(size_t index) const override { return selected_->series[index].id; }
  std::unique_ptr<SeriesCursor> NewCursor() const override {
    return std::make_unique<HeadCursor>(selected_);
  }
  // Rows of tables are floats.
  bool may_have_histograms() const override {
    return std::ranges::any_of(selected_->sources, IsLone);
  }

 private:
  std::shared_ptr<const Selected> selected_;
};

// Takes over what was deleted of the series, and drops those of which nothing is left.
Status ApplyTombstones(const std::shared_ptr<Selected>& selected) {
  const Tombstones& tombstones = selected->head.tombstones;
  if (tombstones.empty()) return {};
  for (SelectedSeries& series : selected->series) {
    std::vector<TimeRange> ranges = tombstones.RangesOf(series.id);
    if (ranges.empty()) continue;
    series.deleted = static_cast<uint32_t>(selected->deleted.size());
    selected->deleted.push_back(std::move(ranges));
  }
  HeadCursor cursor(selected);
  std::vector<SelectedSeries> left;
  for (size_t i = 0; i < selected->series.size(); ++i) {
    const SelectedSeries& series = selected->series[i];
    if (series.deleted == kNothing || TRY(cursor.Read(i)).size() > 0) left.push_back(series);
  }
  selected->series = std::move(left);
  return {};
}

/// Tells of series that are lone only, many at a time, whether they overlap the range: as nothing
/// else has samples of them, none of SourceFilter's care is needed.
class LoneFilter {
 public:
  explicit LoneFilter(const Selected& selected) : selected_(selected) {}

  /// Looks at those of the glances that are such series. Then Next tells of one after the other.
  void Look(std::span<const SeriesRegistry::Glance> glances) {
    ids_.clear();
    for (const auto& [id, only_lone] : glances) {
      if (only_lone) ids_.push_back(id);
    }
    selected_.head.lone.FindOverlapping(ids_, selected_.range, selected_.bounds.lone_from,
                                        overlaps_);
    next_ = 0;
  }
  bool Next() { return overlaps_[next_++] != 0; }

 private:
  const Selected& selected_;
  std::vector<SeriesId> ids_;
  std::vector<char> overlaps_;
  size_t next_ = 0;
};

/// Adds the series that may have samples in the range to what was selected.
class SelectedFiller {
 public:
  explicit SelectedFiller(Selected& selected)
      : selected_(selected), lone_(selected), filter_(selected) {}

  /// Those of `found` with index [begin, end).
  void Add(const SeriesRegistry::Found& found, size_t begin, size_t end) {
    selected_.head.registry.GlanceAt(found, begin, end, glances_);
    lone_.Look(glances_);
    for (size_t i = begin; i < end; ++i) {
      const auto [id, only_lone] = glances_[i - begin];
      if (only_lone) {
        if (lone_.Next()) selected_.series.push_back({id, found.refs[i], LoneSource(), 1});
        continue;
      }
      const auto first = static_cast<uint32_t>(selected_.sources.size());
      filter_.AppendSources(found, i, id, selected_.sources);
      const auto count = static_cast<uint32_t>(selected_.sources.size()) - first;
      if (count > 0) selected_.series.push_back({id, found.refs[i], first, count});
    }
  }

  std::vector<SelectedTable> TakeTables() { return std::move(filter_.tables); }

 private:
  // The index of the one source that lone series share.
  uint32_t LoneSource() {
    if (lone_source_ == kNothing) {
      lone_source_ = static_cast<uint32_t>(selected_.sources.size());
      selected_.sources.push_back({Source::kLone, 0});
    }
    return lone_source_;
  }

  Selected& selected_;
  LoneFilter lone_;
  SourceFilter filter_;
  std::vector<SeriesRegistry::Glance> glances_;
  uint32_t lone_source_ = kNothing;
};

Result<std::shared_ptr<Selected>> Find(const Head& head, const HeadBounds& bounds, TimeRange range,
                                       const SeriesRegistry::Found& found, const SelectHints& hints,
                                       DamagedRuns damaged, const std::stop_token& stop) {
  auto selected = std::make_shared<Selected>(head, bounds, range, hints, damaged, found.set);
  SelectedFiller filler(*selected);
  for (size_t begin = 0; begin < found.refs.size(); begin += kSeriesPerStop) {
    if (stop.stop_requested()) return Fail(ErrorCode::kCancelled, "query was cancelled");
    filler.Add(found, begin, std::min(begin + kSeriesPerStop, found.refs.size()));
  }
  selected->tables = filler.TakeTables();
  TRY(ApplyTombstones(selected));
  return selected;
}

}  // namespace

Result<std::unique_ptr<Selection>> SelectFromHead(const Head& head, const HeadBounds& bounds,
                                                  TimeRange range, const Matchers& matchers,
                                                  const SelectHints& hints, std::stop_token stop,
                                                  DamagedRuns damaged) {
  const SeriesRegistry::Found found = TRY(head.registry.Match(matchers, stop));
  return SelectFromHead(head, bounds, range, found, hints, std::move(stop), damaged);
}

Result<std::unique_ptr<Selection>> SelectFromHead(const Head& head, const HeadBounds& bounds,
                                                  TimeRange range,
                                                  const SeriesRegistry::Found& found,
                                                  const SelectHints& hints, std::stop_token stop,
                                                  DamagedRuns damaged) {
  std::shared_ptr<Selected> selected = TRY(Find(head, bounds, range, found, hints, damaged, stop));
  return std::unique_ptr<Selection>(std::make_unique<HeadSelection>(std::move(selected)));
}

Result<SeriesRegistry::Found> MatchInHead(const Head& head, const HeadBounds& bounds,
                                          TimeRange range, const Matchers& matchers,
                                          std::stop_token stop) {
  const SeriesRegistry::Found matching = TRY(head.registry.Match(matchers, stop));
  const std::shared_ptr<Selected> selected =
      TRY(Find(head, bounds, range, matching, {}, DamagedRuns::kFail, stop));
  SeriesRegistry::Found found{selected->set, {}};
  found.refs.reserve(selected->series.size());
  for (const SelectedSeries& series : selected->series) found.refs.push_back(series.ref);
  return found;
}

}  // namespace barograph::tsdb
