#include "tsdb/view.h"

#include <algorithm>

namespace barograph::tsdb {
namespace {

// A merge is as old as the youngest block that went into it, not as its own making.
Ulid AgeOf(const Block& block) {
  const BlockOrigin& origin = block.meta().origin;
  return origin.sources.empty() ? origin.ulid : std::ranges::max(origin.sources);
}

}  // namespace

void CurrentView::Set(View view) {
  std::ranges::sort(view.blocks, {}, [](const auto& block) { return AgeOf(*block); });
  auto next = std::make_shared<const View>(std::move(view));
  MutexLock lock(mutex_);
  old_.push_back(view_);
  view_ = std::move(next);
}

bool CurrentView::OldOnesGone() {
  MutexLock lock(mutex_);
  std::erase_if(old_, [](const auto& view) { return view.expired(); });
  return old_.empty();
}

}  // namespace barograph::tsdb
