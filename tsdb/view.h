#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "tsdb/block/block.h"
#include "tsdb/head/selection.h"

namespace barograph::tsdb {

/// What a query sees: the blocks, and the part of the head that is not in them. Immutable. A
/// selection holds the view that was current when it was made; what only older views need is
/// dropped once they are gone.
struct View {
  /// Oldest source first: of samples at one time the later block's is read, and the head's before
  /// any block's.
  std::vector<std::shared_ptr<const Block>> blocks;
  HeadBounds head;
};
using ViewPtr = std::shared_ptr<const View>;

/// The view that new queries get. Thread-safe; one thread at a time sets it.
class CurrentView {
 public:
  CurrentView() : view_(std::make_shared<const View>()) {}

  ViewPtr Get() const {
    MutexLock lock(mutex_);
    return view_;
  }

  /// Also sorts the blocks.
  void Set(View view);

  /// Whether nobody holds a view that was current before the last Set.
  bool OldOnesGone();

 private:
  mutable Mutex mutex_;
  ViewPtr view_ GUARDED_BY(mutex_);
  std::vector<std::weak_ptr<const View>> old_ GUARDED_BY(mutex_);
};

}  // namespace barograph::tsdb
