#include "tsdb/block/extent.h"

#include <algorithm>

#include "base/bytes/varint.h"
#include "tsdb/block/integer_list.h"

namespace barograph::tsdb {
namespace {

/// Replaces each size by the end that it leads to. False where they add up to more than
/// `limit`.
bool SumUp(std::vector<uint64_t>& sizes, uint64_t limit) {
  uint64_t end = 0;
  for (uint64_t& size : sizes) {
    if (size > limit - end) return false;
    size = end += size;
  }
  return true;
}

std::string_view Between(const char* begin, const std::vector<uint64_t>& ends, size_t index) {
  const uint64_t from = index == 0 ? 0 : ends[index - 1];
  return {begin + from, ends[index] - from};
}

}  // namespace

void ColumnExtentBuilder::Take(RunEncoder& encoder, std::string& out) {
  AppendIntegers(sizes_, encoder, out);
  out += bytes_;
  sizes_.clear();
  bytes_.clear();
  closed_ = 0;
}

bool ColumnExtent::Parse(std::string_view bytes, size_t count) {
  const char* const end = bytes.data() + bytes.size();
  begin_ = ReadIntegers(bytes.data(), end, count, ends_);
  if (begin_ == nullptr) return false;
  const auto left = static_cast<uint64_t>(end - begin_);
  return SumUp(ends_, left) && (ends_.empty() ? 0 : ends_.back()) == left;
}

std::string_view ColumnExtent::At(size_t index) const { return Between(begin_, ends_, index); }

void SampleExtentBuilder::BeginSeries(uint64_t column, bool has_histograms) {
  if (has_histograms) with_histograms_.push_back(columns_.size());
  columns_.push_back(column);
  runs_.push_back(0);
}

void SampleExtentBuilder::CloseRun() {
  ++runs_.back();
  sizes_.push_back(bytes_.size() - closed_);
  closed_ = bytes_.size();
}

void SampleExtentBuilder::Take(RunEncoder& encoder, std::string& out) {
  AppendIntegers(columns_, encoder, out);
  AppendIntegers(runs_, encoder, out);
  AppendIntegers(sizes_, encoder, out);
  AppendVarint(out, with_histograms_.size());
  AppendIntegers(with_histograms_, encoder, out);
  out += bytes_;
  for (auto* list : {&columns_, &runs_, &sizes_, &with_histograms_}) list->clear();
  bytes_.clear();
  closed_ = 0;
}

bool SampleExtent::ParseTable(const char*& in, const char* end, size_t count) {
  in = ReadIntegers(in, end, count, columns_);
  if (in == nullptr) return false;
  in = ReadIntegers(in, end, count, first_runs_);
  // A run is a byte at least.
  if (in == nullptr || !SumUp(first_runs_, static_cast<uint64_t>(end - in))) return false;
  first_runs_.insert(first_runs_.begin(), 0);
  in = ReadIntegers(in, end, first_runs_.back(), ends_);
  uint64_t histograms = 0;
  if (in != nullptr) in = GetVarint(in, end, histograms);
  if (in == nullptr || histograms > count) return false;
  in = ReadIntegers(in, end, histograms, with_histograms_);
  return in != nullptr;
}

bool SampleExtent::Parse(std::string_view bytes, size_t count) {
  const char* in = bytes.data();
  const char* const end = in + bytes.size();
  if (!ParseTable(in, end, count)) return false;
  begin_ = in;
  const auto left = static_cast<uint64_t>(end - in);
  return SumUp(ends_, left) && (ends_.empty() ? 0 : ends_.back()) == left;
}

std::string_view SampleExtent::Run(size_t index, size_t run) const {
  return Between(begin_, ends_, first_runs_[index] + run);
}

bool SampleExtent::HasHistograms(size_t index) const {
  return std::ranges::binary_search(with_histograms_, index);
}

}  // namespace barograph::tsdb
