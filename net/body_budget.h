#pragma once

#include <atomic>
#include <cstdint>

namespace barograph::net {

/// The bytes of request bodies that all connections of a server may hold together. Thread-safe.
class BodyBudget {
 public:
  explicit BodyBudget(uint64_t max_bytes) : max_bytes_(max_bytes) {}

  uint64_t used_bytes() const { return used_; }
  /// How many requests there was no room for.
  uint64_t refused() const { return refused_; }

  /// What one request holds; given back at its end. Not thread-safe.
  class Share {
   public:
    /// The first bytes of every body are free, so that small requests are always served.
    static constexpr uint64_t kFreeBytes = 64 << 10;

    explicit Share(BodyBudget& budget) : budget_(budget) {}
    ~Share() { budget_.used_ -= held_; }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    /// Holds `bytes` in all; false where there is no room, and what was held stays.
    bool GrowTo(uint64_t bytes) {
      const uint64_t wanted = bytes <= kFreeBytes ? 0 : bytes;
      if (wanted <= held_) return true;
      const uint64_t more = wanted - held_;
      if (budget_.used_.fetch_add(more) + more > budget_.max_bytes_) {
        budget_.used_ -= more;
        ++budget_.refused_;
        return false;
      }
      held_ = wanted;
      return true;
    }

   private:
    BodyBudget& budget_;
    uint64_t held_ = 0;
  };

 private:
  const uint64_t max_bytes_;
  std::atomic<uint64_t> used_ = 0;
  std::atomic<uint64_t> refused_ = 0;
};

}  // namespace barograph::net
