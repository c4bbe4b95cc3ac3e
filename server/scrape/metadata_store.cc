#include "server/scrape/metadata_store.h"

#include <utility>

namespace barograph::server {

MetadataStore::MetadataStore(std::shared_ptr<MetadataPool> pool) : pool_(std::move(pool)) {}

MetadataStore::~MetadataStore() {
  const MutexLock lock(mutex_);
  pool_->families -= static_cast<int64_t>(families_.size());
  for (const auto& [family, place] : families_) {
    pool_->bytes -= family->bytes();
    pool_->Release(family);
  }
}

MetadataStore::Families::iterator MetadataStore::FindOrAdd(std::string_view name) {
  if (const auto found = families_.find(name); found != families_.end()) {
    Place& place = found->second;
    if (place.scrapes_gone != kOnPage) --gone_;
    place.scrapes_gone = kOnPage;
    return found;
  }
  Place place;
  if (free_ids_.empty()) {
    place.id = next_id_++;
  } else {
    place.id = free_ids_.back();
    free_ids_.pop_back();
  }
  ++pool_->families;
  FamilyDescription description;
  description.name = name;
  return families_.emplace(pool_->Take(std::move(description)), place).first;
}

template <typename T>
MetadataStore::FamilyId MetadataStore::Set(std::string_view name, T FamilyDescription::* field,
                                           T value) {
  const MutexLock lock(mutex_);
  const auto entry = FindOrAdd(name);
  const FamilyDescription* const before = entry->first;
  const FamilyId id = entry->second.id;
  if (before->*field == value) return id;
  FamilyDescription after = *before;
  after.*field = std::move(value);
  pool_->bytes += after.bytes() - before->bytes();
  auto node = families_.extract(entry);
  node.key() = pool_->Take(std::move(after));
  families_.insert(std::move(node));
  pool_->Release(before);
  return id;
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
  for (auto& [family, place] : families_) {
    if (on_page[place.id] || place.scrapes_gone != kOnPage) continue;
    place.scrapes_gone = 0;
    ++gone_;
  }
}

void MetadataStore::ScrapeDone() {
  const MutexLock lock(mutex_);
  if (gone_ == 0) return;
  for (auto entry = families_.begin(); entry != families_.end();) {
    Place& place = entry->second;
    if (place.scrapes_gone == kOnPage || ++place.scrapes_gone <= kKeptScrapes) {
      ++entry;
      continue;
    }
    free_ids_.push_back(place.id);
    --gone_;
    --pool_->families;
    pool_->bytes -= entry->first->bytes();
    const FamilyDescription* const family = entry->first;
    entry = families_.erase(entry);
    pool_->Release(family);
  }
}

void MetadataStore::List(const Labels& labels, std::vector<web::MetricMetadata>& out) const {
  const MutexLock lock(mutex_);
  for (const auto& [family, place] : families_) {
    out.push_back(
        {family->name, std::string(ToString(family->type)), family->help, family->unit, labels});
  }
}

}  // namespace barograph::server
