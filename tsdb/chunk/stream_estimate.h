#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tsdb/chunk/run_format.h"

/// What the ways to write some residuals would cost, within a few percent and without sorting: to
/// tell which are worth working out.
namespace barograph::tsdb {

struct StreamEstimate {
  size_t nonzero = 0;  ///< residuals that are not 0
  size_t packed_bits = 0;
  size_t bitmap_bits = 0;
  size_t sparse_bits = 0;

  size_t best() const;
};

StreamEstimate EstimateStream(std::span<const uint64_t> residuals);

}  // namespace barograph::tsdb
