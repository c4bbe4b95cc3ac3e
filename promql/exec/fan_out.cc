#include "promql/exec/fan_out.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <vector>

#include "base/mutex.h"
#include "base/worker_pool.h"

namespace barograph::promql {
namespace {

// While this lives, a lane's annotations go elsewhere.
class Redirected {
 public:
  Redirected(Lane& lane, Annotator& annotations)
      : lane_(lane), before_(lane.Redirect(annotations)) {}
  ~Redirected() { lane_.Redirect(before_); }
  Redirected(const Redirected&) = delete;
  Redirected& operator=(const Redirected&) = delete;

 private:
  Lane& lane_;
  Annotator& before_;
};

// All lanes at the same series. Series are begun in order and taken in order; whoever finishes the
// one whose turn it is takes it, and those after it that are ready.
class FanOut {
 public:
  FanOut(QueryContext& context, Lane& owner, Operator& input, std::span<const uint32_t> series,
         size_t first, const TakeColumn& take)
      : context_(context),
        input_(input),
        series_(series),
        take_(take),
        annotations_(owner.annotations()),
        slots_(kSlotsPerLane * context.lanes()),
        next_(first),
        turn_(first),
        held_(context) {}

  Status Run() {
    TRY(held_.AddBytes(slots_.size() * input_.steps() * sizeof(double)));
    context_.workers()->Run(context_.lanes() - 1, [this](size_t index) {
      Lane& lane = context_.lane(index);
      lane.set_forked(true);
      while (const auto i = Begin()) {
        Compute(lane, *i);
        TakeReady(lane);
      }
      lane.set_forked(false);
    });
    const MutexLock lock(mutex_);
    if (error_.has_value()) return std::unexpected(*error_);
    return {};
  }

 private:
  // So many that a lane seldom waits for a slower one.
  static constexpr size_t kSlotsPerLane = 8;

  struct Slot {
    Column column;
    Annotator annotations;
    Status status;
    bool ready = false;
  };
  Slot& slot(size_t i) { return slots_[i % slots_.size()]; }

  // The next series to compute, when there is a slot for it.
  std::optional<size_t> Begin() {
    const MutexLock lock(mutex_);
    while (!error_.has_value() && next_ < series_.size() && next_ - turn_ >= slots_.size()) {
      space_.Wait(mutex_);
    }
    if (error_.has_value() || next_ >= series_.size()) return std::nullopt;
    return next_++;
  }

  void Compute(Lane& lane, size_t i) {
    Slot& mine = slot(i);
    mine.annotations = {};
    const Redirected redirected(lane, mine.annotations);
    mine.status = input_.Evaluate(lane, series_[i], mine.column);
    const MutexLock lock(mutex_);
    mine.ready = true;
  }

  void TakeReady(Lane& lane) {
    const MutexLock lock(mutex_);
    if (taking_) return;  // whoever takes will see what is ready by now
    taking_ = true;
    while (!error_.has_value() && turn_ < next_ && slot(turn_).ready) {
      const size_t i = turn_;
      mutex_.unlock();
      const Status status = Take(lane, i);
      mutex_.lock();
      slot(i).ready = false;
      ++turn_;
      if (!status.has_value()) error_ = status.error();
      space_.NotifyAll();
    }
    taking_ = false;
  }

  Status Take(Lane& lane, size_t i) {
    Slot& mine = slot(i);
    annotations_.Merge(mine.annotations);
    if (!mine.status.has_value()) return mine.status;
    const Redirected redirected(lane, annotations_);
    return take_(lane, i, mine.column);
  }

  QueryContext& context_;
  Operator& input_;
  std::span<const uint32_t> series_;
  const TakeColumn& take_;
  Annotator& annotations_;
  std::vector<Slot> slots_;

  Mutex mutex_;
  ConditionVariable space_;
  size_t next_ GUARDED_BY(mutex_);  // to begin
  size_t turn_ GUARDED_BY(mutex_);  // to take
  bool taking_ GUARDED_BY(mutex_) = false;
  std::optional<Error> error_ GUARDED_BY(mutex_);
  HeldSamples held_;
};

}  // namespace

std::vector<uint32_t> AllSeries(const Operator& input) {
  std::vector<uint32_t> series(input.series().size());
  std::iota(series.begin(), series.end(), 0);
  return series;
}

Status EvaluateEach(QueryContext& context, Lane& lane, Operator& input,
                    std::span<const uint32_t> series, Column& scratch, const TakeColumn& take) {
  const bool may_fork = context.lanes() > 1 && !lane.forked();
  const uint64_t before = lane.work();
  for (size_t i = 0; i < series.size(); ++i) {
    const uint64_t spent = lane.work() - before;
    const size_t left = series.size() - i;
    if (may_fork && left > 1 && spent >= context.fork_work() / 8 &&
        (i == 0 || spent / i * left >= context.fork_work())) {
      return FanOut(context, lane, input, series, i, take).Run();
    }
    TRY(input.Evaluate(lane, series[i], scratch));
    TRY(take(lane, i, scratch));
  }
  return {};
}

}  // namespace barograph::promql
