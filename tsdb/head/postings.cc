#include "tsdb/head/postings.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace barograph::tsdb {

PostingList::PostingList(Roaring refs) {
  if (const uint64_t size = refs.cardinality(); size > kMaxArray) {
    refs.runOptimize();
    refs.shrinkToFit();
    bitmap_ = new Roaring(std::move(refs));
    size_ = static_cast<uint32_t>(size);
  } else {
    for (const SeriesRef ref : refs) Add(ref);
  }
}

PostingList::PostingList(PostingList&& other) noexcept : size_(std::exchange(other.size_, 0)) {
  bitmap_ = other.bitmap_;
  if (size_ == 1) one_ = other.one_;
}

PostingList& PostingList::operator=(PostingList&& other) noexcept {
  if (this == &other) return *this;
  Reset();
  size_ = std::exchange(other.size_, 0);
  bitmap_ = other.bitmap_;
  if (size_ == 1) one_ = other.one_;
  return *this;
}

void PostingList::Reset() {
  if (size_ > kMaxArray) {
    delete bitmap_;
  } else if (size_ > 1) {
    delete[] array_;
  }
  size_ = 0;
}

void PostingList::Add(SeriesRef ref) {
  if (size_ == 0) {
    one_ = ref;
  } else {
    if (size_ <= kMaxArray && std::has_single_bit(size_)) Grow();
    if (size_ < kMaxArray) {
      array_[size_] = ref;
    } else {
      bitmap_->add(ref);
    }
  }
  ++size_;
}

// Makes room when the list is as large as its room, which is a power of two.
void PostingList::Grow() {
  const SeriesRef* old = size_ == 1 ? &one_ : array_;
  if (size_ == kMaxArray) {
    auto bitmap = std::make_unique<Roaring>(size_, old);
    delete[] array_;
    bitmap_ = bitmap.release();
    return;
  }
  auto grown = std::make_unique<SeriesRef[]>(size_t{size_} * 2);
  std::copy_n(old, size_, grown.get());
  if (size_ > 1) delete[] array_;
  array_ = grown.release();
}

void PostingList::AddTo(Roaring& set) const {
  if (size_ == 0) return;
  if (size_ == 1) {
    set.add(one_);
  } else if (size_ <= kMaxArray) {
    set.addMany(size_, array_);
  } else {
    set |= *bitmap_;
  }
}

void PostingList::RemoveFrom(Roaring& set) const {
  if (size_ > kMaxArray) {
    set -= *bitmap_;
    return;
  }
  const SeriesRef* refs = size_ == 1 ? &one_ : array_;
  for (uint32_t i = 0; i < size_; ++i) set.remove(refs[i]);
}

Roaring PostingList::ToSet() const {
  Roaring set;
  AddTo(set);
  return set;
}

}  // namespace barograph::tsdb
