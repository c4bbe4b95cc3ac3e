#include "tsdb/index/partition_writer.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/model/labels.h"
#include "tsdb/index/definitions.h"
#include "tsdb/index/id_codec.h"
#include "tsdb/index/keys.h"

namespace barograph::tsdb::index {
namespace {

// What the sets of one round may take in memory before they are written.
constexpr size_t kRoundBytes = size_t{8} << 20;
// A set's own part of that: the map's node and the encoder.
constexpr size_t kSetBytes = 160;
// How many series are read between two looks at that bound.
constexpr size_t kSeriesAtOnce = 4096;

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
template <typename V>
using TextMap = std::unordered_map<std::string, V, TextHash, std::equal_to<>>;

template <typename V>
auto FindOrAdd(TextMap<V>& map, std::string_view key) {
  const auto found = map.find(key);
  return found != map.end() ? found : map.try_emplace(std::string(key)).first;
}

/// The sets that new series of a partition make, by label.
class LabelSets {
 public:
  void Add(uint32_t id, std::string_view packed_labels) {
    all_.Add(id);
    size_t place = 0;
    for (Labels::Iterator at(packed_labels); at != Labels::Iterator(); ++at, ++place) {
      Slot& slot = SlotOf(place, *at);
      slot.any_value->Add(id);
      slot.value->Add(id);
      bytes_ += 2;
    }
  }

  /// More or less what they take.
  size_t size_bytes() const { return bytes_; }

  /// All series come last: where they are, the rest is.
  Status Write(BatchWriter& writer, PartKey partition) {
    for (auto& [name, sets] : names_) {
      TRY(WriteSet(writer, PostingsKey(partition, name, ""), sets.any_value));
      for (auto& [value, set] : sets.values) {
        TRY(WriteSet(writer, PostingsKey(partition, name, value), set));
      }
    }
    if (!all_.empty()) TRY(WriteSet(writer, PostingsKey(partition, "", ""), all_));
    return writer.Finish();
  }

 private:
  struct NameSets {
    IdEncoder any_value;
    TextMap<IdEncoder> values;
  };
  // The label that the series before had in this place. Series of a target share most labels.
  struct Slot {
    Label label;
    IdEncoder* any_value = nullptr;
    IdEncoder* value = nullptr;
  };

  Slot& SlotOf(size_t place, const Label& label) {
    if (place == slots_.size()) slots_.emplace_back();
    Slot& slot = slots_[place];
    if (slot.label == label) return slot;
    const auto name = FindOrAdd(names_, label.name);
    const size_t before = name->second.values.size();
    const auto value = FindOrAdd(name->second.values, label.value);
    if (name->second.values.size() > before) bytes_ += kSetBytes + label.value.size();
    slot = {{name->first, value->first}, &name->second.any_value, &value->second};
    return slot;
  }

  static Status WriteSet(BatchWriter& writer, const std::string& key, IdEncoder& set) {
    TRY(writer.Merge(Family::kPostings, key, set.Finish()));
    return writer.full() ? writer.Finish() : Status();
  }

  IdEncoder all_;
  TextMap<NameSets> names_;
  std::vector<Slot> slots_;
  size_t bytes_ = 0;
};

// Adds the new ids of one partition; returns how many were never put.
Result<size_t> AddNew(Store& store, PartKey partition, std::span<const SeriesId> ids) {
  // They are read once: those that queries ask for stay in the cache, and its memory as it was.
  rocksdb::ReadOptions once;
  once.fill_cache = false;
  size_t known = 0;
  BatchWriter writer(store);
  for (size_t done = 0; done < ids.size();) {
    LabelSets sets;
    while (done < ids.size() && sets.size_bytes() < kRoundBytes) {
      const auto some = ids.subspan(done, std::min(kSeriesAtOnce, ids.size() - done));
      const auto add = [&](size_t i, std::string_view labels) {
        sets.Add(LowHalf(some[i]), labels);
        ++known;
      };
      TRY(ReadLabels(store, some, add, {}, once));
      done += some.size();
    }
    TRY(sets.Write(writer, partition));
  }
  return ids.size() - known;
}

}  // namespace

Status AddToPartition(Store& store, const PostingsReader& postings, PartitionList& partitions,
                      PartitionId day, std::span<const SeriesId> ids) {
  size_t unknown = 0;
  while (!ids.empty()) {
    const PartKey key{day, HighHalf(ids.front())};
    const auto end = std::ranges::upper_bound(ids, key.high, {}, HighHalf);
    const auto count = static_cast<size_t>(end - ids.begin());
    const SharedSet have = TRY(postings.Get(partitions.At(key), "", ""));
    std::vector<SeriesId> fresh;
    fresh.reserve(count);
    for (const SeriesId id : ids.first(count)) {
      if (!have->contains(LowHalf(id))) fresh.push_back(id);
    }
    ids = ids.subspan(count);
    if (fresh.empty()) continue;
    const Result<size_t> added = AddNew(store, key, fresh);
    // After an error, too: some may be written.
    if (!added || *added < fresh.size()) partitions.Touch(key);
    unknown += TRY(added);
  }
  if (unknown == 0) return {};
  return Fail(ErrorCode::kNotFound,
              "series index: " + std::to_string(unknown) + " series of a day are not defined");
}

}  // namespace barograph::tsdb::index
