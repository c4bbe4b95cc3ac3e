#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/storage/queryable.h"
#include "promql/exec/context.h"
#include "promql/exec/operator.h"
#include "promql/exec/series.h"

/// Where range functions get their samples from: a selector or a subquery.
namespace barograph::promql {

/// Opened on one thread; then different lanes may read at the same time.
class RangeSource {
 public:
  RangeSource() = default;
  virtual ~RangeSource() = default;
  RangeSource(const RangeSource&) = delete;
  RangeSource& operator=(const RangeSource&) = delete;

  /// Finds the series. Called once, before anything else.
  virtual Status Open() = 0;
  const std::vector<SeriesMeta>& series() const { return series_; }
  /// As of an operator; known after Open.
  virtual bool may_have_histograms() const = 0;

  /// The samples of series `index` without staleness markers. The spans live until the
  /// lane's next call.
  virtual Result<SeriesSamples> Read(Lane& lane, size_t index) = 0;

  /// Whether its samples are stored ones, not computed.
  virtual bool is_stored() const = 0;

  virtual std::string name() const = 0;
  virtual std::vector<const Operator*> inputs() const { return {}; }

 protected:
  std::vector<SeriesMeta> series_;
};
using RangeSourcePtr = std::unique_ptr<RangeSource>;

/// The series of a selection.
class SelectorSource final : public RangeSource {
 public:
  /// `text` is the selector as written, for explain. With `totals_only` native histograms come
  /// without their buckets, and with hints that tell the counter resets.
  SelectorSource(QueryContext& context, size_t selection, std::string text, bool totals_only)
      : context_(context),
        selection_index_(selection),
        text_(std::move(text)),
        totals_only_(totals_only),
        locals_(context.lanes()) {}

  Status Open() override;
  Result<SeriesSamples> Read(Lane& lane, size_t index) override;
  /// The same with markers.
  Result<SeriesSamples> ReadAll(Lane& lane, size_t index);
  bool may_have_histograms() const override { return selection_->may_have_histograms(); }
  bool is_stored() const override { return true; }
  std::string name() const override { return text_; }

 private:
  struct Local {
    std::unique_ptr<SeriesCursor> cursor;
    std::vector<FloatHistogram> totals;
    std::vector<const FloatHistogram*> total_pointers;  // parallel to the samples
    std::vector<Timestamp> timestamps;                  // of a series that had markers
    std::vector<double> values;
    std::vector<const FloatHistogram*> histograms;
    std::vector<Timestamp> start_timestamps;
  };

  static SeriesSamples WithoutMarkers(const SeriesSamples& samples, Local& local);
  static void TakeTotals(SeriesSamples& samples, Local& local);

  QueryContext& context_;
  size_t selection_index_;
  std::string text_;
  bool totals_only_;
  const Selection* selection_ = nullptr;
  PerLane<Local> locals_;
};

/// The values of an expression at the steps of its own grid.
class SubquerySource final : public RangeSource {
 public:
  SubquerySource(QueryContext& context, OperatorPtr input, std::string text);

  Status Open() override;
  Result<SeriesSamples> Read(Lane& lane, size_t index) override;
  bool may_have_histograms() const override { return input_->may_have_histograms(); }
  bool is_stored() const override { return false; }
  std::string name() const override { return text_; }
  std::vector<const Operator*> inputs() const override { return {input_.get()}; }

 private:
  struct Local {
    Column column;
    std::vector<Timestamp> timestamps;
    std::vector<double> values;
    std::vector<HistogramRef> held_histograms;
    std::vector<const FloatHistogram*> histograms;
  };

  OperatorPtr input_;
  std::string text_;
  std::vector<Timestamp> grid_timestamps_;
  PerLane<Local> locals_;
};

}  // namespace barograph::promql
