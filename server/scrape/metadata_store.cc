#include "server/scrape/metadata_store.h"

#include <utility>

namespace barograph::server {

MetadataStore::MetadataStore(std::shared_ptr<MetadataTotals> totals) : totals_(std::move(totals)) {}

MetadataStore::~MetadataStore() {
  const MutexLock lock(mutex_);
  totals_->families -= static_cast<int64_t>(families_.size());
  for (const auto& [name, family] : families_) totals_->bytes -= family.bytes();
}

MetadataStore::Family& MetadataStore::FindOrAdd(std::string_view name) {
  if (const auto found = families_.find(name); found != families_.end()) {
    Family& family = found->second;
    if (family.scrapes_gone != kOnPage) --gone_;
    family.scrapes_gone = kOnPage;
    return family;
  }
  Family& family = families_.emplace(name, Family()).first->second;
  ++totals_->families;
  if (free_ids_.empty()) {
    family.id = next_id_++;
  } else {
    family.id = free_ids_.back();
    free_ids_.pop_back();
  }
  return family;
}

MetadataStore::FamilyId MetadataStore::SetType(std::string_view family, MetricType type) {
  const MutexLock lock(mutex_);
  Family& entry = FindOrAdd(family);
  entry.type = type;
  return entry.id;
}

MetadataStore::FamilyId MetadataStore::SetText(std::string_view family, std::string Family::* text,
                                               std::string value) {
  const MutexLock lock(mutex_);
  Family& entry = FindOrAdd(family);
  totals_->bytes -= entry.bytes();
  entry.*text = std::move(value);
  totals_->bytes += entry.bytes();
  return entry.id;
}

MetadataStore::FamilyId MetadataStore::SetHelp(std::string_view family, std::string help) {
  return SetText(family, &Family::help, std::move(help));
}

MetadataStore::FamilyId MetadataStore::SetUnit(std::string_view family, std::string unit) {
  return SetText(family, &Family::unit, std::move(unit));
}

void MetadataStore::Keep(const std::vector<FamilyId>& families) {
  const MutexLock lock(mutex_);
  std::vector<bool> on_page(next_id_);
  for (const FamilyId id : families) on_page[id] = true;
  for (auto& [name, family] : families_) {
    if (on_page[family.id] || family.scrapes_gone != kOnPage) continue;
    family.scrapes_gone = 0;
    ++gone_;
  }
}

void MetadataStore::ScrapeDone() {
  const MutexLock lock(mutex_);
  if (gone_ == 0) return;
  for (auto entry = families_.begin(); entry != families_.end();) {
    Family& family = entry->second;
    if (family.scrapes_gone == kOnPage || ++family.scrapes_gone <= kKeptScrapes) {
      ++entry;
      continue;
    }
    free_ids_.push_back(family.id);
    --gone_;
    --totals_->families;
    totals_->bytes -= family.bytes();
    entry = families_.erase(entry);
  }
}

void MetadataStore::List(const Labels& labels, std::vector<web::MetricMetadata>& out) const {
  const MutexLock lock(mutex_);
  for (const auto& [name, family] : families_) {
    out.push_back({name, std::string(ToString(family.type)), family.help, family.unit, labels});
  }
}

}  // namespace barograph::server
