#include "promql/exec/merge_duplicates.h"

#include <algorithm>
#include <unordered_map>

namespace barograph::promql {

Error SameLabelsetError() {
  return {ErrorCode::kExecution, "vector cannot contain metrics with the same labelset"};
}

Status MergeDuplicates::Start() {
  TRY(input_->Open());
  const std::vector<SeriesMeta>& inputs = input_->series();
  std::unordered_map<std::string, size_t> by_key;
  by_key.reserve(inputs.size());
  const LabelSubset all = LabelSubset::Except({});
  std::string key;
  for (size_t i = 0; i < inputs.size(); ++i) {
    key.clear();
    all.AppendKey(inputs[i], context().naming(), key);
    const auto [entry, is_new] = by_key.try_emplace(key, series_.size());
    if (is_new) {
      series_.push_back(inputs[i]);
      members_.emplace_back();
    }
    members_[entry->second].push_back(i);
    TRY(context().main().Work(0));
  }
  if (series_.size() == inputs.size()) members_.clear();
  return SettleNames();
}

// Where removal is delayed, series that look the same may disagree on whether the name is to go.
Status MergeDuplicates::SettleNames() {
  if (!context().naming().delayed) return {};
  for (size_t i = 0; i < members_.size(); ++i) {
    const auto differs = [&](size_t member) {
      return input_->series()[member].drop_name != series_[i].drop_name;
    };
    if (std::ranges::any_of(members_[i], differs)) TRY(SettleName(i));
  }
  return {};
}

// The one that comes first in time decides.
Status MergeDuplicates::SettleName(size_t index) {
  size_t first = steps();
  Column column;
  for (const size_t member : members_[index]) {
    TRY(input_->Evaluate(context().main(), member, column));
    size_t step = 0;
    while (step < first && !column.present(step)) ++step;
    if (step == first) continue;
    first = step;
    series_[index].drop_name = input_->series()[member].drop_name;
  }
  return {};
}

Status MergeDuplicates::Compute(Lane& lane, size_t index, Column& out) {
  if (members_.empty()) return input_->Evaluate(lane, index, out);
  const std::vector<size_t>& members = members_[index];
  Column& column = columns_[lane];
  TRY(input_->Evaluate(lane, members[0], out));
  for (size_t i = 1; i < members.size(); ++i) {
    TRY(input_->Evaluate(lane, members[i], column));
    TRY(Merge(column, out));
  }
  return {};
}

Status MergeDuplicates::Merge(const Column& next, Column& out) const {
  if (duplicates_ == Duplicates::kAreErrors && next.CountPresent() > 0 && out.CountPresent() > 0) {
    return std::unexpected(SameLabelsetError());
  }
  for (size_t step = 0; step < out.size(); ++step) {
    if (!next.present(step)) continue;
    if (out.present(step)) return std::unexpected(SameLabelsetError());
    if (next.histogram(step) != nullptr) {
      out.SetHistogram(step, next.histograms[step]);
    } else {
      out.values[step] = next.values[step];
    }
  }
  return {};
}

}  // namespace barograph::promql
