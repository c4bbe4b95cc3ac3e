#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>

namespace barograph::tsdb {

/// Values that are decoded one stretch after the other. Unlike a vector it does not fill with zeros
/// what is about to be written. One thread at a time.
class ValueBuffer {
 public:
  size_t size() const { return size_; }
  std::span<double> all() const { return {values_.get(), size_}; }

  /// `count` more, unspecified until they are written. Spans from before may be void after that.
  std::span<double> Append(size_t count) {
    if (count > capacity_ - size_) Grow(size_ + count);
    size_ += count;
    return {values_.get() + size_ - count, count};
  }

  /// Drops what is behind the first `size`.
  void Truncate(size_t size) { size_ = std::min(size, size_); }

 private:
  void Grow(size_t least) {
    const size_t capacity = std::max({least, 2 * capacity_, kLeast});
    auto grown = std::make_unique_for_overwrite<double[]>(capacity);
    std::copy_n(values_.get(), size_, grown.get());
    values_ = std::move(grown);
    capacity_ = capacity;
  }

  static constexpr size_t kLeast = 512;

  std::unique_ptr<double[]> values_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace barograph::tsdb
