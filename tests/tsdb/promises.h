#pragma once

#include <bit>
#include <cstdint>
#include <map>
#include <string>

#include "tests/tsdb/storage_harness.h"

namespace barograph::test {

/// What a storage has promised of each sample, whatever went wrong meanwhile: one that was
/// acknowledged is there, one that was refused is there or not, one whose deletion was acknowledged
/// is not. No sample is told twice.
class Promises {
 public:
  void Append(const Labels& labels, int64_t ms, double value, bool acknowledged) {
    samples_[labels.ToString()][ms] = {std::bit_cast<uint64_t>(value), acknowledged};
  }

  void Delete(const Labels& labels, TimeRange range, bool acknowledged) {
    for (auto& [ms, sample] : samples_[labels.ToString()]) {
      if (!range.Contains(FromMs(ms))) continue;
      sample.gone = acknowledged || sample.gone;
      sample.sure = false;
    }
  }

  /// The first promise that `got` breaks, in words; empty where it keeps all.
  std::string Broken(const Contents& got) const {
    for (const auto& [series, samples] : samples_) {
      for (const auto& [ms, sample] : samples) {
        const std::string name = series + " @" + std::to_string(ms);
        const uint64_t* found = Find(got, series, ms);
        if (found == nullptr && sample.sure) return "lost: " + name;
        if (found != nullptr && sample.gone) return "back after its deletion: " + name;
        if (found != nullptr && *found != sample.bits) return "another value: " + name;
      }
    }
    for (const auto& [series, samples] : got) {
      for (const auto& [ms, bits] : samples) {
        const auto known = samples_.find(series);
        if (known == samples_.end() || !known->second.contains(ms)) {
          return "never appended: " + series + " @" + std::to_string(ms);
        }
      }
    }
    return "";
  }

  /// How many samples must be there.
  size_t sure() const {
    size_t count = 0;
    for (const auto& [series, samples] : samples_) {
      for (const auto& [ms, sample] : samples) count += sample.sure;
    }
    return count;
  }

 private:
  struct Promised {
    uint64_t bits;
    bool sure;
    bool gone = false;
  };

  static const uint64_t* Find(const Contents& got, const std::string& series, int64_t ms) {
    const auto samples = got.find(series);
    if (samples == got.end()) return nullptr;
    const auto sample = samples->second.find(ms);
    return sample == samples->second.end() ? nullptr : &sample->second;
  }

  std::map<std::string, std::map<int64_t, Promised>> samples_;
};

}  // namespace barograph::test
