#pragma once

#include <memory>
#include <string>
#include <vector>

#include "promql/exec/operator.h"
#include "promql/exec/range_source.h"
#include "promql/exec/windows.h"

namespace barograph::promql {

/// What an instant selector gives of the sample that it finds. An info metric must be a float.
enum class SampleField : uint8_t { kValue, kTimestamp, kInfoTimestamp, kStartTimestamp };

/// The latest sample of each series within the lookback before each step, unless it is a
/// staleness marker.
class InstantSelector final : public Operator {
 public:
  InstantSelector(QueryContext& context, std::unique_ptr<SelectorSource> source, WindowSpec windows,
                  SampleField field);

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override { return source_->name(); }
  bool may_have_histograms() const override {
    return field_ == SampleField::kValue && source_->may_have_histograms();
  }

 private:
  void TakeValues(const SeriesSamples& samples, const Windows& windows, Column& out) const;
  void TakeHistograms(const SeriesSamples& samples, const Windows& windows, Column& out);
  void TakeTimestamps(std::span<const Timestamp> timestamps, const Windows& windows,
                      Column& out) const;

  std::unique_ptr<SelectorSource> source_;
  PerLane<WindowCache> windows_;
  SampleField field_;
};

/// A selector with the smoothed modifier: at each step the sample there, or what a straight line
/// between its two neighbours gives; after the last sample its value for as long as the lookback.
/// Nothing, with a warning, where there are both floats and histograms around a step.
class SmoothedSelector final : public Operator {
 public:
  SmoothedSelector(QueryContext& context, std::unique_ptr<SelectorSource> source,
                   WindowSpec windows, PositionRange position);

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override { return source_->name(); }
  bool reports() const override { return source_->may_have_histograms(); }
  bool may_have_histograms() const override { return source_->may_have_histograms(); }

 private:
  double ValueAt(const SeriesSamples& samples, Window window, Timestamp at) const;
  HistogramRef HistogramAt(Lane& lane, const SeriesSamples& samples, Window window, Timestamp at,
                           std::string_view metric) const;

  std::unique_ptr<SelectorSource> source_;
  WindowSpec spec_;
  PerLane<WindowCache> windows_;
  PositionRange position_;
};

}  // namespace barograph::promql
