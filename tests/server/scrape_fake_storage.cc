#include "tests/server/scrape_fake_storage.h"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

#include "base/model/number.h"

namespace barograph::test {

class FakeStorage::Table final : public ScrapeTable {
 public:
  explicit Table(FakeStorage& storage) : storage_(storage) {}

  Result<ColumnId> AddColumn(const Labels& labels) override {
    const MutexLock lock(storage_.mutex_);
    const size_t series = TRY(storage_.Resolve(labels));
    size_t free = columns_.size();
    for (size_t column = 0; column < columns_.size(); ++column) {
      if (columns_[column] == series) return static_cast<ColumnId>(column);
      if (!columns_[column] && free == columns_.size()) free = column;
    }
    if (free == columns_.size()) columns_.emplace_back();
    columns_[free] = series;
    ++storage_.columns_;
    return static_cast<ColumnId>(free);
  }

  void ReleaseColumn(ColumnId column) override {
    const MutexLock lock(storage_.mutex_);
    if (!columns_.at(column)) throw std::logic_error("a column is released that is not in use");
    columns_[column].reset();
    --storage_.columns_;
  }

  SeriesId series(ColumnId column) const override {
    const auto& series = columns_.at(column);
    return series ? SeriesId{*series + 1} : kNoSeries;
  }
  size_t width() const override { return columns_.size(); }

  Result<AppendReport> AppendRow(const Row& row) override {
    const MutexLock lock(storage_.mutex_);
    if (storage_.row_error_) return std::unexpected(*storage_.row_error_);
    AppendReport report;
    for (size_t column = 0; column < row.values.size(); ++column) {
      if ((row.presence[column / 64] >> (column % 64) & 1) == 0) continue;
      if (!columns_.at(column)) throw std::logic_error("a value for a column that is not in use");
      const Timestamp start =
          column < row.start_timestamps.size() ? row.start_timestamps[column] : kUnknownStart;
      storage_.Append(*columns_[column], {row.timestamp, row.values[column]}, start, report);
    }
    ++storage_.rows_;
    return report;
  }

 private:
  FakeStorage& storage_;
  std::vector<std::optional<size_t>> columns_;
};

class FakeStorage::Alone final : public Appender {
 public:
  explicit Alone(FakeStorage& storage) : storage_(storage) {}

  Result<SeriesId> Resolve(const Labels& labels) override {
    const MutexLock lock(storage_.mutex_);
    return SeriesId{TRY(storage_.Resolve(labels)) + 1};
  }
  void Append(SeriesId series, Sample sample, Timestamp start) override {
    samples_.push_back({static_cast<size_t>(series) - 1, sample, start});
  }
  void AppendHistogram(SeriesId series, Timestamp timestamp, const FloatHistogram& histogram,
                       Timestamp start) override {
    histograms_.push_back({static_cast<size_t>(series) - 1, timestamp, histogram, start});
  }
  Result<AppendReport> Commit() override {
    const MutexLock lock(storage_.mutex_);
    const auto samples = std::exchange(samples_, {});
    const auto histograms = std::exchange(histograms_, {});
    if (storage_.commit_error_) return std::unexpected(*storage_.commit_error_);
    AppendReport report;
    for (const auto& [series, sample, start] : samples) {
      storage_.Append(series, sample, start, report);
    }
    for (const auto& [series, timestamp, histogram, start] : histograms) {
      OneSeries& stored = storage_.series_.at(series);
      stored.histograms.emplace_back(timestamp, histogram);
      if (start != kUnknownStart) stored.starts[timestamp] = start;
      ++report.appended;
    }
    return report;
  }

 private:
  FakeStorage& storage_;
  struct OneSample {
    size_t series;
    Sample sample;
    Timestamp start;
  };
  struct OneHistogram {
    size_t series;
    Timestamp timestamp;
    FloatHistogram histogram;
    Timestamp start;
  };
  std::vector<OneSample> samples_;
  std::vector<OneHistogram> histograms_;
};

Result<std::unique_ptr<ScrapeTable>> FakeStorage::OpenTable() {
  return std::make_unique<Table>(*this);
}

std::unique_ptr<Appender> FakeStorage::NewAppender() { return std::make_unique<Alone>(*this); }

Result<size_t> FakeStorage::Resolve(const Labels& labels) {
  if (const auto known = by_labels_.find(labels); known != by_labels_.end()) return known->second;
  if (limit_ && series_.size() >= *limit_) {
    return Fail(ErrorCode::kLimitExceeded, "too many series");
  }
  series_.push_back({labels, {}, {}, {}});
  return by_labels_[labels] = series_.size() - 1;
}

void FakeStorage::Append(size_t series, Sample sample, Timestamp start, AppendReport& report) {
  auto& samples = series_.at(series).samples;
  const auto refuse = [&](uint64_t& count, RefusalReason reason) {
    ++count;
    if (report.first.size() == AppendReport::kMaxFirst) return;
    report.first.push_back({SeriesId{series + 1}, sample.timestamp, reason});
  };
  if (!samples.empty() && samples.back().timestamp > sample.timestamp) {
    refuse(report.out_of_order, RefusalReason::kOutOfOrder);
  } else if (samples.empty() || samples.back().timestamp < sample.timestamp) {
    samples.push_back(sample);
    const bool has_start = start != kUnknownStart && !IsStale(sample.value);
    if (has_start) series_[series].starts[sample.timestamp] = start;
    ++report.appended;
  } else if (SameBits(samples.back().value, sample.value)) {
    ++report.appended;
  } else {
    refuse(report.duplicate, RefusalReason::kDuplicate);
  }
}

std::string FakeStorage::Starts(const Labels& labels) const {
  const MutexLock lock(mutex_);
  const auto known = by_labels_.find(labels);
  if (known == by_labels_.end()) return "";
  std::string out;
  for (const auto& [timestamp, start] : series_[known->second].starts) {
    out += fmt::format("{}{}={}", out.empty() ? "" : " ", ToMs(timestamp), ToMs(start));
  }
  return out;
}

std::string FakeStorage::Samples(const Labels& labels) const {
  const MutexLock lock(mutex_);
  const auto known = by_labels_.find(labels);
  if (known == by_labels_.end()) return "";
  std::string out;
  for (const Sample& sample : series_[known->second].samples) {
    const std::string value = IsStale(sample.value) ? "stale" : FormatValue(sample.value);
    out += fmt::format("{}{}={}", out.empty() ? "" : " ", ToMs(sample.timestamp), value);
  }
  return out;
}

std::string FakeStorage::Histograms(const Labels& labels) const {
  const MutexLock lock(mutex_);
  const auto known = by_labels_.find(labels);
  if (known == by_labels_.end()) return "";
  std::string out;
  for (const auto& [timestamp, histogram] : series_[known->second].histograms) {
    const std::string text = IsStale(histogram.sum) ? "stale" : histogram.TestExpression();
    out += fmt::format("{}{}={}", out.empty() ? "" : " ", ToMs(timestamp), text);
  }
  return out;
}

std::vector<std::string> FakeStorage::Series() const {
  const MutexLock lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [labels, index] : by_labels_) names.push_back(labels.ToString());
  return names;
}

size_t FakeStorage::rows() const {
  const MutexLock lock(mutex_);
  return rows_;
}

int FakeStorage::columns() const {
  const MutexLock lock(mutex_);
  return columns_;
}

void FakeStorage::LimitSeries(size_t limit) {
  const MutexLock lock(mutex_);
  limit_ = limit;
}

void FakeStorage::FailCommits(std::optional<Error> error) {
  const MutexLock lock(mutex_);
  commit_error_ = std::move(error);
}

void FakeStorage::FailRows(std::optional<Error> error) {
  const MutexLock lock(mutex_);
  row_error_ = std::move(error);
}

Result<std::vector<ExemplarVerdict>> FakeStorage::AppendExemplars(
    std::span<const SeriesExemplar> exemplars) {
  const MutexLock lock(mutex_);
  std::vector<ExemplarVerdict> verdicts;
  for (const auto& [series, exemplar] : exemplars) {
    const Labels& labels = series_.at(static_cast<size_t>(series) - 1).labels;
    verdicts.push_back(exemplar_verdict_);
    exemplars_.push_back(fmt::format("{} # {} {} @{}{}", labels.ToString(),
                                     exemplar.labels.ToString(), exemplar.value,
                                     ToMs(exemplar.timestamp), exemplar.timed ? "" : "?"));
  }
  return verdicts;
}

std::vector<std::string> FakeStorage::TakeExemplars() {
  const MutexLock lock(mutex_);
  return std::exchange(exemplars_, {});
}

void FakeStorage::JudgeExemplars(ExemplarVerdict verdict) {
  const MutexLock lock(mutex_);
  exemplar_verdict_ = verdict;
}

}  // namespace barograph::test
