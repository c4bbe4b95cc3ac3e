#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/model/labels.h"
#include "base/model/matcher.h"
#include "base/storage/queryable.h"

namespace barograph::server::cli {

/// Calls visit(labels, samples) for the series that any of `selectors` matches and that have
/// samples in the range, in label order, each once. Memory: the labels of them all, and one series'
/// samples, with the start timestamps that are known.
Status WalkSeries(const Queryable& storage, TimeRange range, const std::vector<Matchers>& selectors,
                  const std::function<Status(const Labels&, const SeriesSamples&)>& visit);

/// Selectors as PromQL has them; none given is all series that have a name. InvalidArgument when
/// one does not parse or matches everything.
Result<std::vector<Matchers>> ParseSelectors(const std::vector<std::string>& texts);

}  // namespace barograph::server::cli
