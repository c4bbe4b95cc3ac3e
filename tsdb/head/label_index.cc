#include "tsdb/head/label_index.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace barograph::tsdb {

size_t LabelIndex::PairHash::operator()(const PairKey& key) const {
  const uint64_t name = XXH3_64bits(key.name.data(), key.name.size());
  return XXH3_64bits_withSeed(key.value.data(), key.value.size(), name);
}

size_t LabelIndex::PairHash::operator()(PairId id) const {
  const Label pair = index->pair(id);
  return (*this)(PairKey{pair.name, pair.value});
}

bool LabelIndex::PairEqual::operator()(const PairKey& key, PairId id) const {
  const Label pair = index->pair(id);
  return pair.name == key.name && pair.value == key.value;
}

LabelIndex::PairId LabelIndex::Intern(std::string_view name, std::string_view value) {
  if (const auto found = Find(name, value)) return *found;
  const auto id = static_cast<PairId>(pairs_.size());
  const uint32_t number = InternName(name);
  pairs_.push_back({number, values_.Store(value), {}});
  names_[number]->pairs.push_back(id);
  pair_numbers_.insert(id);
  return id;
}

bool LabelIndex::Restore(const Label& label, PostingList postings) {
  const auto id = static_cast<PairId>(pairs_.size());
  if (Intern(label.name, label.value) != id) return false;
  pairs_[id].postings = std::move(postings);
  return true;
}

void LabelIndex::Reserve(size_t pairs) {
  pairs_.reserve(pairs);
  pair_numbers_.reserve(pairs);
}

std::optional<LabelIndex::PairId> LabelIndex::Find(std::string_view name,
                                                   std::string_view value) const {
  const auto found = pair_numbers_.find(PairKey{name, value});
  return found == pair_numbers_.end() ? std::nullopt : std::optional(*found);
}

Label LabelIndex::pair(PairId id) const {
  const Pair& pair = pairs_[id];
  return {names_[pair.name]->text, values_.At(pair.value)};
}

const std::vector<LabelIndex::PairId>& LabelIndex::PairsOf(std::string_view name) const {
  static const std::vector<PairId> none;
  const auto found = name_numbers_.find(name);
  return found == name_numbers_.end() ? none : names_[found->second]->pairs;
}

std::vector<std::string_view> LabelIndex::Names() const {
  std::vector<std::string_view> names;
  names.reserve(names_.size());
  for (const auto& name : names_) names.push_back(name->text);
  return names;
}

uint32_t LabelIndex::InternName(std::string_view name) {
  const auto found = name_numbers_.find(name);
  if (found != name_numbers_.end()) return found->second;
  const auto number = static_cast<uint32_t>(names_.size());
  names_.push_back(std::make_unique<Name>(Name{std::string(name), {}}));
  name_numbers_.emplace(names_.back()->text, number);
  return number;
}

}  // namespace barograph::tsdb
