#include "server/scrape/metadata_store.h"

#include <algorithm>
#include <utility>

#include "base/containers.h"

namespace barograph::server {

MetadataStore::MetadataStore(std::shared_ptr<MetadataPool> pool) : pool_(std::move(pool)) {}

MetadataStore::~MetadataStore() {
  const MutexLock lock(mutex_);
  pool_->families -= static_cast<int64_t>(families_.size());
  for (const Family& family : families_) {
    pool_->bytes -= family.description->bytes();
    pool_->Release(family.description);
  }
}

MetadataStore::Family& MetadataStore::FindOrAdd(std::string_view name) {
  const auto name_of = [](const Family& family) -> std::string_view {
    return family.description->name;
  };
  const auto at = std::ranges::lower_bound(families_, name, {}, name_of) - families_.begin();
  if (const auto found = families_.begin() + at;
      found != families_.end() && name_of(*found) == name) {
    if (found->scrapes_gone != kOnPage) --gone_;
    found->scrapes_gone = kOnPage;
    return *found;
  }
  FamilyId id;
  if (free_ids_.empty()) {
    id = next_id_++;
  } else {
    id = free_ids_.back();
    free_ids_.pop_back();
  }
  ++pool_->families;
  FamilyDescription description;
  description.name = name;
  GrowTight(families_, families_.size() + 1);
  return *families_.insert(families_.begin() + at, {pool_->Take(std::move(description)), id});
}

template <typename T>
MetadataStore::FamilyId MetadataStore::Set(std::string_view name, T FamilyDescription::* field,
                                           T value) {
  const MutexLock lock(mutex_);
  Family& family = FindOrAdd(name);
  const FamilyDescription* const before = family.description;
  if (before->*field == value) return family.id;
  FamilyDescription after = *before;
  after.*field = std::move(value);
  pool_->bytes += after.bytes() - before->bytes();
  family.description = pool_->Take(std::move(after));
  pool_->Release(before);
  return family.id;
}

MetadataStore::FamilyId MetadataStore::SetType(std::string_view family, MetricType type) {
  return Set(family, &FamilyDescription::type, type);
}

MetadataStore::FamilyId MetadataStore::SetHelp(std::string_view family, std::string help) {
  return Set(family, &FamilyDescription::help, std::move(help));
}

MetadataStore::FamilyId MetadataStore::SetUnit(std::string_view family, std::string unit) {
  return Set(family, &FamilyDescription::unit, std::move(unit));
}

void MetadataStore::Keep(const std::vector<FamilyId>& families) {
  const MutexLock lock(mutex_);
  std::vector<bool> on_page(next_id_);
  for (const FamilyId id : families) on_page[id] = true;
  for (Family& family : families_) {
    if (on_page[family.id] || family.scrapes_gone != kOnPage) continue;
    family.scrapes_gone = 0;
    ++gone_;
  }
}

void MetadataStore::ScrapeDone() {
  const MutexLock lock(mutex_);
  if (gone_ == 0) return;
  std::erase_if(families_, [this](Family& family) REQUIRES(mutex_) {
    if (family.scrapes_gone == kOnPage || ++family.scrapes_gone <= kKeptScrapes) return false;
    free_ids_.push_back(family.id);
    --gone_;
    --pool_->families;
    pool_->bytes -= family.description->bytes();
    pool_->Release(family.description);
    return true;
  });
}

void MetadataStore::List(const Labels& labels, std::vector<web::MetricMetadata>& out) const {
  const MutexLock lock(mutex_);
  for (const Family& family : families_) {
    const FamilyDescription& description = *family.description;
    out.push_back({description.name, std::string(ToString(description.type)), description.help,
                   description.unit, labels});
  }
}

}  // namespace barograph::server
