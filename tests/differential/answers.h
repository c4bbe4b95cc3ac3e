#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "promql/engine.h"

/// Whether two answers to a query are the same.
namespace barograph::differential {

struct Leniency {
  /// How far numbers may be apart: absolutely, and relative to the larger one.
  double absolute = 0;
  double relative = 0;

  /// Counter reset hints are not compared, nor are answers where they collide: a difference of
  /// such histograms is none.
  bool skip_hints = false;
  bool tell_less = false;  ///< ours may lack annotations
  bool tell_more = false;  ///< ours may have more of them, or fail
};

/// What first differs, or nothing: whether there was an error, the kind of value, series, times,
/// numbers, histograms bucket by bucket, and the texts of annotations without their positions.
/// Which error there was is not compared.
std::optional<std::string> Difference(const Result<promql::QueryResult>& ours,
                                      const Result<promql::QueryResult>& theirs,
                                      const Leniency& leniency);

}  // namespace barograph::differential
