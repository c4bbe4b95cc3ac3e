#include "tsdb/head/selection.h"

#include <algorithm>
#include <optional>

#include "tsdb/head/table_reader.h"

namespace barograph::tsdb {
namespace {

constexpr size_t kSeriesPerStop = 1024;

struct SelectedSeries {
  SeriesId id;
  SeriesRef ref;
  uint32_t first_source;
};

/// What was found, frozen. Immutable once built, shared by the cursors.
struct Selected {
  const Head& head;
  TimeRange range;
  std::vector<SelectedSeries> series;
  std::vector<Source> sources;  ///< by series; `table` is an index in `tables`, or kLone
  std::vector<SelectedTable> tables;

  std::span<const Source> SourcesOf(size_t index) const {
    const size_t first = series[index].first_source;
    const size_t last = index + 1 < series.size() ? series[index + 1].first_source : sources.size();
    return std::span(sources).subspan(first, last - first);
  }
};

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

// Adds `next` to `merged`; of two samples at one time that of `merged` stays.
void MergeInto(SampleColumns& merged, const SampleColumns& next) {
  const bool follows =
      merged.size() == 0 || next.size() == 0 || merged.timestamps.back() < next.timestamps.front();
  if (follows) {
    merged.timestamps.insert(merged.timestamps.end(), next.timestamps.begin(),
                             next.timestamps.end());
    merged.values.insert(merged.values.end(), next.values.begin(), next.values.end());
    return;
  }
  SampleColumns both;
  size_t a = 0, b = 0;
  while (a < merged.size() || b < next.size()) {
    const bool take_next =
        a == merged.size() || (b < next.size() && next.timestamps[b] < merged.timestamps[a]);
    const SampleColumns& from = take_next ? next : merged;
    const size_t i = take_next ? b++ : a++;
    if (both.size() > 0 && both.timestamps.back() == from.timestamps[i]) continue;
    both.timestamps.push_back(from.timestamps[i]);
    both.values.push_back(from.values[i]);
  }
  merged = std::move(both);
}

class HeadCursor : public SeriesCursor {
 public:
  explicit HeadCursor(std::shared_ptr<const Selected> selected)
      : selected_(std::move(selected)), reader_(selected_->tables, selected_->range) {}

  Result<SeriesSamples> Read(size_t index) override {
    const std::span<const Source> sources = selected_->SourcesOf(index);
    const SeriesId id = selected_->series[index].id;
    if (sources.size() == 1 && sources[0].table != Source::kLone) {
      return reader_.Read(sources[0].table, id, sources[0].column);
    }
    merged_.clear();
    for (const Source& source : sources) {
      if (source.table == Source::kLone) {
        part_.clear();
        TRY(selected_->head.lone.Read(id, selected_->range, part_));
      } else {
        const SeriesSamples read = TRY(reader_.Read(source.table, id, source.column));
        part_.timestamps.assign(read.timestamps.begin(), read.timestamps.end());
        part_.values.assign(read.values.begin(), read.values.end());
      }
      MergeInto(merged_, part_);
    }
    SeriesSamples samples;
    samples.timestamps = merged_.timestamps;
    samples.values = merged_.values;
    return samples;
  }

 private:
  std::shared_ptr<const Selected> selected_;
  TableReader reader_;
  SampleColumns merged_, part_;
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

Result<std::shared_ptr<Selected>> Find(const Head& head, TimeRange range, const Matchers& matchers,
                                       const std::stop_token& stop) {
  const std::vector<SeriesRef> refs = TRY(head.registry.Match(matchers, stop));
  auto selected = std::make_shared<Selected>(Selected{head, range, {}, {}, {}});
  SourceFilter filter(head, range);
  for (size_t i = 0; i < refs.size(); ++i) {
    if (i % kSeriesPerStop == 0 && stop.stop_requested()) {
      return Fail(ErrorCode::kCancelled, "query was cancelled");
    }
    const auto first = static_cast<uint32_t>(selected->sources.size());
    const SeriesId id = head.registry.IdOf(refs[i]);
    filter.AppendSources(refs[i], id, selected->sources);
    if (selected->sources.size() > first) selected->series.push_back({id, refs[i], first});
  }
  selected->tables = std::move(filter.tables);
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
