#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "promql/script/runner.h"

/// A storage that is obviously right, for tests of the engine: a map from labels to samples.
namespace barograph::promql::testing {

class MemoryStorage final : public script::Storage, public Appendable, public Queryable {
 public:
  struct Stored {
    Labels labels;
    std::vector<Timestamp> timestamps;
    std::vector<double> values;
    std::vector<const FloatHistogram*> histograms;  // parallel, or empty
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

  /// Series `index`, made if `labels` are new; the histogram must outlive the storage.
  Stored& Find(const Labels& labels) {
    const auto [entry, is_new] = by_labels_.try_emplace(labels, series_.size());
    if (is_new) series_.push_back(std::make_unique<Stored>(Stored{labels, {}, {}, {}}));
    return *series_[entry->second];
  }
  void Append(const Labels& labels, int64_t ms, double value) {
    Stored& series = Find(labels);
    series.timestamps.push_back(FromMs(ms));
    series.values.push_back(value);
    if (!series.histograms.empty()) series.histograms.push_back(nullptr);
  }
  void Append(const Labels& labels, int64_t ms, const FloatHistogram* histogram) {
    Stored& series = Find(labels);
    series.histograms.resize(series.values.size());
    series.timestamps.push_back(FromMs(ms));
    series.values.push_back(0);
    series.histograms.push_back(histogram);
  }

  Result<std::unique_ptr<Selection>> Select(TimeRange range, const Matchers& matchers,
                                            const SelectHints&, std::stop_token) const override {
    ++selects_;
    std::vector<const Stored*> found;
    for (const auto& series : series_) {
      if (MatchesAll(matchers, series->labels)) found.push_back(series.get());
    }
    return std::unique_ptr<Selection>(std::make_unique<MemorySelection>(std::move(found), range));
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

 private:
  class MemoryAppender final : public Appender {
   public:
    explicit MemoryAppender(MemoryStorage& storage) : storage_(storage) {}

    Result<SeriesId> Resolve(const Labels& labels) override {
      storage_.Find(labels);
      return SeriesId(storage_.by_labels_.at(labels) + 1);
    }
    void Append(SeriesId series, Sample sample) override { samples_.emplace_back(series, sample); }
    Result<AppendReport> Commit() override {
      AppendReport report;
      for (const auto& [id, sample] : samples_) {
        Stored& series = *storage_.series_[static_cast<size_t>(id) - 1];
        if (!series.timestamps.empty() && sample.timestamp <= series.timestamps.back()) {
          ++report.out_of_order;
          continue;
        }
        series.timestamps.push_back(sample.timestamp);
        series.values.push_back(sample.value);
        ++report.appended;
      }
      samples_.clear();
      return report;
    }

   private:
    MemoryStorage& storage_;
    std::vector<std::pair<SeriesId, Sample>> samples_;
  };

  class MemorySelection final : public Selection {
   public:
    MemorySelection(std::vector<const Stored*> series, TimeRange range)
        : series_(std::move(series)), range_(range) {}

    size_t size() const override { return series_.size(); }
    Labels labels(size_t index) const override { return series_[index]->labels; }
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
        if (!series.histograms.empty()) {
          samples.histograms = std::span(series.histograms).subspan(first, count);
        }
        return samples;
      }

     private:
      const MemorySelection& selection_;
    };

    std::vector<const Stored*> series_;
    TimeRange range_;
  };

  std::vector<std::unique_ptr<Stored>> series_;
  std::map<Labels, size_t> by_labels_;
  mutable int selects_ = 0;
};

}  // namespace barograph::promql::testing
