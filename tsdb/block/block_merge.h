#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>

#include "base/model/labels.h"
#include "base/model/sample.h"
#include "base/result.h"
#include "tsdb/block/block.h"
#include "tsdb/block/block_writer.h"

/// Compaction: many blocks become one.
namespace barograph::tsdb {

struct BlockMergeCalls {
  /// May be empty. The labels of a series that are damaged in its block, where they are known from
  /// elsewhere.
  std::function<std::optional<Labels>(SeriesId)> find_labels = {};

  /// May be empty. Called every now and then with the samples written since the last call: the
  /// place to wait in, so that a merge does not take the disk from others.
  std::function<void(uint64_t samples)> progress = {};

  std::stop_token stop = {};
};

/// The origin of the block that `inputs` become: one level above them, with all their sources.
BlockOrigin MergedOrigin(std::span<const std::shared_ptr<const Block>> inputs, Ulid ulid,
                         TimeRange window);

/// Adds every series of `inputs` to `writer`, which the caller then finishes, without what is
/// deleted. Inputs may overlap in time: of samples with one timestamp the later input's wins.
/// Series come in the order of the inputs, merged by (metric name, labels). Samples outside
/// the writer's window are an error. Memory: what the writer holds, and some 12 bytes a series of
/// each input. Cancelled when stopped; Corruption where an input is damaged.
Status MergeBlocks(std::span<const std::shared_ptr<const Block>> inputs, BlockWriter& writer,
                   const BlockMergeCalls& calls);

}  // namespace barograph::tsdb
