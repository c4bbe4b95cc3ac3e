#pragma once

#include <cstdint>

#include "base/time.h"

namespace barograph::tsdb {

/// The part of the head that a query looks at: what is before it is in blocks.
struct HeadBounds {
  Timestamp tables_from = kMinTimestamp;  ///< rows before this are not seen
  uint64_t lone_from = 0;                 ///< generations before this are not seen
};

}  // namespace barograph::tsdb
