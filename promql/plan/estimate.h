#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/storage/queryable.h"
#include "promql/plan/plan.h"

/// What a plan would read, without running it: for `barograph query explain`.
namespace barograph::promql {

struct PlanLine {
  size_t depth = 0;
  std::string kind;
  std::string text;  ///< as written in the query
  size_t steps = 0;
  std::optional<uint64_t> series;   ///< of the node; nothing where only running it would tell
  std::optional<uint64_t> samples;  ///< that a selector reads; about
};

/// What storage has for a selection.
struct SelectionEstimate {
  uint64_t series = 0;
  uint64_t samples = 0;  ///< as if all series had as many as the first
};
Result<SelectionEstimate> EstimateSelection(const Queryable& storage, const SelectionSpec& spec,
                                            std::stop_token stop);

/// The plan, one node a line, inputs after what they go into. `selections` are those of the plan's,
/// or empty where there is no storage to ask.
std::vector<PlanLine> DescribePlan(const Plan& plan, std::string_view query,
                                   const std::vector<SelectionEstimate>& selections);

/// The lines as text, inputs indented.
std::string FormatPlan(const std::vector<PlanLine>& lines);

}  // namespace barograph::promql
