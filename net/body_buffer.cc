#include "net/body_buffer.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace barograph::net {

void BodyBuffer::Reserve(size_t capacity) {
  if (capacity <= capacity_) return;
  auto* grown = static_cast<char*>(std::realloc(data_.get(), capacity));
  if (grown == nullptr) throw std::bad_alloc();
  static_cast<void>(data_.release());  // realloc took it
  data_.reset(grown);
  capacity_ = capacity;
}

std::span<char> BodyBuffer::Prepare(size_t wanted) {
  if (wanted > capacity_ - size_) Reserve(std::max(size_ + wanted, 2 * capacity_));
  return {data_.get() + size_, capacity_ - size_};
}

void BodyBuffer::Append(const void* bytes, size_t count) {
  if (count == 0) return;
  std::memcpy(Prepare(count).data(), bytes, count);
  Commit(count);
}

void BodyBuffer::Consume(size_t count) {
  size_ -= count;
  if (size_ > 0) std::memmove(data_.get(), data_.get() + count, size_);
}

BodyPool::Lease BodyPool::Take() {
  if (idle_.empty()) return Lease(shared_from_this(), std::make_unique<BodyBuffer>());
  auto buffer = std::move(idle_.back());
  idle_.pop_back();
  buffer->Clear();
  return Lease(shared_from_this(), std::move(buffer));
}

BodyPool::Lease& BodyPool::Lease::operator=(Lease&& other) noexcept {
  if (this == &other) return *this;
  Return();
  pool_ = std::move(other.pool_);
  buffer_ = std::move(other.buffer_);
  return *this;
}

void BodyPool::Lease::Return() noexcept {
  if (buffer_ == nullptr) return;
  const bool keep = buffer_->capacity() <= kKeptCapacity && pool_->idle_.size() < kKeptBuffers;
  if (keep) pool_->idle_.push_back(std::move(buffer_));
  buffer_.reset();
}

}  // namespace barograph::net
