#include "tsdb/index/retention.h"

#include <map>
#include <string>

#include "tsdb/index/definitions.h"
#include "tsdb/index/keys.h"

namespace barograph::tsdb::index {
namespace {

// How many series are looked at between two times that writers may go on.
constexpr size_t kSeriesAtOnce = 4096;

constexpr uint64_t kHalfLimit = uint64_t{1} << 32;

/// Goes through the definitions from the lowest id to the highest.
class Sweep {
 public:
  Sweep(Store& store, const PostingsReader& postings, const PartitionList& partitions,
        const std::function<bool(SeriesId)>& keep)
      : store_(store), postings_(postings), partitions_(partitions), keep_(keep) {}

  /// Looks at the next series up to `last`; false when there are no more. Writers wait.
  Result<bool> Step(SeriesId last);

  /// The range of what was removed; `first` is kNoSeries when nothing was.
  SeriesId first_removed() const { return first_removed_; }
  SeriesId last_removed() const { return last_removed_; }

 private:
  Status LoadUsed();
  SeriesId NextUnused(SeriesId id) const;

  Store& store_;
  const PostingsReader& postings_;
  const PartitionList& partitions_;
  const std::function<bool(SeriesId)>& keep_;
  std::map<uint32_t, Roaring> used_;  // by the upper half of the id
  uint64_t used_version_ = 0;
  SeriesId next_ = kNoSeries;
  SeriesId first_removed_ = kNoSeries, last_removed_ = kNoSeries;
};

Status Sweep::LoadUsed() {
  if (used_version_ == partitions_.version()) return {};
  used_version_ = partitions_.version();
  used_.clear();
  for (const Partition& partition : partitions_.Between(kFirstPartition, kLastPartition)) {
    used_[partition.key.high] |= *TRY(postings_.Get(partition, "", ""));
  }
  return {};
}

Result<bool> Sweep::Step(SeriesId last) {
  TRY(LoadUsed());
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  DefinitionCursor at(store_, options);
  BatchWriter writer(store_);
  bool more = TRY(at.Seek(next_));
  for (size_t seen = 0; more && at.id() <= last && seen < kSeriesAtOnce; ++seen) {
    if (const auto unused = NextUnused(at.id()); unused != at.id()) {
      more = TRY(at.MoveTo(unused));
      continue;
    }
    if (!keep_(at.id())) {
      TRY(DeleteSeries(writer, at.id(), at.labels()));
      if (first_removed_ == kNoSeries) first_removed_ = at.id();
      last_removed_ = at.id();
    }
    more = TRY(at.Next());
  }
  TRY(writer.Finish());
  if (more) next_ = at.id();
  return more && at.id() <= last;
}

// The first id from `id` on that no partition has.
SeriesId Sweep::NextUnused(SeriesId id) const {
  const auto found = used_.find(HighHalf(id));
  if (found == used_.end()) return id;
  const Roaring& used = found->second;
  const auto all_used = [&](uint64_t first, uint64_t size) {
    // The last one first: CRoaring 0.2 must not be asked for a range that ends behind all there is.
    return first + size <= kHalfLimit && used.contains(static_cast<uint32_t>(first + size - 1)) &&
           used.containsRange(first, first + size);
  };
  uint64_t end = LowHalf(id), step = 1;
  while (all_used(end, step)) {
    end += step;
    step *= 2;
  }
  for (; step > 0; step /= 2) {
    if (all_used(end, step)) end += step;
  }
  return SeriesId{(uint64_t{HighHalf(id)} << 32) + end};
}

// Removes the postings of the days; false when there were none.
Result<bool> RemovePostings(Store& store, PartitionList& partitions, PartitionId day,
                            const std::string& end) {
  partitions.RemoveBefore(day);
  const auto at = store.NewIterator(Family::kPostings, {});
  at->SeekToFirst();
  TRY(store.Check(at->status()));
  if (!at->Valid() || at->key().compare(end) >= 0) return false;
  TRY(store.RemoveRange(Family::kPostings, "", end));
  return true;
}

}  // namespace

Status DropPartitionsBefore(Store& store, const PostingsReader& postings, PartitionList& partitions,
                            Mutex& write_mutex, PartitionId day, SeriesId last,
                            const std::function<bool(SeriesId)>& keep) {
  const std::string end = PartPrefix({day, 0});
  bool had_postings = false;
  {
    MutexLock writing(write_mutex);
    had_postings = TRY(RemovePostings(store, partitions, day, end));
  }
  if (had_postings) TRY(store.Compact(Family::kPostings, "", end));

  Sweep sweep(store, postings, partitions, keep);
  for (bool more = true; more;) {
    MutexLock writing(write_mutex);
    more = TRY(sweep.Step(last));
  }
  if (sweep.first_removed() == kNoSeries) return {};
  const SeriesId after{static_cast<uint64_t>(sweep.last_removed()) + 1};
  TRY(store.Compact(Family::kSeries, SeriesKey(sweep.first_removed()), SeriesKey(after)));
  return store.Compact(Family::kIds, "", "");
}

}  // namespace barograph::tsdb::index
