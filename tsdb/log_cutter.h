#pragma once

#include "base/result.h"
#include "tsdb/engine_parts.h"

namespace barograph::tsdb {

/// Keeps the write-ahead log short: makes sure that what its old segments hold is in the head's
/// files and in the index, and removes them. One thread at a time; appends go on meanwhile.
class LogCutter {
 public:
  explicit LogCutter(const EngineParts& parts) : parts_(parts) {}

  /// Asks tables that hold old segments back to seal; those segments go next time.
  Status Cut();

 private:
  const EngineParts parts_;
};

}  // namespace barograph::tsdb
