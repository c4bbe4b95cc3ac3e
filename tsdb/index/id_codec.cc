#include "tsdb/index/id_codec.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "base/bytes/varint.h"

namespace barograph::tsdb::index {
namespace {

enum class Form : char { kRuns, kBits };

constexpr uint64_t kIdLimit = uint64_t{1} << 32;
constexpr uint64_t kWordBits = 64;
// Shorter runs are added to a set one by one, which costs less than a range.
constexpr uint64_t kShortRun = 32;

// Collects ids, and adds many to the set at once.
class Adder {
 public:
  explicit Adder(Roaring& set) : set_(set) {}
  ~Adder() { Flush(); }
  Adder(const Adder&) = delete;
  Adder& operator=(const Adder&) = delete;

  void Add(uint64_t id) {
    if (count_ == ids_.size()) Flush();
    ids_[count_++] = static_cast<uint32_t>(id);
  }
  void AddRun(uint64_t first, uint64_t size) {
    if (size < kShortRun) {
      for (uint64_t i = 0; i < size; ++i) Add(first + i);
    } else {
      set_.addRange(first, first + size);
    }
  }

 private:
  void Flush() {
    if (count_ > 0) set_.addMany(count_, ids_.data());
    count_ = 0;
  }

  Roaring& set_;
  size_t count_ = 0;
  std::array<uint32_t, 512> ids_;
};

// Calls visit(first, size) for each run; false when the bytes are no runs.
template <typename F>
bool ForEachRun(std::string_view bytes, F&& visit) {
  const char* in = bytes.data();
  const char* end = in + bytes.size();
  uint64_t next = 0;
  while (in != end) {
    uint64_t head, size = 1;
    in = GetVarint(in, end, head);
    if (in == nullptr || head >> 1 >= kIdLimit) return false;
    if ((head & 1) != 0) {
      in = GetVarint(in, end, size);
      if (in == nullptr || size >= kIdLimit) return false;
      size += 2;
    }
    const uint64_t first = next + (head >> 1);
    if (first + size > kIdLimit) return false;
    visit(first, size);
    next = first + size + 1;
  }
  return true;
}

std::string BitsOf(std::string_view runs, uint64_t first_word, uint64_t words) {
  std::vector<uint64_t> bits(words);
  ForEachRun(runs, [&](uint64_t first, uint64_t size) {
    for (uint64_t id = first; id < first + size; ++id) {
      bits[id / kWordBits - first_word] |= uint64_t{1} << (id % kWordBits);
    }
  });
  std::string out(1, static_cast<char>(Form::kBits));
  AppendVarint(out, first_word);
  const size_t start = out.size();
  out.resize(start + words * sizeof(uint64_t));
  static_assert(std::endian::native == std::endian::little);
  std::memcpy(out.data() + start, bits.data(), words * sizeof(uint64_t));
  return out;
}

bool DecodeBits(std::string_view bytes, Roaring& set) {
  uint64_t first_word;
  const char* end = bytes.data() + bytes.size();
  const char* in = GetVarint(bytes.data(), end, first_word);
  if (in == nullptr) return false;
  const auto size = static_cast<uint64_t>(end - in);
  if (size % sizeof(uint64_t) != 0) return false;
  const uint64_t words = size / sizeof(uint64_t);
  if (first_word > kIdLimit / kWordBits || words > kIdLimit / kWordBits - first_word) return false;
  Adder adder(set);
  for (uint64_t w = 0; w < words; ++w) {
    uint64_t word;
    std::memcpy(&word, in + w * sizeof(word), sizeof(word));
    for (; word != 0; word &= word - 1) {
      adder.Add((first_word + w) * kWordBits + static_cast<uint64_t>(std::countr_zero(word)));
    }
  }
  return true;
}

}  // namespace

void IdEncoder::EndRun() {
  if (runs_.empty()) runs_ += static_cast<char>(Form::kRuns);
  const uint64_t size = uint64_t{last_} - first_ + 1;
  AppendVarint(runs_, (first_ - next_) << 1 | (size > 1 ? 1 : 0));
  if (size > 1) AppendVarint(runs_, size - 2);
  next_ = uint64_t{last_} + 2;
}

std::string IdEncoder::Finish() {
  if (empty_) return std::string(1, static_cast<char>(Form::kRuns));
  EndRun();
  std::string bytes = std::exchange(runs_, {});
  uint64_t lowest = kIdLimit;
  const std::string_view runs = std::string_view(bytes).substr(1);
  GetVarint(runs.data(), runs.data() + runs.size(), lowest);
  const uint64_t first_word = (lowest >> 1) / kWordBits;
  const uint64_t words = last_ / kWordBits - first_word + 1;
  if (words * sizeof(uint64_t) < runs.size()) bytes = BitsOf(runs, first_word, words);
  *this = {};
  return bytes;
}

std::string EncodeIds(const Roaring& ids) {
  IdEncoder encoder;
  std::array<uint32_t, 512> buffer;
  roaring_uint32_iterator_t at;
  roaring_init_iterator(&ids.roaring, &at);
  while (const uint32_t count = roaring_read_uint32_iterator(&at, buffer.data(), buffer.size())) {
    for (uint32_t i = 0; i < count; ++i) encoder.Add(buffer[i]);
  }
  return encoder.Finish();
}

bool DecodeIds(std::string_view bytes, Roaring& set) {
  if (bytes.empty()) return false;
  const std::string_view rest = bytes.substr(1);
  switch (static_cast<Form>(bytes[0])) {
    case Form::kRuns: {
      Adder adder(set);
      return ForEachRun(rest, [&](uint64_t first, uint64_t size) { adder.AddRun(first, size); });
    }
    case Form::kBits: return DecodeBits(rest, set);
  }
  return false;
}

}  // namespace barograph::tsdb::index
