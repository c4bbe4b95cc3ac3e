#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <roaring/roaring.hh>

/// Sets of series of the head.
namespace barograph::tsdb {

/// A series' number in the head: dense, from 0, in the order in which series came into this
/// process. SeriesId is for ever, this is for now.
using SeriesRef = uint32_t;

/// A growing set of refs, small where it is small: one ref takes no allocation, a few are an
/// array, many are a roaring bitmap. Most label values belong to few series, and most memberships
/// are in sets of many. Not thread-safe.
class PostingList {
 public:
  PostingList() = default;
  explicit PostingList(Roaring refs);
  ~PostingList() { Reset(); }
  PostingList(PostingList&& other) noexcept;
  PostingList& operator=(PostingList&& other) noexcept;

  /// Precondition: `ref` is above all refs in the list.
  void Add(SeriesRef ref);

  size_t size() const { return size_; }
  void AddTo(Roaring& set) const;
  void RemoveFrom(Roaring& set) const;
  Roaring ToSet() const;

 private:
  static constexpr uint32_t kMaxArray = 32;

  void Grow();
  void Reset();

  uint32_t size_ = 0;
  union {
    SeriesRef one_;              // size 1
    SeriesRef* array_;           // size 2 to kMaxArray; room for the next power of two
    Roaring* bitmap_ = nullptr;  // more
  };
};

}  // namespace barograph::tsdb
