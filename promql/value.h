#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/model/histogram.h"
#include "base/model/labels.h"
#include "base/model/sample.h"
#include "promql/parse/ast.h"

/// What queries return.
namespace barograph::promql {

struct Scalar {
  Timestamp timestamp;
  double value = 0;
};

struct StringValue {
  Timestamp timestamp;
  std::string value;
};

/// One series of a result, in columns. An instant vector's series hold one point each.
struct ResultSeries {
  Labels labels;
  std::vector<Timestamp> timestamps;
  std::vector<double> values;

  /// Parallel to `values`, or empty when all points are floats; where it is set, the point is that
  /// histogram and values[i] is unspecified.
  std::vector<std::optional<FloatHistogram>> histograms;

  size_t size() const { return timestamps.size(); }
};

/// An instant vector: one point a series, all at the evaluation time, in the order to show.
struct Vector {
  std::vector<ResultSeries> series;
};

/// A range vector: series in label order.
struct Matrix {
  std::vector<ResultSeries> series;
};

using Value = std::variant<Scalar, StringValue, Vector, Matrix>;
ValueType TypeOf(const Value& value);

}  // namespace barograph::promql
