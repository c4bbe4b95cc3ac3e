#include "server/cli/tsdb/series_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "promql/parse/parser.h"

namespace barograph::server::cli {
namespace {

// A series, and where in which selection it is.
struct Found {
  Labels labels;
  size_t selection;
  size_t index;
};

}  // namespace

Status WalkSeries(const Queryable& storage, TimeRange range, const std::vector<Matchers>& selectors,
                  const std::function<Status(const Labels&, const SeriesSamples&)>& visit) {
  SelectHints hints;
  hints.start_timestamps = true;
  std::vector<std::unique_ptr<Selection>> selections;
  std::vector<std::unique_ptr<SeriesCursor>> cursors;
  std::vector<Found> found;
  for (const Matchers& selector : selectors) {
    selections.push_back(TRY(storage.Select(range, selector, hints, {})));
    const Selection& selection = *selections.back();
    cursors.push_back(selection.NewCursor());
    for (size_t i = 0; i < selection.size(); ++i) {
      found.push_back({selection.labels(i), selections.size() - 1, i});
    }
  }
  std::ranges::sort(found, {}, &Found::labels);
  const auto repeated = std::ranges::unique(found, {}, &Found::labels);
  found.erase(repeated.begin(), repeated.end());
  for (const Found& series : found) {
    const SeriesSamples samples = TRY(cursors[series.selection]->Read(series.index));
    if (samples.size() > 0) TRY(visit(series.labels, samples));
  }
  return {};
}

Result<std::vector<Matchers>> ParseSelectors(const std::vector<std::string>& texts) {
  std::vector<Matchers> selectors;
  for (const std::string& text : texts) {
    auto parsed = promql::ParseMetricSelector(text);
    if (!parsed) return Fail(ErrorCode::kInvalidArgument, parsed.error().front().Format(text));
    if (std::ranges::all_of(*parsed, &Matcher::MatchesEmpty)) {
      return Fail(
          ErrorCode::kInvalidArgument,
          fmt::format("{}: a selector must have a matcher that an empty value does not match",
                      text));
    }
    selectors.push_back(std::move(*parsed));
  }
  if (selectors.empty()) {
    selectors.push_back({TRY(Matcher::Make(MatchType::kNotEqual, std::string(kMetricName), ""))});
  }
  return selectors;
}

}  // namespace barograph::server::cli
