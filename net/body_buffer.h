#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

/// Memory for message bodies that is neither zeroed nor given back after each message: a scrape
/// takes a buffer from its I/O thread's pool, and returns it when the page is parsed. So the
/// memory that bodies need grows with the scrapes under way and not with the targets.
namespace barograph::net {

/// Bytes that grow at their end, without initialising them. Not thread-safe.
class BodyBuffer {
 public:
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  char* data() { return data_.get(); }
  std::string_view view() const { return {data_.get(), size_}; }

  /// Makes room for `capacity` bytes in all; keeps the contents.
  void Reserve(size_t capacity);
  void Append(const void* bytes, size_t count);
  /// Room for at least `wanted` bytes after the end, all of it; Commit says how many were written.
  std::span<char> Prepare(size_t wanted);
  void Commit(size_t written) { size_ += written; }
  void Clear() { size_ = 0; }
  /// Takes the first `count` bytes away.
  void Consume(size_t count);

 private:
  struct Free {
    void operator()(char* memory) const { std::free(memory); }
  };
  std::unique_ptr<char, Free> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

/// Buffers that wait for use, for one thread.
class BodyPool : public std::enable_shared_from_this<BodyPool> {
 public:
  /// Gives its buffer back to the pool at its end. Keeps the pool alive. Must end on the pool's
  /// thread.
  class Lease {
   public:
    Lease() = default;
    Lease(std::shared_ptr<BodyPool> pool, std::unique_ptr<BodyBuffer> buffer)
        : pool_(std::move(pool)), buffer_(std::move(buffer)) {}
    Lease(Lease&&) = default;
    Lease& operator=(Lease&& other) noexcept;
    ~Lease() { Return(); }

    BodyBuffer& operator*() const { return *buffer_; }
    BodyBuffer* operator->() const { return buffer_.get(); }

   private:
    void Return() noexcept;
    std::shared_ptr<BodyPool> pool_;
    std::unique_ptr<BodyBuffer> buffer_;
  };

  /// An empty buffer.
  Lease Take();

 private:
  static constexpr size_t kKeptBuffers = 8;
  static constexpr size_t kKeptCapacity = 16 << 20;  // a larger buffer is freed when it returns
  std::vector<std::unique_ptr<BodyBuffer>> idle_;
};

}  // namespace barograph::net
