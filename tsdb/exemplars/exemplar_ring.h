#pragma once

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/model/labels.h"
#include "base/model/sample.h"
#include "base/storage/exemplars.h"
#include "base/time.h"

namespace barograph::tsdb {

/// The newest exemplars: as many as there are places. A new one takes the place of the one that
/// came first, of whatever series. Those of one series are linked in the order of their times.
///
/// 72 bytes an exemplar, its labels, and for each series that has any its labels twice. Not
/// thread-safe; const functions may run side by side.
class ExemplarRing {
 public:
  explicit ExemplarRing(size_t capacity) : capacity_(std::min(capacity, kMaxCapacity)) {}

  /// What came first goes where there are more than fit now.
  void Resize(size_t capacity);

  /// Whether an exemplar is to be appended. `labels`, the series', may be null where LabelsOf knows
  /// them or the capacity is 0. `newest` is the series' newest where there are some that wait to be
  /// put in, else null. One that is older than the newest by less
  /// than `window` is in order (Prometheus, storage.tsdb.out_of_order_time_window).
  ExemplarVerdict Judge(SeriesId series, const Labels* labels, const Exemplar& exemplar,
                        const Exemplar* newest, Duration window) const;

  /// The labels of a series that has exemplars here and was named by Append; else null. Good until
  /// the next change.
  const Labels* LabelsOf(SeriesId series) const;

  /// Puts an exemplar in. Precondition: it was judged as one to append, or comes from an earlier
  /// ring. `series` may be kNoSeries, where only its labels are known.
  void Append(SeriesId series, Labels labels, Exemplar exemplar);

  /// Calls visit(const Labels&, each), for every series, in no order, where each(visit_exemplar)
  /// calls visit_exemplar(const Exemplar&) -> bool, oldest first, until it is false.
  template <typename Visit>
  void ForEachSeries(Visit&& visit) const {
    for (const auto& [packed, slot] : by_labels_) {
      visit(series_[slot].labels, [&](auto&& visit_exemplar) {
        for (uint32_t at = series_[slot].oldest; at != kNone; at = entries_[at].next) {
          if (!visit_exemplar(entries_[at].exemplar)) break;
        }
      });
    }
  }

  size_t capacity() const { return capacity_; }
  size_t size() const { return entries_.size(); }
  size_t series() const { return by_labels_.size(); }

  /// How many were put in so far; the ring has the last size() of them.
  uint64_t appended() const { return appended_; }

  /// The time of the one that goes next; nullopt where there is none.
  std::optional<Timestamp> first_timestamp() const;

 private:
  static constexpr uint32_t kNone = ~uint32_t{0};
  static constexpr size_t kMaxCapacity = kNone;

  struct Entry {
    Exemplar exemplar;
    uint32_t series = kNone;  // in series_
    uint32_t previous = kNone;
    uint32_t next = kNone;
  };
  struct Series {
    Labels labels;
    SeriesId id = kNoSeries;
    uint32_t oldest = kNone;
    uint32_t newest = kNone;
  };

  const Series* Find(SeriesId id, const Labels* labels) const;
  uint32_t FindOrAdd(SeriesId id, Labels labels);
  uint32_t TakePlace();
  void Link(uint32_t place);
  void Unlink(uint32_t place);
  void DropIfEmpty(uint32_t slot);
  uint32_t LastNotAfter(const Series& series, Timestamp timestamp) const;

  size_t capacity_;
  std::vector<Entry> entries_;  // until it is full, in the order of coming
  size_t first_ = 0;            // which came first, once it is full
  uint64_t appended_ = 0;

  std::vector<Series> series_;
  std::vector<uint32_t> free_series_;
  boost::unordered_flat_map<std::string, uint32_t> by_labels_;  // packed
  boost::unordered_flat_map<uint64_t, uint32_t> by_id_;
};

}  // namespace barograph::tsdb
