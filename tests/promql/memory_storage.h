#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/model/histogram_arithmetic.h"
#include "promql/script/runner.h"

/// A storage that is obviously right, for tests of the engine: a map from labels to samples.
namespace barograph::promql::testing {

class MemoryStorage : public script::Storage, public Appendable, public Queryable {
 public:
  struct Stored {
    Labels labels;
    std::vector<Timestamp> timestamps;
    std::vector<double> values;
    std::vector<const FloatHistogram*> histograms;  // parallel, or empty
    std::vector<Timestamp> starts;                  // parallel, or empty
  };

  static script::StorageFactory Factory() {
    return
        [] { return Result<std::unique_ptr<script::Storage>>(std::make_unique<MemoryStorage>()); };
  }

  Appendable& appendable() override { return *this; }
  const Queryable& queryable() override { return *this; }

  Result<std::unique_ptr<ScrapeTable>> OpenTable() override {
    return Fail(ErrorCode::kUnavailable, "no tables here");
  }
  std::unique_ptr<Appender> NewAppender() override {
    return std::make_unique<MemoryAppender>(*this);
  }

  /// The series with `labels`, made if they are new.
  Stored& Find(const Labels& labels) {
    const auto [entry, is_new] = by_labels_.try_emplace(labels, series_.size());
    if (is_new) series_.push_back(std::make_unique<Stored>(Stored{labels, {}, {}, {}, {}}));
    return *series_[entry->second];
  }
  void Append(const Labels& labels, int64_t ms, double value) {
    Stored& series = Find(labels);
    series.timestamps.push_back(FromMs(ms));
    series.values.push_back(value);
    if (!series.histograms.empty()) series.histograms.push_back(nullptr);
  }
  /// The histogram must outlive the storage.
  void Append(const Labels& labels, int64_t ms, const FloatHistogram* histogram) {
    AppendHistogram(Find(labels), FromMs(ms), histogram);
  }

  Result<std::unique_ptr<Selection>> Select(TimeRange range, const Matchers& matchers,
                                            const SelectHints& hints,
                                            std::stop_token) const override {
    ++selects_;
    last_hints_ = hints;
    std::vector<const Stored*> found;
    for (const auto& series : series_) {
      if (MatchesAll(matchers, series->labels)) found.push_back(series.get());
    }
    return std::unique_ptr<Selection>(
        std::make_unique<MemorySelection>(std::move(found), range, hints));
  }
  Result<std::vector<std::string>> LabelNames(const LabelQuery&, std::stop_token) const override {
    return std::vector<std::string>();
  }
  Result<std::vector<std::string>> LabelValues(const std::string&, const LabelQuery&,
                                               std::stop_token) const override {
    return std::vector<std::string>();
  }
  Result<std::vector<Labels>> Series(const LabelQuery&, std::stop_token) const override {
    return std::vector<Labels>();
  }

  /// How often storage was asked.
  int selects() const { return selects_; }
  /// Those of the last Select.
  const SelectHints& last_hints() const { return last_hints_; }

 private:
  static void AppendHistogram(Stored& series, Timestamp timestamp,
                              const FloatHistogram* histogram) {
    series.histograms.resize(series.values.size());
    series.timestamps.push_back(timestamp);
    series.values.push_back(0);
    series.histograms.push_back(histogram);
  }

  // As Prometheus's chunks do: a counter's histogram that continues the one before it is known not
  // to be a reset; of any other nothing is known.
  static CounterResetHint HintAfter(const Stored& series, const FloatHistogram& histogram) {
    const CounterResetHint own = histogram.counter_reset_hint;
    if (own == CounterResetHint::kGauge) return own;
    const FloatHistogram* last = series.histograms.empty() ? nullptr : series.histograms.back();
    const bool chained = last != nullptr && own != CounterResetHint::kReset &&
                         last->counter_reset_hint != CounterResetHint::kGauge &&
                         !IsStale(last->sum) && last->schema == histogram.schema &&
                         last->zero_threshold == histogram.zero_threshold &&
                         last->custom_values == histogram.custom_values;
    if (!chained) return CounterResetHint::kUnknown;
    FloatHistogram unhinted = histogram;
    unhinted.counter_reset_hint = CounterResetHint::kUnknown;
    return IsCounterReset(unhinted, *last) ? CounterResetHint::kUnknown
                                           : CounterResetHint::kNotReset;
  }

  class MemoryAppender final : public Appender {
   public:
    explicit MemoryAppender(MemoryStorage& storage) : storage_(storage) {}

    Result<SeriesId> Resolve(const Labels& labels) override {
      storage_.Find(labels);
      return SeriesId(storage_.by_labels_.at(labels) + 1);
    }
    void Append(SeriesId series, Sample sample, Timestamp start) override {
      samples_.push_back({series, sample, start, std::nullopt});
    }
    void AppendHistogram(SeriesId series, Timestamp timestamp, const FloatHistogram& histogram,
                         Timestamp start) override {
      samples_.push_back({series, {timestamp, 0}, start, histogram});
    }
    Result<AppendReport> Commit() override {
      AppendReport report;
      for (const auto& [id, sample, start, histogram] : samples_) {
        Stored& series = *storage_.series_[static_cast<size_t>(id) - 1];
        if (!series.timestamps.empty() && sample.timestamp <= series.timestamps.back()) {
          ++report.out_of_order;
          continue;
        }
        ++report.appended;
        if (start != kUnknownStart || !series.starts.empty()) {
          series.starts.resize(series.timestamps.size());
          series.starts.push_back(start);
        }
        if (!histogram.has_value()) {
          series.timestamps.push_back(sample.timestamp);
          series.values.push_back(sample.value);
          if (!series.histograms.empty()) series.histograms.push_back(nullptr);
          continue;
        }
        FloatHistogram& stored = storage_.histograms_.emplace_back(*histogram);
        stored.counter_reset_hint = HintAfter(series, stored);
        MemoryStorage::AppendHistogram(series, sample.timestamp, &stored);
      }
      samples_.clear();
      return report;
    }

   private:
    MemoryStorage& storage_;
    struct Collected {
      SeriesId series;
      Sample sample;
      Timestamp start;
      std::optional<FloatHistogram> histogram;
    };
    std::vector<Collected> samples_;
  };

  class MemorySelection final : public Selection {
   public:
    MemorySelection(std::vector<const Stored*> series, TimeRange range, const SelectHints& hints)
        : series_(std::move(series)),
          range_(range),
          with_starts_(hints.start_timestamps),
          presence_only_(hints.presence_only),
          projected_(hints.projected),
          projection_(hints.projection) {
      std::ranges::sort(projection_);
    }

    size_t size() const override { return series_.size(); }
    Labels labels(size_t index) const override {
      const Labels& all = series_[index]->labels;
      return projected_ ? KeepLabels(all, projection_) : all;
    }
    SeriesId id(size_t index) const override { return SeriesId(index + 1); }
    std::unique_ptr<SeriesCursor> NewCursor() const override {
      return std::make_unique<MemoryCursor>(*this);
    }

   private:
    class MemoryCursor final : public SeriesCursor {
     public:
      explicit MemoryCursor(const MemorySelection& selection) : selection_(selection) {}
      Result<SeriesSamples> Read(size_t index) override {
        const Stored& series = *selection_.series_[index];
        const auto begin = std::lower_bound(series.timestamps.begin(), series.timestamps.end(),
                                            selection_.range_.min);
        const auto end = std::upper_bound(begin, series.timestamps.end(), selection_.range_.max);
        const auto first = static_cast<size_t>(begin - series.timestamps.begin());
        const auto count = static_cast<size_t>(end - begin);
        SeriesSamples samples;
        samples.timestamps = std::span(series.timestamps).subspan(first, count);
        samples.values = std::span(series.values).subspan(first, count);
        if (selection_.presence_only_) samples.values = WithoutValues(samples.values);
        if (!series.histograms.empty()) {
          samples.histograms = std::span(series.histograms).subspan(first, count);
        }
        if (selection_.with_starts_ && !series.starts.empty()) {
          samples.start_timestamps = std::span(series.starts).subspan(first, count);
        }
        return samples;
      }

     private:
      // So that a query which needs the values, and said that it does not, is found out.
      std::span<const double> WithoutValues(std::span<const double> values) {
        constexpr double kAny = -12345;
        replaced_.assign(values.begin(), values.end());
        std::ranges::replace_if(replaced_, [](double value) { return !IsStale(value); }, kAny);
        return replaced_;
      }

      const MemorySelection& selection_;
      std::vector<double> replaced_;
    };

    std::vector<const Stored*> series_;
    TimeRange range_;
    bool with_starts_;
    bool presence_only_;
    bool projected_;
    std::vector<std::string> projection_;
  };

  std::vector<std::unique_ptr<Stored>> series_;
  std::map<Labels, size_t> by_labels_;
  std::deque<FloatHistogram> histograms_;
  mutable int selects_ = 0;
  mutable SelectHints last_hints_;
};

}  // namespace barograph::promql::testing
