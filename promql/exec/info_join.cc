#include "promql/exec/info_join.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

namespace barograph::promql {
namespace {

constexpr std::string_view kIdentifyingLabels[] = {"instance", "job"};

}  // namespace

Result<InfoMatchers> FindInfoMatchers(const Call& call) {
  InfoMatchers found;
  if (call.args.size() > 1) {
    for (const Matcher& matcher : As<VectorSelector>(UnwrapParens(*call.args[1])).matchers) {
      (matcher.name() == kMetricName ? found.names : found.data).push_back(matcher);
    }
  }
  const bool names_any = std::ranges::any_of(found.names, [](const Matcher& matcher) {
    return matcher.type() == MatchType::kEqual || matcher.type() == MatchType::kRegex;
  });
  if (names_any) return found;
  Matcher any_info =
      found.names.empty()
          ? TRY(Matcher::Make(MatchType::kEqual, std::string(kMetricName), "target_info"))
          : TRY(Matcher::Make(MatchType::kRegex, std::string(kMetricName), ".+_info"));
  found.names.push_back(std::move(any_info));
  return found;
}

InfoJoin::InfoJoin(QueryContext& context, InfoMatchers matchers, OperatorPtr base, OperatorPtr info)
    : Operator(context, base->grid()),
      matchers_(std::move(matchers)),
      base_(std::move(base)),
      info_(std::move(info)),
      held_(context) {}

Status InfoJoin::Start() {
  TRY(base_->Open());
  TRY(info_->Open());
  TRY(FindSources());
  for (uint32_t base = 0; base < base_->series().size(); ++base) {
    if (IsInfoMetric(base_->series()[base])) {
      AddWhole(base);
    } else {
      TRY(JoinSeries(base));
    }
  }
  return {};
}

bool InfoJoin::IsInfoMetric(const SeriesMeta& meta) const {
  const std::string_view name = context().naming().Get(meta, kMetricName);
  return std::ranges::all_of(matchers_.names,
                             [&](const Matcher& matcher) { return matcher.Matches(name); });
}

std::string InfoJoin::IdentityOf(const SeriesMeta& meta) const {
  std::string identity;
  for (const std::string_view label : kIdentifyingLabels) {
    identity += meta.labels->Get(label);
    identity += '\xff';  // in no label value
  }
  return identity;
}

// By info series: whether each identifying label that any of the base series has is one of theirs.
std::vector<bool> InfoJoin::InfosOfInterest() const {
  std::vector<bool> interesting(info_->series().size(), true);
  bool any = false;
  for (const std::string_view label : kIdentifyingLabels) {
    std::set<std::string_view> values;
    for (const SeriesMeta& meta : base_->series()) {
      const std::string_view value = meta.labels->Get(label);
      if (!value.empty() && !IsInfoMetric(meta)) values.insert(value);
    }
    if (values.empty()) continue;
    any = true;
    for (size_t i = 0; i < interesting.size(); ++i) {
      if (!values.contains(info_->series()[i].labels->Get(label))) interesting[i] = false;
    }
  }
  if (!any) interesting.assign(interesting.size(), false);
  return interesting;
}

Status InfoJoin::FindSources() {
  const std::vector<bool> interesting = InfosOfInterest();
  for (uint32_t info = 0; info < info_->series().size(); ++info) {
    if (!interesting[info]) continue;
    const SeriesMeta& meta = info_->series()[info];
    const std::string name(meta.labels->metric_name());
    TRY(AddToSource(sources_[IdentityOf(meta)][name], info));
  }
  return FailOnConflicts();
}

// The first step counts, and of its conflicts the one that shows first in the order of the series.
// At steps without a base series nobody looks.
Status InfoJoin::FailOnConflicts() {
  std::ranges::sort(conflicts_, {}, [](const Conflict& c) { return std::pair(c.step, c.other); });
  for (const Conflict& conflict : conflicts_) {
    if (!TRY(AnyBasePresent(conflict.step))) continue;
    const auto text = [this](uint32_t i) { return FormatLabelSet(*info_->series()[i].labels); };
    return Fail(ErrorCode::kExecution,
                fmt::format("found duplicate series for info metric: existing {} @ {}, new {} @ {}",
                            text(conflict.existing), conflict.time_ms, text(conflict.other),
                            conflict.time_ms));
  }
  return {};
}

// Only asked on the way to an error.
Result<bool> InfoJoin::AnyBasePresent(size_t step) {
  for (size_t i = 0; i < base_->series().size(); ++i) {
    TRY(base_->Evaluate(context().main(), i, column_));
    if (column_.present(step)) return true;
  }
  return false;
}

Status InfoJoin::AddToSource(Source& source, uint32_t info) {
  TRY(info_->Evaluate(context().main(), info, column_));
  if (source.series.empty()) {
    TRY(held_.Add(steps()));
    source.series.assign(steps(), kNone);
    source.timestamps.assign(steps(), 0);
  }
  for (size_t step = 0; step < steps(); ++step) {
    if (!column_.present(step)) continue;
    const double timestamp = column_.values[step];
    uint32_t& newest = source.series[step];
    if (newest != kNone && source.timestamps[step] == timestamp) {
      conflicts_.push_back({step, newest, info, std::llround(timestamp * 1000)});
      continue;
    }
    if (newest != kNone && source.timestamps[step] > timestamp) continue;
    newest = info;
    source.timestamps[step] = timestamp;
  }
  return {};
}

void InfoJoin::AddWhole(uint32_t base) {
  StepSet all(steps());
  for (size_t step = 0; step < steps(); ++step) all.Add(step);
  series_.push_back(base_->series()[base]);
  outputs_.push_back({base, std::move(all)});
}

// One output for each combination of info series that the steps see.
Status InfoJoin::JoinSeries(uint32_t base) {
  const auto found = sources_.find(IdentityOf(base_->series()[base]));
  std::map<std::vector<uint32_t>, std::optional<size_t>> outputs;
  auto current = outputs.end();
  std::vector<uint32_t> infos;
  for (size_t step = 0; step < steps(); ++step) {
    infos.clear();
    if (found != sources_.end()) {
      for (const auto& [name, source] : found->second) {
        if (source.series[step] != kNone) infos.push_back(source.series[step]);
      }
    }
    if (current == outputs.end() || current->first != infos) {
      bool is_new = false;
      std::tie(current, is_new) = outputs.try_emplace(infos);
      if (is_new) current->second = TRY(AddJoined(base, infos));
    }
    if (current->second.has_value()) outputs_[*current->second].steps.Add(step);
  }
  const bool has_output =
      std::ranges::any_of(outputs, [](const auto& output) { return output.second.has_value(); });
  if (!has_output) TRY(EvaluateForReports(context().main(), *base_, base, column_));
  return context().main().Work(steps());
}

Result<std::optional<size_t>> InfoJoin::AddJoined(uint32_t base,
                                                  const std::vector<uint32_t>& infos) {
  auto labels = TRY(JoinLabels(base, infos));
  if (!labels.has_value()) return std::nullopt;
  const Labels* kept = context().Keep(std::move(*labels));
  series_.push_back({kept, base_->series()[base].drop_name});
  outputs_.push_back({base, StepSet(steps())});
  return outputs_.size() - 1;
}

bool InfoJoin::Adds(std::string_view label) const {
  if (label == kMetricName) return false;
  return matchers_.data.empty() || std::ranges::any_of(matchers_.data, [&](const Matcher& matcher) {
           return matcher.name() == label;
         });
}

// Nothing where labels are asked for that no info metric has.
Result<std::optional<Labels>> InfoJoin::JoinLabels(uint32_t base,
                                                   const std::vector<uint32_t>& infos) const {
  if (infos.empty()) {
    const bool fits = std::ranges::all_of(
        matchers_.data, [](const Matcher& matcher) { return matcher.MatchesEmpty(); });
    if (!fits) return std::nullopt;
  }
  const Labels own = context().naming().Visible(base_->series()[base]);
  std::map<std::string_view, std::string_view> added;
  for (const uint32_t info : infos) {
    for (const auto& [label, value] : *info_->series()[info].labels) {
      if (!Adds(label)) continue;
      const auto seen = added.find(label);
      if (seen != added.end() && seen->second != value) {
        return Fail(ErrorCode::kExecution, fmt::format("conflicting label: {}", label));
      }
      if (own.Get(label).empty()) added.emplace(label, value);
    }
  }
  LabelsBuilder labels(own);
  for (const auto& [label, value] : added) labels.Set(label, value);
  return labels.Build();
}

Status InfoJoin::Compute(Lane& lane, size_t index, Column& out) {
  const Output& output = outputs_[index];
  TRY(base_->Evaluate(lane, output.base, out));
  for (size_t step = 0; step < steps(); ++step) {
    if (!output.steps.contains(step)) out.Erase(step);
  }
  return lane.Work(steps());
}

}  // namespace barograph::promql
