#include "tsdb/chunk/histogram_numbers.h"

#include <algorithm>
#include <cmath>

#include "base/bytes/varint.h"
#include "base/model/sample.h"

namespace barograph::tsdb {
namespace {

enum class Order : uint8_t {
  kColumns = 0,   ///< a run a column
  kByColumn = 1,  ///< one run, column after column
  kChanges = 2,   ///< the first row, then the changes from row to row, column after column
};

// Whole numbers up to here are exact, and so are the differences between two of them.
constexpr double kExact = 4503599627370496;  // 2^52

bool IsExactInteger(double number) {
  return std::fabs(number) <= kExact && SameBits(number, std::trunc(number)) &&
         !SameBits(number, -0.0);
}

bool TakeRun(std::string_view& in, std::span<double> out) {
  uint64_t size;
  const char* next = GetVarint(in.data(), in.data() + in.size(), size);
  if (next == nullptr) return false;
  in.remove_prefix(static_cast<size_t>(next - in.data()));
  if (size > in.size() || !DecodeValues(in.substr(0, size), out)) return false;
  in.remove_prefix(size);
  return true;
}

bool DecodeColumns(std::string_view in, NumberMatrix& matrix) {
  for (size_t c = 0; c < matrix.columns; ++c) {
    if (!TakeRun(in, matrix.Column(c))) return false;
  }
  return in.empty();
}

bool DecodeChanges(std::string_view in, NumberMatrix& matrix) {
  std::vector<double> first(matrix.columns);
  std::vector<double> changes(matrix.numbers.size() - matrix.columns);
  if (!TakeRun(in, first) || !DecodeValues(in, changes)) return false;
  const double* change = changes.data();
  for (size_t c = 0; c < matrix.columns; ++c) {
    const std::span<double> column = matrix.Column(c);
    column[0] = first[c];
    for (size_t r = 1; r < matrix.rows; ++r) column[r] = column[r - 1] + *change++;
  }
  return true;
}

}  // namespace

void NumberEncoder::Encode(const NumberMatrix& matrix, std::string& out) {
  std::string best;
  const bool fits_one_run = matrix.numbers.size() <= kMaxRunValues;
  if (fits_one_run) {
    encoder_.Encode(matrix.numbers, candidate_);
    Offer(static_cast<char>(Order::kByColumn), best);
    if (EncodeChanges(matrix)) Offer(static_cast<char>(Order::kChanges), best);
  }
  if (!fits_one_run || matrix.rows > 1) {
    EncodeColumns(matrix);
    Offer(static_cast<char>(Order::kColumns), best);
  }
  out += best;
}

void NumberEncoder::EncodeColumns(const NumberMatrix& matrix) {
  for (size_t c = 0; c < matrix.columns; ++c) {
    run_.clear();
    encoder_.Encode(matrix.Column(c), run_);
    AppendVarint(candidate_, run_.size());
    candidate_ += run_;
  }
}

bool NumberEncoder::EncodeChanges(const NumberMatrix& matrix) {
  if (matrix.rows < 2 || !std::ranges::all_of(matrix.numbers, IsExactInteger)) return false;
  std::vector<double> first(matrix.columns);
  changes_.clear();
  for (size_t c = 0; c < matrix.columns; ++c) {
    const std::span<const double> column = matrix.Column(c);
    first[c] = column[0];
    for (size_t r = 1; r < matrix.rows; ++r) changes_.push_back(column[r] - column[r - 1]);
  }
  run_.clear();
  encoder_.Encode(first, run_);
  AppendVarint(candidate_, run_.size());
  candidate_ += run_;
  encoder_.Encode(changes_, candidate_);
  return true;
}

void NumberEncoder::Offer(char order, std::string& best) {
  if (best.empty() || candidate_.size() + 1 < best.size()) {
    best.assign(1, order);
    best += candidate_;
  }
  candidate_.clear();
}

bool DecodeNumbers(std::string_view bytes, NumberMatrix& matrix) {
  if (bytes.empty()) return false;
  const auto order = static_cast<Order>(bytes[0]);
  bytes.remove_prefix(1);
  if (order == Order::kColumns) return DecodeColumns(bytes, matrix);
  if (matrix.numbers.size() > kMaxRunValues) return false;
  switch (order) {
    case Order::kByColumn: return DecodeValues(bytes, matrix.numbers).has_value();
    case Order::kChanges: return DecodeChanges(bytes, matrix);
    default: return false;
  }
}

}  // namespace barograph::tsdb
