#pragma once

#include <cmath>

#include "base/model/kahan_sum.h"

namespace barograph::promql {

/// A mean that adds up as long as the sum does not overflow, and goes on incrementally when it
/// would.
class KahanMean {
 public:
  void Add(double value) {
    count_ += 1;
    if (count_ == 1) {
      total_.sum = value;
      return;
    }
    if (!incremental_) {
      KahanSum next = total_;
      next.Add(value);
      if (!std::isinf(next.sum)) {
        total_ = next;
        return;
      }
      incremental_ = true;
      total_.sum /= count_ - 1;
      total_.compensation /= count_ - 1;
    }
    const double ratio = (count_ - 1) / count_;
    total_.sum = ratio * total_.sum;
    total_.compensation = ratio * total_.compensation;
    total_.Add(value / count_);
  }

  double count() const { return count_; }
  double result() const {
    if (incremental_) return total_.sum + total_.compensation;
    return total_.sum / count_ + total_.compensation / count_;
  }

 private:
  KahanSum total_;  // the mean when incremental_
  double count_ = 0;
  bool incremental_ = false;
};

}  // namespace barograph::promql
