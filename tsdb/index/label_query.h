#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/model/matcher.h"
#include "base/result.h"
#include "tsdb/index/postings.h"

/// SeriesIndex::LabelNames and LabelValues.
namespace barograph::tsdb::index {

Result<std::vector<std::string>> LabelNames(const PostingsReader& postings,
                                            std::span<const Partition> partitions,
                                            const Matchers& matchers, const std::stop_token& stop);

Result<std::vector<std::string>> LabelValues(const PostingsReader& postings, std::string_view name,
                                             std::span<const Partition> partitions,
                                             const Matchers& matchers, const std::stop_token& stop);

}  // namespace barograph::tsdb::index
