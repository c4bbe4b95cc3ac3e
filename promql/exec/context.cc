#include "promql/exec/context.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace barograph::promql {
namespace {

void RaiseTo(std::atomic<uint64_t>& peak, uint64_t value) {
  uint64_t seen = peak;
  while (seen < value && !peak.compare_exchange_weak(seen, value)) {
  }
}

}  // namespace

Error TooManySamples() {
  return {ErrorCode::kLimitExceeded,
          "query processing would load too many samples into memory in query execution"};
}

QueryContext::QueryContext(const Queryable& storage, const Clock& clock, QueryLimits limits,
                           Naming naming, Parallelism parallelism, bool measures,
                           std::vector<SelectionSpec> selections)
    : storage_(storage),
      clock_(clock),
      limits_(std::move(limits)),
      naming_(naming),
      parallelism_(parallelism),
      measures_(measures),
      specs_(std::move(selections)),
      selections_(specs_.size()) {
  const size_t lanes = parallelism.workers == nullptr ? 1 : 1 + parallelism.workers->threads();
  for (size_t i = 0; i < lanes; ++i) {
    lanes_.push_back(std::make_unique<Lane>(*this, i, annotations_));
  }
}

size_t QueryContext::NewOperatorId() {
  ++operators_;
  if (measures_) {
    for (const auto& lane : lanes_) lane->costs().resize(operators_);
  }
  return operators_ - 1;
}

std::vector<OperatorCost> QueryContext::costs() const {
  std::vector<OperatorCost> total(operators_);
  for (const auto& lane : lanes_) {
    for (size_t id = 0; id < lane->costs().size(); ++id) total[id] += lane->costs()[id];
  }
  return total;
}

void QueryContext::CountBySteps(size_t steps) {
  for (const auto& lane : lanes_) lane->counts().by_step.assign(steps, 0);
}

CountedFor QueryContext::SetCountedFor(CountedFor counted_for) {
  return std::exchange(counted_for_, counted_for);
}

SampleCounts QueryContext::sample_counts() const {
  SampleCounts all = lanes_[0]->counts();
  for (size_t i = 1; i < lanes_.size(); ++i) {
    const SampleCounts& of_lane = lanes_[i]->counts();
    all.total += of_lane.total;
    all.read += of_lane.read;
    for (size_t step = 0; step < all.by_step.size(); ++step) {
      all.by_step[step] += of_lane.by_step[step];
    }
  }
  return all;
}

bool QueryContext::dependent_steps() const {
  return std::ranges::any_of(lanes_, [](const auto& lane) { return lane->dependent_steps(); });
}

const Labels* QueryContext::Keep(Labels labels) {
  const size_t bytes = sizeof(Labels) + labels.packed().size();
  held_bytes_ += bytes;  // looked at by the next Check
  return &kept_labels_.emplace_back(std::move(labels));
}

Result<const QueryContext::Selected*> QueryContext::Select(size_t index) {
  Selected& selected = selections_[index];
  if (selected.selection != nullptr) return &selected;
  const SelectionSpec& spec = specs_[index];
  auto found = storage_.Select(spec.range, spec.matchers, spec.hints, limits_.stop_or_deadline);
  TRY(Check());  // tells why it was stopped, where it was
  auto selection = TRY(std::move(found));
  selected.labels.reserve(selection->size());
  for (size_t i = 0; i < selection->size(); ++i) {
    TRY(main().Work(0));
    // Of the labels that matter to an aggregation neighbours often have the same.
    Labels labels = selection->labels(i);
    const bool same = !selected.labels.empty() && labels == *selected.labels.back();
    selected.labels.push_back(same ? selected.labels.back() : Keep(std::move(labels)));
  }
  selected.selection = std::move(selection);
  return &selected;
}

Status QueryContext::Check() const {
  if (limits_.stop.stop_requested()) {
    return Fail(ErrorCode::kCancelled, "query was canceled in expression evaluation");
  }
  if (clock_.Monotonic() >= limits_.deadline) {
    return Fail(ErrorCode::kTimeout, "query timed out in expression evaluation");
  }
  return CheckBytes(held_bytes_);
}

Status QueryContext::CheckBytes(uint64_t bytes) const {
  if (bytes <= limits_.max_bytes) return {};
  return Fail(ErrorCode::kLimitExceeded,
              fmt::format("query needs {} bytes of memory or more, which is over the limit of {} "
                          "bytes a query (--query.max-memory)",
                          bytes, limits_.max_bytes));
}

Status QueryContext::Hold(size_t samples, size_t bytes) {
  const uint64_t held_samples = held_samples_ += samples;
  const uint64_t held_bytes = held_bytes_ += bytes;
  RaiseTo(peak_samples_, held_samples);
  RaiseTo(peak_bytes_, held_bytes);
  if (held_samples > limits_.max_samples) return std::unexpected(TooManySamples());
  return CheckBytes(held_bytes);
}

void QueryContext::Release(size_t samples, size_t bytes) {
  held_samples_ -= samples;
  held_bytes_ -= bytes;
}

}  // namespace barograph::promql
