#pragma once

#include <array>
#include <span>
#include <string_view>

#include "promql/exec/grid.h"

/// Functions that turn each float of an instant vector into another: mathematics, rounding,
/// clamping, dates.
namespace barograph::promql {

/// Scalar arguments at each step; empty spans where there is none.
struct StepArguments {
  StepGrid grid;
  std::array<std::span<const double>, 2> scalars;
};

/// Computes in place. Absent steps stay absent; the function may make others absent.
using MapKernel = void (*)(std::span<double> values, const StepArguments& arguments);

struct MapFunction {
  std::string_view name;
  MapKernel kernel;
  bool of_any_sample = false;  ///< also of native histograms, which the others drop
};

/// nullptr when there is no such function.
const MapFunction* FindMapFunction(std::string_view name);

/// minute() and the like, which without an argument tell of the step's own time.
bool IsDateFunction(std::string_view name);

/// Go's math.Max and math.Min: NaN when either is, but for infinities that decide.
double GoMax(double a, double b);
double GoMin(double a, double b);

}  // namespace barograph::promql
