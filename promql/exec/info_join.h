#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "promql/exec/matching.h"
#include "promql/exec/operator.h"

/// info(x, {...}): adds the labels of info metrics to the series that have the same instance and
/// job (promql/info.go).
namespace barograph::promql {

/// What the second argument asks for.
struct InfoMatchers {
  Matchers names;  ///< of info metrics: target_info where nothing is asked for
  Matchers data;   ///< of the labels to add: all where there is none
};
Result<InfoMatchers> FindInfoMatchers(const Call& call);

class InfoJoin final : public Operator {
 public:
  /// `info` gives the timestamps of the info metrics' samples.
  InfoJoin(QueryContext& context, InfoMatchers matchers, OperatorPtr base, OperatorPtr info);

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override;
  std::string name() const override { return "info"; }
  std::vector<const Operator*> inputs() const override { return {base_.get(), info_.get()}; }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  // The info series of one name, instance and job: the newest one at each step.
  struct Source {
    std::vector<uint32_t> series;
    std::vector<double> timestamps;
  };
  using SourcesByName = std::map<std::string, Source, std::less<>>;

  // Two info series of one source with samples of one time.
  struct Conflict {
    size_t step;
    uint32_t existing, other;
    int64_t time_ms;
  };

  struct Output {
    uint32_t base;
    StepSet steps;
  };

  bool IsInfoMetric(const SeriesMeta& meta) const;
  std::string IdentityOf(const SeriesMeta& meta) const;
  Status FindSources();
  Status FailOnConflicts();
  Result<bool> AnyBasePresent(size_t step);
  std::vector<bool> InfosOfInterest() const;
  Status AddToSource(Source& source, uint32_t info);
  Status JoinSeries(uint32_t base);
  void AddWhole(uint32_t base);
  Result<std::optional<size_t>> AddJoined(uint32_t base, const std::vector<uint32_t>& infos);
  Result<std::optional<Labels>> JoinLabels(uint32_t base, const std::vector<uint32_t>& infos) const;
  bool Adds(std::string_view label) const;

  InfoMatchers matchers_;
  OperatorPtr base_;
  OperatorPtr info_;
  std::map<std::string, SourcesByName> sources_;  // by identity
  std::vector<Conflict> conflicts_;
  std::vector<Output> outputs_;
  HeldSamples held_;
  Column column_;  // while it opens
};

}  // namespace barograph::promql
