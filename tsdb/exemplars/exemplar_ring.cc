#include "tsdb/exemplars/exemplar_ring.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/bytes/utf8.h"

namespace barograph::tsdb {
namespace {

bool IsValid(const Exemplar& exemplar) {
  if (exemplar.timestamp < kMinTimestamp || exemplar.timestamp > kMaxTimestamp) return false;
  size_t length = 0;
  for (const auto& [name, value] : exemplar.labels) {
    for (std::string_view text : {name, value}) {
      for (; !text.empty(); ++length) {
        const Rune rune = DecodeRune(text);
        if (!rune.valid || length == kMaxExemplarLabelLength) return false;
        text.remove_prefix(rune.size);
      }
    }
  }
  return true;
}

// Who gives no times tells of the same event again and again, each time with a new one.
bool IsSame(const Exemplar& a, const Exemplar& b) {
  if ((a.timed || b.timed) && a.timestamp != b.timestamp) return false;
  return SameBits(a.value, b.value) && a.labels == b.labels;
}

// At one time there may be several, as of a native histogram's buckets; in this order.
bool IsBefore(const Exemplar& a, const Exemplar& b) {
  if (a.timestamp != b.timestamp) return a.timestamp < b.timestamp;
  if (a.value != b.value) return a.value < b.value;
  return a.labels < b.labels;
}

}  // namespace

ExemplarVerdict ExemplarRing::Judge(SeriesId series, const Labels* labels, const Exemplar& exemplar,
                                    const Exemplar* newest, Duration window) const {
  if (capacity_ == 0) return ExemplarVerdict::kOff;
  if (!IsValid(exemplar)) return ExemplarVerdict::kInvalid;
  const Series* const here = Find(series, labels);
  if (newest == nullptr && here != nullptr) newest = &entries_[here->newest].exemplar;
  if (newest == nullptr) return ExemplarVerdict::kAppended;
  if (IsSame(*newest, exemplar)) return ExemplarVerdict::kRepeated;
  if (!IsBefore(exemplar, *newest)) return ExemplarVerdict::kAppended;
  if (exemplar.timestamp == newest->timestamp || exemplar.timestamp <= newest->timestamp - window) {
    return ExemplarVerdict::kOutOfOrder;
  }
  const uint32_t at = here == nullptr ? kNone : LastNotAfter(*here, exemplar.timestamp);
  const bool there = at != kNone && entries_[at].exemplar.timestamp == exemplar.timestamp;
  return there ? ExemplarVerdict::kRepeated : ExemplarVerdict::kAppended;
}

const Labels* ExemplarRing::LabelsOf(SeriesId series) const {
  const auto found = by_id_.find(static_cast<uint64_t>(series));
  return found == by_id_.end() ? nullptr : &series_[found->second].labels;
}

std::optional<Timestamp> ExemplarRing::first_timestamp() const {
  if (entries_.empty()) return std::nullopt;
  return entries_[first_].exemplar.timestamp;
}

void ExemplarRing::Append(SeriesId series, Labels labels, Exemplar exemplar) {
  if (capacity_ == 0) return;
  const uint32_t place = TakePlace();
  Entry& entry = entries_[place];
  entry.exemplar = std::move(exemplar);
  entry.series = FindOrAdd(series, std::move(labels));
  Link(place);
  ++appended_;
}

uint32_t ExemplarRing::TakePlace() {
  if (entries_.size() < capacity_) {
    entries_.emplace_back();
    return static_cast<uint32_t>(entries_.size() - 1);
  }
  const auto place = static_cast<uint32_t>(first_);
  Unlink(place);
  first_ = (first_ + 1) % capacity_;
  return place;
}

const ExemplarRing::Series* ExemplarRing::Find(SeriesId id, const Labels* labels) const {
  if (const auto found = by_id_.find(static_cast<uint64_t>(id)); found != by_id_.end()) {
    return &series_[found->second];
  }
  if (labels == nullptr) return nullptr;
  const auto found = by_labels_.find(std::string(labels->packed()));
  return found == by_labels_.end() ? nullptr : &series_[found->second];
}

uint32_t ExemplarRing::FindOrAdd(SeriesId id, Labels labels) {
  const auto known = by_id_.find(static_cast<uint64_t>(id));
  if (known != by_id_.end()) return known->second;
  const auto [found, is_new] = by_labels_.try_emplace(std::string(labels.packed()), 0);
  if (is_new) {
    if (free_series_.empty()) {
      free_series_.push_back(static_cast<uint32_t>(series_.size()));
      series_.emplace_back();
    }
    found->second = free_series_.back();
    free_series_.pop_back();
    series_[found->second].labels = std::move(labels);
  }
  if (id != kNoSeries) {
    Series& series = series_[found->second];
    // A series goes by one id here: the last that it was given.
    if (series.id != kNoSeries) by_id_.erase(static_cast<uint64_t>(series.id));
    series.id = id;
    by_id_[static_cast<uint64_t>(id)] = found->second;
  }
  return found->second;
}

uint32_t ExemplarRing::LastNotAfter(const Series& series, Timestamp timestamp) const {
  uint32_t at = series.newest;
  while (at != kNone && entries_[at].exemplar.timestamp > timestamp) at = entries_[at].previous;
  return at;
}

void ExemplarRing::Link(uint32_t place) {
  Entry& entry = entries_[place];
  Series& series = series_[entry.series];
  entry.previous = LastNotAfter(series, entry.exemplar.timestamp);
  uint32_t& to_next = entry.previous == kNone ? series.oldest : entries_[entry.previous].next;
  entry.next = std::exchange(to_next, place);
  uint32_t& to_previous = entry.next == kNone ? series.newest : entries_[entry.next].previous;
  to_previous = place;
}

void ExemplarRing::Unlink(uint32_t place) {
  const Entry& entry = entries_[place];
  Series& series = series_[entry.series];
  (entry.previous == kNone ? series.oldest : entries_[entry.previous].next) = entry.next;
  (entry.next == kNone ? series.newest : entries_[entry.next].previous) = entry.previous;
  DropIfEmpty(entry.series);
}

void ExemplarRing::DropIfEmpty(uint32_t slot) {
  Series& series = series_[slot];
  if (series.oldest != kNone) return;
  by_labels_.erase(std::string(series.labels.packed()));
  if (series.id != kNoSeries) by_id_.erase(static_cast<uint64_t>(series.id));
  series = Series();
  free_series_.push_back(slot);
}

void ExemplarRing::Resize(size_t capacity) {
  capacity = std::min(capacity, kMaxCapacity);
  if (capacity == capacity_) return;
  ExemplarRing resized(capacity);
  const size_t kept = std::min(entries_.size(), capacity);
  resized.appended_ = appended_ - kept;
  for (size_t i = entries_.size() - kept; i < entries_.size(); ++i) {
    const Entry& entry = entries_[(first_ + i) % entries_.size()];
    const Series& series = series_[entry.series];
    resized.Append(series.id, series.labels, entry.exemplar);
  }
  *this = std::move(resized);
}

}  // namespace barograph::tsdb
