#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/storage/queryable.h"

/// A storage whose reads cost nothing: whole columns in memory, one timestamp column a target. What
/// is measured over it is the engine alone.
namespace barograph::bench {

class ColumnarStorage final : public Queryable {
 public:
  static constexpr int64_t kStepMs = 15'000;

  /// `instances` targets of 100 series like those of an application beside a node exporter, with
  /// `samples` scrapes each from time 0 on.
  ColumnarStorage(size_t instances, size_t samples);

  size_t size() const { return series_.size(); }
  Timestamp last() const { return timestamps_.front().back(); }

  Result<std::unique_ptr<Selection>> Select(TimeRange range, const Matchers& matchers,
                                            const SelectHints& hints,
                                            std::stop_token stop) const override;
  Result<std::vector<std::string>> LabelNames(const LabelQuery&, std::stop_token) const override {
    return std::vector<std::string>();
  }
  Result<std::vector<std::string>> LabelValues(const std::string&, const LabelQuery&,
                                               std::stop_token) const override {
    return std::vector<std::string>();
  }
  Result<std::vector<Labels>> Series(const LabelQuery&, std::stop_token) const override {
    return std::vector<Labels>();
  }

 private:
  class Found;
  struct Stored {
    Labels labels;
    size_t target;
    std::vector<double> values;
  };
  class Target;
  size_t series_per_target() const { return series_.size() / timestamps_.size(); }

  std::vector<std::vector<Timestamp>> timestamps_;  // by target
  std::vector<Stored> series_;
  mutable std::map<std::string, std::vector<uint32_t>>
      found_;  // by matchers: an index is free, too
};

}  // namespace barograph::bench
