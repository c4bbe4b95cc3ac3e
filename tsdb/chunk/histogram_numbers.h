#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tsdb/chunk/value_codec.h"

namespace barograph::tsdb {

/// The numbers of histograms of one group: a row a histogram, a column a bucket. Column by column
/// in memory.
struct NumberMatrix {
  size_t rows = 0;
  size_t columns = 0;
  std::vector<double> numbers;

  void Resize(size_t new_rows, size_t new_columns) {
    rows = new_rows;
    columns = new_columns;
    numbers.resize(rows * columns);
  }
  std::span<double> Column(size_t column) {
    return std::span(numbers).subspan(column * rows, rows);
  }
  std::span<const double> Column(size_t column) const {
    return std::span(numbers).subspan(column * rows, rows);
  }
};

/// Writes matrices in whichever of several orders takes the fewest bytes.
class NumberEncoder {
 public:
  void Encode(const NumberMatrix& matrix, std::string& out);

 private:
  void EncodeColumns(const NumberMatrix& matrix);
  bool EncodeChanges(const NumberMatrix& matrix);
  void Offer(char order, std::string& best);

  ValueEncoder encoder_;
  std::string candidate_;
  std::string run_;
  std::vector<double> changes_;
};

/// Fills `matrix`, whose size is known, with what Encode appended. False on anything else.
bool DecodeNumbers(std::string_view bytes, NumberMatrix& matrix);

}  // namespace barograph::tsdb
