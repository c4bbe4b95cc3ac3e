#pragma once

#include <memory>
#include <string>

#include "tsdb/chunk/run_mapping.h"

/// Writes a run of integers, with what their mapping left over, in the way that takes the fewest
/// bits. docs/formats/chunk.md explains the bytes.
namespace barograph::tsdb {

/// Keeps its working memory between runs. One thread at a time.
class RunEncoder {
 public:
  RunEncoder();
  ~RunEncoder();
  RunEncoder(RunEncoder&&) noexcept;
  RunEncoder& operator=(RunEncoder&&) noexcept;

  /// The run to encode, to be filled by the caller. It keeps its memory; Encode spends it.
  MappedRun& run();

  /// Appends run() to `out`. An empty run is no bytes.
  void Encode(std::string& out);

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace barograph::tsdb
