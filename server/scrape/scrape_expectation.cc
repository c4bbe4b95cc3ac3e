#include "server/scrape/scrape_cache.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/containers.h"

/// How a target's expectation changes: from a page that differs, and from what its new series
/// became.
namespace barograph::server {
namespace {

// Nothing is kept where nothing was ever told.
void SetGroup(std::vector<StartGroup>& groups, uint32_t at, StartGroup group) {
  if (at >= groups.size()) {
    if (group == kNoStartGroup) return;
    groups.resize(size_t{at} + 1, kNoStartGroup);
  }
  groups[at] = group;
}

}  // namespace

// The page has `line` next, which is one of expected_ (or made from one).
void ScrapeCache::MatchAt(Line& line) {
  if (diverged_) {
    next_.push_back(line);
    matched_[next_expected_] = true;
  }
  ++next_expected_;
}

// From here on the page is not as expected: what will be is put together.
void ScrapeCache::Diverge() {
  if (diverged_) return;
  diverged_ = true;
  next_.reserve(expected_.size() + 16);
  next_.assign(expected_.begin(), expected_.begin() + static_cast<ptrdiff_t>(next_expected_));
  matched_.assign(expected_.size(), false);
  std::fill_n(matched_.begin(), next_expected_, true);
}

// The expected line with that identity, if there is one; the page is then expected to go on
// behind it.
ScrapeCache::Line* ScrapeCache::FindExpected(uint64_t identity, bool lone) {
  constexpr size_t kNear = 8;  // where a few lines vanished, the next one is near
  const auto matches = [&](const Line& line) {
    if (line.identity != identity || line.kind() == LineKind::kRepeat) return false;
    return line.kind() == LineKind::kDropped || line.lone() == lone;
  };
  const size_t near_end = std::min(next_expected_ + kNear, expected_.size());
  size_t place = next_expected_;
  while (place < near_end && !matches(expected_[place])) ++place;
  if (place == near_end) {
    IndexExpected();
    auto found = index_.find(identity);
    const bool wrong_kind = found != index_.end() && !matches(expected_[found->second]);
    if (lone && (found == index_.end() || wrong_kind)) found = index_.find(identity ^ kLoneSalt);
    if (found == index_.end() || !matches(expected_[found->second])) return nullptr;
    place = found->second;
  }
  if (place != next_expected_) Diverge();
  next_expected_ = place;
  return &expected_[place];
}

void ScrapeCache::IndexExpected() {
  if (!index_.empty()) return;
  index_.reserve(expected_.size());
  for (size_t place = 0; place < expected_.size(); ++place) {
    const Line& line = expected_[place];
    if (line.kind() == LineKind::kRepeat) continue;
    const uint64_t key = line.identity ^ (line.lone() ? kLoneSalt : 0);
    index_.emplace(key, static_cast<uint32_t>(place));
  }
}

// Comments of one format are not those of the other, and only one tells starts.
void ScrapeCache::StartFormat(PageFormat format) {
  if (std::exchange(format_, format) == format) return;
  std::erase_if(expected_, [](const Line& line) {
    return line.kind() == LineKind::kComment || line.TellsFamily() ||
           line.kind() == LineKind::kCreated;
  });
  starts_.MarkChanged();
}

void ScrapeCache::Bind(const NewSeries& series, ColumnId column, ScrapeRow& row,
                       PageCounts& counts) {
  Line& line = next_[series.line];
  line.set_kind(LineKind::kSeries);
  line.target = column;
  SetGroup(column_groups_, column, series.start_group);
  KeepExemplar(line, std::nullopt, series.exemplar);
  if (row.Set(column, series.value)) return;
  if (!SameBits(row.value(column), series.value)) ++counts.duplicates;
}

void ScrapeCache::BindLone(const NewSeries& series, SeriesId id) {
  Line& line = next_[series.line];
  if (line.kind() == LineKind::kUnbound) {
    line.set_kind(LineKind::kLone);
    line.target = lone_series_.Add(id);
    SetGroup(lone_groups_, line.target, series.start_group);
  }
  lone_series_.Saw(line.target);
  lone_samples_.push_back({line.target, {*series.timestamp, series.value}});
  KeepExemplar(line, series.timestamp, series.exemplar);
}

void ScrapeCache::Refuse(const NewSeries& series) {
  Line& line = next_[series.line];
  if (line.kind() != LineKind::kUnbound || refused_count_ >= kMaxRefused) return;
  line.set_kind(LineKind::kRefused);
  line.target = series.timestamp ? 1 : 0;
  ++refused_count_;
}

void ScrapeCache::ForgetRefused() {
  std::erase_if(expected_, [](const Line& line) { return line.kind() == LineKind::kRefused; });
  refused_count_ = 0;
}

std::vector<ColumnId> ScrapeCache::Commit() {
  lone_series_.Commit();
  std::vector<ColumnId> unused;
  if (diverged_) {
    std::erase_if(next_, [](const Line& line) { return line.kind() == LineKind::kUnbound; });
    next_.shrink_to_fit();
    expected_ = std::move(next_);
    unused = TakeUnusedColumns();
    for (const ColumnId column : unused) SetGroup(column_groups_, column, kNoStartGroup);
    ForgetUnusedGroups();
  }
  EndPage();
  return unused;
}

void ScrapeCache::TellStarts(ScrapeRow& row) {
  if (starts_.empty() || (!starts_.TakeChanged() && !diverged_)) return;
  std::vector<bool> told(starts_.limit());
  for (const Line& line : diverged_ ? next_ : expected_) {
    if (line.kind() == LineKind::kCreated) told[line.target] = true;
  }
  for (ColumnId column = 0; column < column_groups_.size(); ++column) {
    const StartGroup group = column_groups_[column];
    const bool is_told = group != kNoStartGroup && told[group];
    row.SetStart(column, is_told ? starts_.start(group) : kUnknownStart);
  }
}

Timestamp ScrapeCache::StartOf(const LoneSample& sample) const {
  return sample.lone < lone_groups_.size() ? starts_.start(lone_groups_[sample.lone])
                                           : kUnknownStart;
}

void ScrapeCache::ForgetUnusedGroups() {
  if (starts_.empty()) return;
  std::vector<bool> used(starts_.limit());
  const auto use = [&](const std::vector<StartGroup>& groups, uint32_t at) {
    if (at < groups.size() && groups[at] != kNoStartGroup) used[groups[at]] = true;
  };
  for (const Line& line : expected_) {
    if (line.kind() == LineKind::kCreated) used[line.target] = true;
    if (line.kind() == LineKind::kSeries) use(column_groups_, line.target);
    if (line.kind() == LineKind::kLone) use(lone_groups_, line.target);
  }
  starts_.KeepOnly(used);
}

void ScrapeCache::Discard() {
  lone_series_.Discard();
  for (Line& line : expected_) {
    if (line.kind() == LineKind::kSeries) line.text_bytes = 0;
  }
  EndPage();
}

void ScrapeCache::Forget() {
  expected_.clear();
  diverged_ = true;  // also a page without lines is another one now
}

void ScrapeCache::EndPage() {
  if (diverged_) {
    std::vector<MetadataStore::FamilyId> families;
    refused_count_ = 0;
    for (const Line& line : expected_) {
      if (line.kind() == LineKind::kRefused) ++refused_count_;
      if (line.TellsFamily()) families.push_back(line.target);
    }
    metadata_.Keep(families);
  }
  metadata_.ScrapeDone();
  diverged_ = false;
  FreeMemory(next_);
  FreeMemory(matched_);
  FreeMemory(index_);
  FreeMemory(fresh_);
  FreeMemory(new_series_);
  lone_samples_.clear();
  exemplars_.clear();
}

std::vector<ColumnId> ScrapeCache::TakeUnusedColumns() {
  std::vector<uint64_t> used;
  std::vector<bool> lone_used(lone_series_.id_limit());
  for (const Line& line : expected_) {
    if (line.kind() == LineKind::kLone) lone_used[line.target] = true;
    if (line.kind() != LineKind::kSeries) continue;
    const size_t word = line.target / 64;
    if (word >= used.size()) used.resize(word + 1);
    used[word] |= uint64_t{1} << (line.target % 64);
  }
  lone_series_.KeepOnly(lone_used);

  std::vector<ColumnId> unused;
  used.resize(std::max(used.size(), columns_.size()));
  for (size_t word = 0; word < columns_.size(); ++word) {
    for (uint64_t rest = columns_[word] & ~used[word]; rest != 0; rest &= rest - 1) {
      unused.push_back(static_cast<ColumnId>(word * 64) +
                       static_cast<ColumnId>(std::countr_zero(rest)));
    }
  }
  columns_ = std::move(used);
  column_count_ = 0;
  for (const uint64_t word : columns_) column_count_ += static_cast<size_t>(std::popcount(word));
  return unused;
}

}  // namespace barograph::server
