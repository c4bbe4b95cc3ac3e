#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tsdb/chunk/run_encoder.h"

/// Texts of which each begins much as the one before: what they share is stored once. The reader
/// has them whole again. docs/formats/block.md explains the bytes ("texts").
namespace barograph::tsdb {

/// Collects texts. One thread at a time.
class TextListBuilder {
 public:
  void Add(std::string_view text);

  size_t count() const { return sizes_.size(); }

  /// What the texts take when they are whole again.
  size_t text_bytes() const { return text_bytes_; }

  /// Appends the list to `out`, and starts another. `encoder` is working memory.
  void Take(RunEncoder& encoder, std::string& out);

 private:
  std::vector<uint64_t> shared_, sizes_;
  std::string bytes_;  // what is not shared
  std::string last_;
  size_t text_bytes_ = 0;
};

class TextList {
 public:
  /// Takes the `count` texts that stand at [in, end). Returns the byte after them, or nullptr where
  /// they are malformed, or whole would take more than `max_text_bytes`. The caller has seen to it
  /// that there is memory for `count`.
  const char* Parse(const char* in, const char* end, size_t count, size_t max_text_bytes);

  size_t size() const { return ends_.size(); }

  /// Precondition: index < size(). The view lives until the next Parse.
  std::string_view At(size_t index) const;

 private:
  bool Expand(const char* in, size_t max_text_bytes);

  std::vector<uint64_t> shared_, sizes_, ends_;
  std::string text_;
};

}  // namespace barograph::tsdb
