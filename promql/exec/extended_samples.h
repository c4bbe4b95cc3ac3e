#pragma once

#include <vector>

#include "base/result.h"
#include "base/storage/queryable.h"
#include "base/time.h"
#include "promql/exec/windows.h"

namespace barograph::promql {

/// A range from which a selector with a modifier takes samples: (start, end].
struct ExtendedRange {
  Timestamp start, end;
  bool smoothed = false;  ///< else anchored
};

/// The samples inside a range and one at each of its ends, which are made of the samples around:
/// what x[5m] anchored is where no function takes it. Empty where the samples of `window`, which
/// reaches beyond the range, have nothing to say of it. An error where there is a native histogram
/// among them.
struct ExtendedSamples {
  std::vector<Timestamp> timestamps;
  std::vector<double> values;
};
Result<ExtendedSamples> ExtendSamples(const SeriesSamples& samples, Window window,
                                      const ExtendedRange& range);

}  // namespace barograph::promql
