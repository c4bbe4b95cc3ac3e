#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/model/labels.h"
#include "base/mutex.h"
#include "server/scrape/exposition.h"
#include "server/scrape/metadata_pool.h"
#include "web/server_state.h"

/// TYPE, HELP and UNIT of the metric families that a target exposes, for the API. A family is
/// forgotten some scrapes after it vanished from the page.
namespace barograph::server {

/// Thread-safe.
class MetadataStore {
 public:
  explicit MetadataStore(std::shared_ptr<MetadataPool> pool);
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
    const FamilyDescription* description;  // the pool's
    FamilyId id;
    int scrapes_gone = kOnPage;
  };

  Family& FindOrAdd(std::string_view name) REQUIRES(mutex_);
  template <typename T>
  FamilyId Set(std::string_view name, T FamilyDescription::* field, T value);

  const std::shared_ptr<MetadataPool> pool_;

  mutable Mutex mutex_;
  std::vector<Family> families_ GUARDED_BY(mutex_);  // by name
  FamilyId next_id_ GUARDED_BY(mutex_) = 0;
  std::vector<FamilyId> free_ids_ GUARDED_BY(mutex_);
  size_t gone_ GUARDED_BY(mutex_) = 0;
};

}  // namespace barograph::server
