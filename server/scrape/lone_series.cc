#include "server/scrape/lone_series.h"

namespace barograph::server {

LoneId LoneSeries::Add(SeriesId id) {
  if (free_.empty()) {
    entries_.push_back({.id = id});
    return static_cast<LoneId>(entries_.size() - 1);
  }
  const LoneId lone = free_.back();
  free_.pop_back();
  entries_[lone] = {.id = id};
  return lone;
}

std::vector<SeriesId> LoneSeries::Ended() const {
  std::vector<SeriesId> ended;
  for (const Entry& entry : entries_) {
    if (entry.alive && !entry.seen) ended.push_back(entry.id);
  }
  return ended;
}

void LoneSeries::Commit() {
  for (Entry& entry : entries_) {
    entry.alive = entry.seen;
    entry.seen = false;
  }
}

void LoneSeries::Discard() {
  for (Entry& entry : entries_) entry.seen = false;
}

void LoneSeries::EndAll() {
  for (Entry& entry : entries_) entry.alive = entry.seen = false;
}

void LoneSeries::KeepOnly(const std::vector<bool>& used) {
  for (LoneId lone = 0; lone < entries_.size(); ++lone) {
    if (used[lone] || entries_[lone].id == kNoSeries) continue;
    entries_[lone] = {};
    free_.push_back(lone);
  }
}

}  // namespace barograph::server
