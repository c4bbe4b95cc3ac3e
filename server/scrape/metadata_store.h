#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/model/labels.h"
#include "base/mutex.h"
#include "server/scrape/exposition.h"
#include "web/server_state.h"

/// TYPE, HELP and UNIT of the metric families that a target exposes, for the API. A family is
/// forgotten some scrapes after it vanished from the page.
namespace barograph::server {

/// The sums over all stores of a pool, for its metrics.
struct MetadataTotals {
  std::atomic<int64_t> families = 0;
  std::atomic<int64_t> bytes = 0;
};

/// Thread-safe.
class MetadataStore {
 public:
  explicit MetadataStore(std::shared_ptr<MetadataTotals> totals);
  ~MetadataStore();
  MetadataStore(const MetadataStore&) = delete;
  MetadataStore& operator=(const MetadataStore&) = delete;

  /// Names a family as long as a page tells of it.
  using FamilyId = uint32_t;

  FamilyId SetType(std::string_view family, MetricType type);
  FamilyId SetHelp(std::string_view family, std::string help);
  FamilyId SetUnit(std::string_view family, std::string unit);

  /// Tells which families the page that was just read has; only needed when its comments changed.
  void Keep(const std::vector<FamilyId>& families);

  /// Counts one successful scrape: families that vanished ten scrapes ago are forgotten.
  void ScrapeDone();

  /// Adds all families to `out`, as those of the target with `labels`.
  void List(const Labels& labels, std::vector<web::MetricMetadata>& out) const;

 private:
  static constexpr int kKeptScrapes = 10;
  static constexpr int kOnPage = -1;

  struct Family {
    int64_t bytes() const { return static_cast<int64_t>(help.size() + unit.size()); }

    FamilyId id = 0;
    MetricType type = MetricType::kUnknown;
    std::string help;
    std::string unit;
    int scrapes_gone = kOnPage;
  };
  using Families = std::map<std::string, Family, std::less<>>;

  Family& FindOrAdd(std::string_view family) REQUIRES(mutex_);
  FamilyId SetText(std::string_view family, std::string Family::* text, std::string value);

  const std::shared_ptr<MetadataTotals> totals_;

  mutable Mutex mutex_;
  Families families_ GUARDED_BY(mutex_);
  FamilyId next_id_ GUARDED_BY(mutex_) = 0;
  std::vector<FamilyId> free_ids_ GUARDED_BY(mutex_);
  size_t gone_ GUARDED_BY(mutex_) = 0;
};

}  // namespace barograph::server
