#include "promql/func/fold.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "promql/exec/column.h"
#include "promql/func/column_loops.h"
#include "promql/func/kahan.h"

namespace barograph::promql {
namespace {

class SumFold final : public Fold {
 public:
  void Reset(size_t steps) override {
    sums_.assign(steps, kAbsent);
    compensations_.assign(steps, 0);
  }

  void Add(std::span<const double> values) override {
    AddToSums(values, sums_.data(), compensations_.data());
  }

  void Finish(std::span<double> out) override {
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] = IsAbsent(sums_[i]) ? kAbsent : sums_[i] + compensations_[i];
    }
  }

 private:
  std::vector<double> sums_;
  std::vector<double> compensations_;
};

class AvgFold final : public Fold {
 public:
  void Reset(size_t steps) override { means_.assign(steps, KahanMean()); }

  void Add(std::span<const double> values) override {
    for (size_t i = 0; i < values.size(); ++i) {
      if (!IsAbsent(values[i])) means_[i].Add(values[i]);
    }
  }

  void Finish(std::span<double> out) override {
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] = means_[i].count() == 0 ? kAbsent : means_[i].result();
    }
  }

 private:
  std::vector<KahanMean> means_;
};

class CountFold final : public Fold {
 public:
  explicit CountFold(bool only_presence) : only_presence_(only_presence) {}

  void Reset(size_t steps) override { counts_.assign(steps, 0); }

  void Add(std::span<const double> values) override {
    double* counts = counts_.data();
    for (size_t i = 0; i < values.size(); ++i) counts[i] += IsAbsent(values[i]) ? 0.0 : 1.0;
  }

  void Finish(std::span<double> out) override {
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] = counts_[i] == 0 ? kAbsent : (only_presence_ ? 1 : counts_[i]);
    }
  }

 private:
  bool only_presence_;
  std::vector<double> counts_;
};

template <bool kMax>
class ExtremeFold final : public Fold {
 public:
  void Reset(size_t steps) override { best_.assign(steps, kAbsent); }

  void Add(std::span<const double> values) override {
    double* best = best_.data();
    for (size_t i = 0; i < values.size(); ++i) {
      const double value = values[i];
      const bool better = kMax ? best[i] < value : best[i] > value;
      const bool take = better || std::isnan(best[i]);  // absent is a NaN, too
      best[i] = take && !IsAbsent(value) ? value : best[i];
    }
  }

  void Finish(std::span<double> out) override {
    std::copy(best_.begin(), best_.end(), out.begin());
  }

 private:
  std::vector<double> best_;
};

class VarianceFold final : public Fold {
 public:
  explicit VarianceFold(bool square_root) : square_root_(square_root) {}

  void Reset(size_t steps) override { states_.assign(steps, {}); }

  void Add(std::span<const double> values) override {
    for (size_t i = 0; i < values.size(); ++i) {
      if (!IsAbsent(values[i])) AddOne(states_[i], values[i]);
    }
  }

  void Finish(std::span<double> out) override {
    for (size_t i = 0; i < out.size(); ++i) {
      const State& state = states_[i];
      out[i] = state.count == 0 ? kAbsent : state.squares / state.count;
      if (square_root_ && state.count != 0) out[i] = std::sqrt(out[i]);
    }
  }

 private:
  struct State {
    double count = 0;
    double mean = 0;
    double squares = 0;
  };

  // Welford 1962.
  static void AddOne(State& state, double value) {
    if (state.count == 0) {
      state = {1, value, std::isfinite(value) ? 0 : kNormalNan};
      return;
    }
    state.count += 1;
    const double delta = value - state.mean;
    state.mean += delta / state.count;
    state.squares += delta * (value - state.mean);
  }

  bool square_root_;
  std::vector<State> states_;
};

}  // namespace

std::unique_ptr<Fold> MakeFold(AggregateOp op) {
  switch (op) {
    case AggregateOp::kSum: return std::make_unique<SumFold>();
    case AggregateOp::kAvg: return std::make_unique<AvgFold>();
    case AggregateOp::kCount: return std::make_unique<CountFold>(false);
    case AggregateOp::kGroup: return std::make_unique<CountFold>(true);
    case AggregateOp::kMin: return std::make_unique<ExtremeFold<false>>();
    case AggregateOp::kMax: return std::make_unique<ExtremeFold<true>>();
    case AggregateOp::kStddev: return std::make_unique<VarianceFold>(true);
    case AggregateOp::kStdvar: return std::make_unique<VarianceFold>(false);
    default: return nullptr;
  }
}

}  // namespace barograph::promql
