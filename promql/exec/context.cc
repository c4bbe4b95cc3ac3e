#include "promql/exec/context.h"

#include <algorithm>

namespace barograph::promql {

Error TooManySamples() {
  return {ErrorCode::kLimitExceeded,
          "query processing would load too many samples into memory in query execution"};
}

QueryContext::QueryContext(const Queryable& storage, const Clock& clock, QueryLimits limits,
                           Naming naming, std::vector<SelectionSpec> selections)
    : storage_(storage),
      clock_(clock),
      limits_(std::move(limits)),
      naming_(naming),
      specs_(std::move(selections)),
      selections_(specs_.size()) {}

Result<const QueryContext::Selected*> QueryContext::Select(size_t index) {
  Selected& selected = selections_[index];
  if (selected.selection != nullptr) return &selected;
  const SelectionSpec& spec = specs_[index];
  auto selection = TRY(storage_.Select(spec.range, spec.matchers, spec.hints, limits_.stop));
  TRY(Check());
  selected.labels.reserve(selection->size());
  for (size_t i = 0; i < selection->size(); ++i) {
    TRY(Work(0));
    selected.labels.push_back(Keep(selection->labels(i)));
  }
  selected.selection = std::move(selection);
  return &selected;
}

Status QueryContext::Check() {
  work_ = 0;
  if (limits_.stop.stop_requested()) {
    return Fail(ErrorCode::kCancelled, "query was canceled in expression evaluation");
  }
  if (clock_.Monotonic() >= limits_.deadline) {
    return Fail(ErrorCode::kTimeout, "query timed out in expression evaluation");
  }
  return {};
}

Status QueryContext::Hold(size_t samples) {
  held_ += samples;
  peak_ = std::max(peak_, held_);
  if (held_ > limits_.max_samples) return std::unexpected(TooManySamples());
  return {};
}

}  // namespace barograph::promql
