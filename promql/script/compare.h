#pragma once

#include <optional>
#include <string>

#include "promql/script/command.h"
#include "promql/value.h"

namespace barograph::promql::script {

/// What is wrong with an answer, or nothing. `sample_times` are those of the expected points: the
/// query's, or those of the samples for a range vector.
std::optional<std::string> CompareValue(const Expectation& expected, const QueryTimes& sample_times,
                                        const Value& actual);
std::optional<std::string> CompareAnnotations(const Expectation& expected,
                                              const Annotations& actual);

/// Whether two values are the same but for rounding: within a relative 1e-6.
bool AlmostEqual(double a, double b);

}  // namespace barograph::promql::script
