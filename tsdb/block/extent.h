#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tsdb/chunk/run_encoder.h"

/// The inside of the two kinds of extents, before compression: some columns of timestamps, or the
/// runs of some series with a table in front. docs/formats/block.md explains them.
namespace barograph::tsdb {

/// Collects the columns of an extent.
class ColumnExtentBuilder {
 public:
  /// Takes the column that was appended to bytes() since the last call.
  void Close() {
    sizes_.push_back(bytes_.size() - closed_);
    closed_ = bytes_.size();
  }
  std::string& bytes() { return bytes_; }
  size_t count() const { return sizes_.size(); }

  /// Appends the extent to `out`, and starts another.
  void Take(RunEncoder& encoder, std::string& out);

 private:
  std::vector<uint64_t> sizes_;
  std::string bytes_;
  size_t closed_ = 0;
};

class ColumnExtent {
 public:
  /// False where the bytes are malformed.
  bool Parse(std::string_view bytes, size_t count);

  /// The bytes of a column. Precondition: index < the count it was parsed for.
  std::string_view At(size_t index) const;

 private:
  std::vector<uint64_t> ends_;
  const char* begin_ = nullptr;
};

/// Collects the series of an extent.
class SampleExtentBuilder {
 public:
  void BeginSeries(uint64_t column, bool has_histograms);

  /// Takes the run that was appended to bytes() since the last call.
  void CloseRun();

  std::string& bytes() { return bytes_; }
  const std::string& bytes() const { return bytes_; }
  size_t series() const { return columns_.size(); }

  /// Appends the extent to `out`, and starts another.
  void Take(RunEncoder& encoder, std::string& out);

 private:
  std::vector<uint64_t> columns_, runs_, sizes_;
  std::vector<uint64_t> with_histograms_;  // indices of series
  std::string bytes_;
  size_t closed_ = 0;
};

class SampleExtent {
 public:
  /// False where the bytes are malformed.
  bool Parse(std::string_view bytes, size_t count);

  // Preconditions: index < the count it was parsed for, run < runs(index).
  uint64_t column(size_t index) const { return columns_[index]; }
  size_t runs(size_t index) const { return first_runs_[index + 1] - first_runs_[index]; }
  std::string_view Run(size_t index, size_t run) const;
  bool HasHistograms(size_t index) const;

 private:
  bool ParseTable(const char*& in, const char* end, size_t count);

  std::vector<uint64_t> columns_;
  std::vector<uint64_t> first_runs_;  // of each series, and the number of all
  std::vector<uint64_t> ends_;        // of each run's bytes
  std::vector<uint64_t> with_histograms_;
  const char* begin_ = nullptr;
};

}  // namespace barograph::tsdb
