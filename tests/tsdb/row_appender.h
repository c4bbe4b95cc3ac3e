#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/storage/appendable.h"
#include "tsdb/bitmap.h"

namespace barograph::test {

/// Turns what is appended into rows of one table, by time; histograms go to `alone`.
class RowAppender final : public Appender {
 public:
  /// `table` must outlive it.
  RowAppender(std::unique_ptr<Appender> alone, ScrapeTable& table)
      : alone_(std::move(alone)), table_(table) {}

  Result<SeriesId> Resolve(const Labels& labels) override {
    const SeriesId id = TRY(alone_->Resolve(labels));
    labels_.emplace(id, labels);
    return id;
  }
  void Append(SeriesId series, Sample sample, Timestamp start) override {
    rows_[sample.timestamp].push_back({series, sample.value, start});
  }
  void AppendHistogram(SeriesId series, Timestamp timestamp, const FloatHistogram& histogram,
                       Timestamp start) override {
    alone_->AppendHistogram(series, timestamp, histogram, start);
  }
  Result<AppendReport> Commit() override {
    AppendReport report = TRY(alone_->Commit());
    for (const auto& [timestamp, samples] : std::exchange(rows_, {})) {
      const AppendReport row = TRY(AppendRow(timestamp, samples));
      report.appended += row.appended;
      report.out_of_order += row.out_of_order;
      report.too_old += row.too_old;
      report.duplicate += row.duplicate;
      report.out_of_bounds += row.out_of_bounds;
    }
    return report;
  }

 private:
  struct RowSample {
    SeriesId series;
    double value;
    Timestamp start;
  };
  using Samples = std::vector<RowSample>;

  Result<AppendReport> AppendRow(Timestamp timestamp, const Samples& samples) {
    std::vector<double> values;
    std::vector<uint64_t> presence;
    std::vector<Timestamp> starts;
    for (const auto& [series, value, start] : samples) {
      const ColumnId column = TRY(table_.AddColumn(labels_.at(series)));
      values.resize(std::max<size_t>(values.size(), column + 1));
      presence.resize(tsdb::WordsFor(values.size()));
      starts.resize(values.size(), kUnknownStart);
      values[column] = value;
      starts[column] = start;
      tsdb::SetBit(presence, column);
    }
    return table_.AppendRow({timestamp, values, presence, starts});
  }

  const std::unique_ptr<Appender> alone_;
  ScrapeTable& table_;
  std::map<SeriesId, Labels> labels_;
  std::map<Timestamp, Samples> rows_;
};

}  // namespace barograph::test
