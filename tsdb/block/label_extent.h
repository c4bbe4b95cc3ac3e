#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/model/labels.h"
#include "tsdb/block/text_list.h"

/// The two kinds of extents that hold the labels of a block's series, taken apart. A series is its
/// metric, and the number of the *set* of all its other labels (tsdb/block/label_builder.h).
/// docs/formats/block.md explains the bytes.
namespace barograph::tsdb {

class SeriesLabelsExtent {
 public:
  /// False where the bytes are malformed.
  bool Parse(std::string_view bytes, size_t count);

  // Precondition of both: index < the count it was parsed for.
  std::string_view metric(size_t index) const;
  uint64_t set(size_t index) const { return sets_[index]; }

 private:
  TextList metrics_;
  std::vector<uint64_t> ends_;  // by metric: the series after its last
  std::vector<uint64_t> sets_;
};

class LabelSetExtent {
 public:
  /// False where the bytes are malformed.
  bool Parse(std::string_view bytes, size_t count);

  /// Precondition: index < the count it was parsed for.
  std::string_view At(size_t index) const { return sets_.At(index); }

 private:
  TextList sets_;
};

/// Replaces `set` by the packed labels without the metric's name.
void TakeSet(const Labels& labels, std::string& set);

/// Puts the metric's name, unless it is empty, among the labels of a set. nullopt where the set is
/// not well-formed, or has a name itself.
std::optional<Labels> JoinLabels(std::string_view metric, std::string_view set);

}  // namespace barograph::tsdb
