#include "tsdb/index/series_index.h"

#include <algorithm>
#include <atomic>

#include "base/mutex.h"
#include "tsdb/index/definitions.h"
#include "tsdb/index/label_query.h"
#include "tsdb/index/match.h"
#include "tsdb/index/partition_writer.h"
#include "tsdb/index/retention.h"

namespace barograph::tsdb {

using index::Partition;

struct SeriesIndex::Impl {
  Impl(std::unique_ptr<index::Store> opened, const SeriesIndexOptions& options)
      : store(std::move(opened)), cache(options.postings_cache_bytes), postings(*store, cache) {}

  const std::unique_ptr<index::Store> store;
  index::SetCache cache;
  const index::PostingsReader postings;
  index::PartitionList partitions;
  std::atomic<SeriesId> last_id{kNoSeries};
  Mutex write_mutex;  // one writer at a time
};

SeriesIndex::SeriesIndex(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SeriesIndex::~SeriesIndex() = default;

Result<std::unique_ptr<SeriesIndex>> SeriesIndex::Open(const std::string& path,
                                                       SeriesIndexOptions options) {
  auto impl = std::make_unique<Impl>(TRY(index::Store::Open(path, options)), options);
  impl->last_id = TRY(index::LoadLastId(*impl->store));
  TRY(impl->partitions.Load(*impl->store));
  return std::unique_ptr<SeriesIndex>(new SeriesIndex(std::move(impl)));
}

void SeriesIndex::OnDamage(std::function<void(const Error&)> tell) {
  impl_->store->OnDamage(std::move(tell));
}

Status SeriesIndex::Put(std::span<const Entry> entries) {
  if (entries.empty()) return {};
  MutexLock writing(impl_->write_mutex);
  const SeriesId highest = std::ranges::max_element(entries, {}, &Entry::id)->id;
  TRY(index::PutSeries(*impl_->store, entries, impl_->last_id));
  impl_->last_id = std::max(highest, impl_->last_id.load());
  return {};
}

Status SeriesIndex::AddToPartition(PartitionId day, std::span<const SeriesId> ids) {
  MutexLock writing(impl_->write_mutex);
  return index::AddToPartition(*impl_->store, impl_->postings, impl_->partitions, day, ids);
}

Status SeriesIndex::Flush() { return impl_->store->Flush(); }

Status SeriesIndex::VerifyChecksums() const { return impl_->store->VerifyChecksums(); }

Result<SeriesId> SeriesIndex::Find(const Labels& labels) const {
  return index::FindSeries(*impl_->store, labels);
}

Result<std::optional<Labels>> SeriesIndex::LabelsOf(SeriesId id) const {
  return index::LabelsOf(*impl_->store, id);
}

Status SeriesIndex::ReadLabels(std::span<const SeriesId> ids,
                               const std::function<void(size_t, std::string_view)>& visit,
                               std::stop_token stop) const {
  return index::ReadLabels(*impl_->store, ids, visit, stop);
}

Status SeriesIndex::ForEach(const std::function<void(SeriesId, std::string_view)>& visit,
                            std::stop_token stop) const {
  return index::ForEachSeries(*impl_->store, visit, stop);
}

Result<SeriesId> SeriesIndex::LastId() const { return impl_->last_id.load(); }

std::vector<PartitionId> SeriesIndex::Partitions() const {
  std::vector<PartitionId> days;
  for (const Partition& partition : impl_->partitions.Between(kFirstPartition, kLastPartition)) {
    days.push_back(partition.key.day);
  }
  const auto rest = std::ranges::unique(days);
  days.erase(rest.begin(), rest.end());
  return days;
}

Result<std::vector<SeriesId>> SeriesIndex::Match(PartitionId first, PartitionId last,
                                                 const Matchers& matchers,
                                                 std::stop_token stop) const {
  const std::vector<Partition> partitions = impl_->partitions.Between(first, last);
  const auto sets = TRY(index::MatchPartitions(impl_->postings, partitions, matchers, stop));
  return index::JoinSets(partitions, sets);
}

Result<std::vector<std::string>> SeriesIndex::LabelNames(PartitionId first, PartitionId last,
                                                         const Matchers& matchers,
                                                         std::stop_token stop) const {
  return index::LabelNames(impl_->postings, impl_->partitions.Between(first, last), matchers, stop);
}

Result<std::vector<std::string>> SeriesIndex::LabelValues(std::string_view name, PartitionId first,
                                                          PartitionId last,
                                                          const Matchers& matchers,
                                                          std::stop_token stop) const {
  return index::LabelValues(impl_->postings, name, impl_->partitions.Between(first, last), matchers,
                            stop);
}

Status SeriesIndex::DropPartitionsBefore(PartitionId day,
                                         const std::function<bool(SeriesId)>& keep) {
  return index::DropPartitionsBefore(*impl_->store, impl_->postings, impl_->partitions,
                                     impl_->write_mutex, day, impl_->last_id, keep);
}

void SeriesIndex::ReleaseFiles() { impl_->store->ReleaseBlocks(); }
size_t SeriesIndex::cached_bytes() const { return impl_->store->cached_bytes(); }

Status SeriesIndex::Checkpoint(const std::string& path) const {
  return impl_->store->Checkpoint(path);
}

}  // namespace barograph::tsdb
