#pragma once

#include <cmath>

namespace barograph {

/// Compensated addition (Neumaier 1974), in the order of operations of Prometheus's util/kahansum,
/// so that results agree to the last bit.
struct KahanSum {
  double sum = 0;
  double compensation = 0;

  void Add(double value) {
    const double total = sum + value;
    if (std::isinf(total)) {
      compensation = 0;
    } else if (std::fabs(sum) >= std::fabs(value)) {
      compensation += (sum - total) + value;
    } else {
      compensation += (value - total) + sum;
    }
    sum = total;
  }

  /// Appends what another sum has added up.
  void Merge(const KahanSum& other) {
    Add(other.sum);
    if (!std::isinf(sum)) compensation += other.compensation;
  }

  double result() const { return std::isinf(sum) ? sum : sum + compensation; }
};

}  // namespace barograph
