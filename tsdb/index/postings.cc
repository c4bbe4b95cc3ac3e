#include "tsdb/index/postings.h"

#include <algorithm>

#include "tsdb/index/definitions.h"
#include "tsdb/index/id_codec.h"
#include "tsdb/index/keys.h"

namespace barograph::tsdb::index {
namespace {

Status AddBytes(const Store& store, std::string_view bytes, Roaring& set) {
  if (!DecodeIds(bytes, set)) return store.Damaged("a set of series is damaged");
  return {};
}

}  // namespace

Result<SharedSet> PostingsReader::Get(const Partition& partition, std::string_view name,
                                      std::string_view value) const {
  const std::string key = PostingsKey(partition.key, name, value);
  const std::string cache_key = SetCacheKey(partition.version, SetKind::kLabel, key);
  if (SharedSet set = cache_.Find(cache_key)) return set;
  auto set = std::make_shared<Roaring>();
  if (const auto bytes = TRY(store_.Get(Family::kPostings, key))) {
    TRY(AddBytes(store_, *bytes, *set));
    set->runOptimize();
  }
  cache_.Insert(cache_key, set);
  return SharedSet(std::move(set));
}

ValueScan::ValueScan(const Store& store, std::span<const Partition> partitions,
                     std::string_view name, std::string_view prefix)
    : store_(store) {
  for (const Partition& partition : partitions) {
    auto lane = std::make_unique<Lane>();
    lane->begin = NamePrefix(partition.key, name);
    lane->value_at = lane->begin.size();
    lane->begin += prefix;
    lane->end = After(lane->begin);
    // The empty value stands for all values: the least that is one follows it.
    if (prefix.empty()) lane->begin += '\0';
    lanes_.push_back(std::move(lane));
  }
}

Status ValueScan::Enter(size_t index) {
  Lane& lane = *lanes_[index];
  if (!lane.at->Valid()) return store_.Check(lane.at->status());
  heap_.push_back(index);
  std::ranges::push_heap(heap_, [&](size_t a, size_t b) { return Later(*lanes_[a], *lanes_[b]); });
  return {};
}

Result<bool> ValueScan::Next() {
  if (!started_) {
    started_ = true;
    for (size_t i = 0; i < lanes_.size(); ++i) {
      Lane& lane = *lanes_[i];
      rocksdb::ReadOptions options;
      lane.end_slice = lane.end;
      if (!lane.end.empty()) options.iterate_upper_bound = &lane.end_slice;
      lane.at = store_.NewIterator(Family::kPostings, options);
      lane.at->Seek(lane.begin);
      TRY(Enter(i));
    }
  }
  for (const size_t holder : holders_) {
    lanes_[holder]->at->Next();
    TRY(Enter(holder));
  }
  holders_.clear();
  if (heap_.empty()) return false;
  const auto later = [&](size_t a, size_t b) { return Later(*lanes_[a], *lanes_[b]); };
  value_ = lanes_[heap_.front()]->value();
  while (!heap_.empty() && lanes_[heap_.front()]->value() == value_) {
    std::ranges::pop_heap(heap_, later);
    holders_.push_back(heap_.back());
    heap_.pop_back();
  }
  return true;
}

Status ValueScan::AddTo(size_t holder, Roaring& set) const {
  return AddBytes(store_, lanes_[holder]->at->value().ToStringView(), set);
}

Status ForEachName(const Store& store, PartKey partition,
                   const std::function<Status(std::string_view)>& visit,
                   const std::stop_token& stop) {
  const std::string end = After(PartPrefix(partition));
  const rocksdb::Slice end_slice = end;
  rocksdb::ReadOptions options;
  if (!end.empty()) options.iterate_upper_bound = &end_slice;
  const auto at = store.NewIterator(Family::kPostings, options);
  // The empty name stands for all series: names follow it.
  at->Seek(NamePrefix(partition, "") + '\0');
  while (at->Valid()) {
    if (stop.stop_requested()) return Cancelled();
    const std::optional<std::string_view> found = ParseName(at->key().ToStringView());
    if (!found) return store.Damaged("the key of a set of series is damaged");
    const std::string name(*found);
    if (!name.empty()) TRY(visit(name));
    const std::string next = After(NamePrefix(partition, name));
    if (next.empty()) break;
    at->Seek(next);
  }
  return store.Check(at->status());
}

}  // namespace barograph::tsdb::index
