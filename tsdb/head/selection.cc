#include "tsdb/head/selection.h"

#include <algorithm>
#include <optional>

#include "tsdb/chunk/histogram_hints.h"
#include "tsdb/head/table_reader.h"

namespace barograph::tsdb {
namespace {

constexpr size_t kSeriesPerStop = 1024;

constexpr uint32_t kNothing = ~uint32_t{0};

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
  TimeRange range;
  std::vector<SelectedSeries> series;
  std::vector<Source> sources;  ///< by series; `table` is an index in `tables`, or kLone
  std::vector<SelectedTable> tables;
  std::vector<std::vector<TimeRange>> deleted;

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
  SourceFilter(const Head& head, TimeRange range) : head_(head), range_(range) {}

  /// Appends the sources of the series that may have samples in the range.
  void AppendSources(SeriesRef ref, SeriesId id, std::vector<Source>& out) {
    candidates_.clear();
    head_.registry.SourcesOf(ref, candidates_);
    for (const Source& source : candidates_) {
      if (source.table == Source::kLone) {
        if (head_.lone.Overlaps(id, range_)) out.push_back(source);
      } else if (const auto table = Selected(source.table)) {
        out.push_back({*table, source.column});
      }
    }
  }

  std::vector<SelectedTable> tables;

 private:
  // The table's index in `tables` when it overlaps.
  std::optional<uint32_t> Selected(uint32_t number) {
    if (number >= numbers_.size()) numbers_.resize(number + 1, kUnknown);
    uint32_t& index = numbers_[number];
    if (index == kUnknown) {
      std::shared_ptr<const Table> table = head_.TableAt(number);
      index = kOutside;
      if (table->range().Overlaps(range_)) {
        index = static_cast<uint32_t>(tables.size());
        const uint64_t rows = table->rows();
        tables.push_back({std::move(table), rows});
      }
    }
    return index == kOutside ? std::nullopt : std::optional(index);
  }

  static constexpr uint32_t kUnknown = ~uint32_t{0};
  static constexpr uint32_t kOutside = kUnknown - 1;
  const Head& head_;
  TimeRange range_;
  std::vector<uint32_t> numbers_;  // by table number
  std::vector<Source> candidates_;
};

class HeadCursor : public SeriesCursor {
 public:
  explicit HeadCursor(std::shared_ptr<const Selected> selected)
      : selected_(std::move(selected)), reader_(selected_->tables, selected_->range) {}

  Result<SeriesSamples> Read(size_t index) override {
    const SeriesSamples samples = TRY(ReadAll(index));
    const uint32_t deleted = selected_->series[index].deleted;
    if (deleted == kNothing) return samples;
    KeepUndeleted(samples, selected_->deleted[deleted], kept_);
    return Spans(kept_);
  }

 private:
  Result<SeriesSamples> ReadAll(size_t index) {
    const std::span<const Source> sources = selected_->SourcesOf(index);
    const SeriesId id = selected_->series[index].id;
    if (sources.size() == 1 && sources[0].table != Source::kLone) {
      return reader_.Read(sources[0].table, id, sources[0].column);
    }
    merged_.clear();
    for (const Source& source : sources) {
      if (source.table == Source::kLone) {
        part_.clear();
        TRY(selected_->head.lone.Read(id, selected_->range, 0, part_));
      } else {
        const SeriesSamples read = TRY(reader_.Read(source.table, id, source.column));
        part_.clear();
        part_.timestamps.assign(read.timestamps.begin(), read.timestamps.end());
        part_.values.assign(read.values.begin(), read.values.end());
      }
      MergeInto(merged_, part_);
    }
    return Spans(merged_);
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
  SampleColumns merged_, part_, kept_;
  std::vector<FloatHistogram*> histograms_;
};

class HeadSelection : public Selection {
 public:
  explicit HeadSelection(std::shared_ptr<const Selected> selected)
      : selected_(std::move(selected)) {}

  size_t size() const override { return selected_->series.size(); }
  Labels labels(size_t index) const override {
    return selected_->head.registry.LabelsOf(selected_->series[index].ref);
  }
  SeriesId id(size_t index) const override { return selected_->series[index].id; }
  std::unique_ptr<SeriesCursor> NewCursor() const override {
    return std::make_unique<HeadCursor>(selected_);
  }

 private:
  std::shared_ptr<const Selected> selected_;
};

// Takes over what was deleted of the series, and drops those of which nothing is left.
Status ApplyTombstones(const std::shared_ptr<Selected>& selected) {
  const Tombstones& tombstones = selected->head.tombstones;
  if (tombstones.empty()) return {};
  for (SelectedSeries& series : selected->series) {
    std::vector<TimeRange> ranges = tombstones.RangesOf(series.ref);
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

Result<std::shared_ptr<Selected>> Find(const Head& head, TimeRange range, const Matchers& matchers,
                                       const std::stop_token& stop) {
  const std::vector<SeriesRef> refs = TRY(head.registry.Match(matchers, stop));
  auto selected = std::make_shared<Selected>(Selected{head, range, {}, {}, {}, {}});
  SourceFilter filter(head, range);
  for (size_t i = 0; i < refs.size(); ++i) {
    if (i % kSeriesPerStop == 0 && stop.stop_requested()) {
      return Fail(ErrorCode::kCancelled, "query was cancelled");
    }
    const auto first = static_cast<uint32_t>(selected->sources.size());
    const SeriesId id = head.registry.IdOf(refs[i]);
    filter.AppendSources(refs[i], id, selected->sources);
    const auto count = static_cast<uint32_t>(selected->sources.size()) - first;
    if (count > 0) selected->series.push_back({id, refs[i], first, count});
  }
  selected->tables = std::move(filter.tables);
  TRY(ApplyTombstones(selected));
  return selected;
}

}  // namespace

Result<std::unique_ptr<Selection>> SelectFromHead(const Head& head, TimeRange range,
                                                  const Matchers& matchers, std::stop_token stop) {
  std::shared_ptr<Selected> selected = TRY(Find(head, range, matchers, stop));
  return std::unique_ptr<Selection>(std::make_unique<HeadSelection>(std::move(selected)));
}

Result<std::vector<SeriesRef>> MatchInHead(const Head& head, TimeRange range,
                                           const Matchers& matchers, std::stop_token stop) {
  const std::shared_ptr<Selected> selected = TRY(Find(head, range, matchers, stop));
  std::vector<SeriesRef> refs;
  refs.reserve(selected->series.size());
  for (const SelectedSeries& series : selected->series) refs.push_back(series.ref);
  return refs;
}

}  // namespace barograph::tsdb
