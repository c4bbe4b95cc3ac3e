#include "tsdb/block/text_list.h"

#include <algorithm>
#include <iterator>

#include "tsdb/block/integer_list.h"

namespace barograph::tsdb {

void TextListBuilder::Add(std::string_view text) {
  const auto differ = std::ranges::mismatch(text, last_);
  const auto shared = static_cast<size_t>(std::distance(text.begin(), differ.in1));
  shared_.push_back(shared);
  sizes_.push_back(text.size() - shared);
  bytes_ += text.substr(shared);
  last_ = text;
  text_bytes_ += text.size();
}

void TextListBuilder::Take(RunEncoder& encoder, std::string& out) {
  AppendIntegers(shared_, encoder, out);
  AppendIntegers(sizes_, encoder, out);
  out += bytes_;
  shared_.clear();
  sizes_.clear();
  bytes_.clear();
  last_.clear();
  text_bytes_ = 0;
}

const char* TextList::Parse(const char* in, const char* end, size_t count, size_t max_text_bytes) {
  ends_.clear();
  text_.clear();
  in = ReadIntegers(in, end, count, shared_);
  if (in != nullptr) in = ReadIntegers(in, end, count, sizes_);
  if (in == nullptr) return nullptr;
  uint64_t bytes = 0;
  for (const uint64_t size : sizes_) {
    if (size > static_cast<uint64_t>(end - in) - bytes) return nullptr;
    bytes += size;
  }
  return Expand(in, max_text_bytes) ? in + bytes : nullptr;
}

bool TextList::Expand(const char* in, size_t max_text_bytes) {
  size_t begin = 0;  // of the text before
  for (size_t i = 0; i < sizes_.size(); ++i) {
    const size_t end = text_.size();
    if (shared_[i] > end - begin) return false;
    if (shared_[i] + sizes_[i] > max_text_bytes - end) return false;
    text_.resize(end + shared_[i]);
    std::copy_n(text_.begin() + static_cast<std::ptrdiff_t>(begin), shared_[i],
                text_.begin() + static_cast<std::ptrdiff_t>(end));
    text_.append(in, sizes_[i]);
    in += sizes_[i];
    begin = end;
    ends_.push_back(text_.size());
  }
  return true;
}

std::string_view TextList::At(size_t index) const {
  const size_t begin = index == 0 ? 0 : ends_[index - 1];
  return std::string_view(text_).substr(begin, ends_[index] - begin);
}

}  // namespace barograph::tsdb
