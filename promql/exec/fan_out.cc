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

// All lanes at the same series. Batches of series are begun in order and taken in order; whoever
// finishes the one whose turn it is takes it, and those after it that are ready.
class FanOut {
 public:
  /// From series `first` on, `batch_size` at a time.
  FanOut(QueryContext& context, Lane& owner, Operator& input, std::span<const uint32_t> series,
         size_t first, size_t batch_size, const TakeColumn& take)
      : context_(context),
        input_(input),
        series_(series.subspan(first)),
        first_(first),
        batch_size_(batch_size),
        batches_((series_.size() + batch_size - 1) / batch_size),
        take_(take),
        annotations_(owner.annotations()),
        slots_(std::min(kSlotsPerLane * context.lanes(), batches_)),
        held_(context) {}

  Status Run() {
    TRY(held_.AddBytes(slots_.size() * batch_size_ * input_.steps() * sizeof(double)));
    context_.workers()->Run(context_.lanes() - 1, [this](size_t index) {
      Lane& lane = context_.lane(index);
      lane.set_forked(true);
      while (const auto batch = Begin()) {
        Compute(lane, *batch);
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

  struct Computed {
    Column column;
    Annotator annotations;
    Status status;
  };
  struct Slot {
    std::vector<Computed> series;  // those of a batch, up to the first that failed
    size_t size = 0;
    bool ready = false;
  };
  Slot& slot(size_t batch) { return slots_[batch % slots_.size()]; }

  // The next batch to compute, when there is a slot for it.
  std::optional<size_t> Begin() {
    const MutexLock lock(mutex_);
    while (!error_.has_value() && next_ < batches_ && next_ - turn_ >= slots_.size()) {
      space_.Wait(mutex_);
    }
    if (error_.has_value() || next_ >= batches_) return std::nullopt;
    return next_++;
  }

  void Compute(Lane& lane, size_t batch) {
    Slot& mine = slot(batch);
    const size_t begin = batch * batch_size_;
    const size_t size = std::min(batch_size_, series_.size() - begin);
    if (mine.series.size() < size) mine.series.resize(size);
    bool failed = false;
    for (mine.size = 0; mine.size < size && !failed; ++mine.size) {
      Computed& computed = mine.series[mine.size];
      computed.annotations = {};
      const Redirected redirected(lane, computed.annotations);
      computed.status = input_.Evaluate(lane, series_[begin + mine.size], computed.column);
      failed = !computed.status.has_value();
    }
    const MutexLock lock(mutex_);
    mine.ready = true;
  }

  void TakeReady(Lane& lane) {
    const MutexLock lock(mutex_);
    if (taking_) return;  // whoever takes will see what is ready by now
    taking_ = true;
    while (!error_.has_value() && turn_ < next_ && slot(turn_).ready) {
      const size_t batch = turn_;
      mutex_.unlock();
      const Status status = Take(lane, batch);
      mutex_.lock();
      slot(batch).ready = false;
      ++turn_;
      if (!status.has_value()) error_ = status.error();
      space_.NotifyAll();
    }
    taking_ = false;
  }

  Status Take(Lane& lane, size_t batch) {
    Slot& mine = slot(batch);
    const size_t begin = first_ + batch * batch_size_;
    const Redirected redirected(lane, annotations_);
    for (size_t i = 0; i < mine.size; ++i) {
      Computed& computed = mine.series[i];
      annotations_.Merge(computed.annotations);
      TRY(computed.status);
      TRY(take_(lane, begin + i, computed.column));
    }
    return {};
  }

  QueryContext& context_;
  Operator& input_;
  std::span<const uint32_t> series_;  // those from first_ on
  const size_t first_;
  const size_t batch_size_;
  const size_t batches_;
  const TakeColumn& take_;
  Annotator& annotations_;
  std::vector<Slot> slots_;

  Mutex mutex_;
  ConditionVariable space_;
  size_t next_ GUARDED_BY(mutex_) = 0;  // to begin
  size_t turn_ GUARDED_BY(mutex_) = 0;  // to take
  bool taking_ GUARDED_BY(mutex_) = false;
  std::optional<Error> error_ GUARDED_BY(mutex_);
  HeldSamples held_;
};

// How many series of so much work each are given away at once: enough that it costs little beside
// their evaluation, and few enough that all lanes get some.
size_t BatchSize(uint64_t work_each, size_t left, size_t lanes) {
  constexpr uint64_t kBatchWork = 20'000;
  constexpr size_t kBatchesPerLane = 4;
  const uint64_t most = std::max<uint64_t>(1, left / (kBatchesPerLane * lanes));
  return std::clamp<uint64_t>(kBatchWork / std::max<uint64_t>(1, work_each), 1, most);
}

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
      const size_t batch = BatchSize(spent / std::max<size_t>(1, i), left, context.lanes());
      return FanOut(context, lane, input, series, i, batch, take).Run();
    }
    TRY(input.Evaluate(lane, series[i], scratch));
    TRY(take(lane, i, scratch));
  }
  return {};
}

}  // namespace barograph::promql
