#include "tsdb/block/label_builder.h"

#include <random>
#include <utility>

#include "base/bytes/varint.h"
#include "tsdb/block/integer_list.h"
#include "tsdb/block/label_extent.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace barograph::tsdb {
namespace {

uint64_t RandomSeed() {
  std::random_device random;
  return uint64_t{random()} << 32 | random();
}

}  // namespace

// Seeded by chance, as columns of timestamps are (tsdb/block/column_catalog.cc): equal hashes are
// taken for equal sets, and nobody can make two sets that meet.
LabelBuilder::LabelBuilder(Options options) : options_(options), seed_(RandomSeed()) {}

void LabelBuilder::Add(const Labels& labels) {
  const std::string_view metric = labels.metric_name();
  if (set_numbers_.empty() || metric != metric_) {
    metric_ = metric;
    metrics_.Add(metric);
    metric_series_.push_back(0);
  }
  ++metric_series_.back();
  TakeSet(labels, set_);
  set_numbers_.push_back(NumberOf(set_));
}

uint64_t LabelBuilder::NumberOf(std::string_view set) {
  const XXH128_hash_t bits = XXH3_128bits_withSeed(set.data(), set.size(), seed_);
  const Hash hash = {bits.low64, bits.high64};
  if (const auto found = numbers_[0].find(hash); found != numbers_[0].end()) return found->second;
  const auto older = numbers_[1].find(hash);
  const bool is_new = older == numbers_[1].end();
  const uint64_t number = is_new ? next_number_++ : older->second;
  if (is_new) sets_.Add(set);
  Remember(hash, number);
  return number;
}

void LabelBuilder::Remember(const Hash& hash, uint64_t number) {
  if (numbers_[0].size() >= options_.remembered_sets / 2) {
    numbers_[1] = std::exchange(numbers_[0], Numbers());
  }
  numbers_[0].emplace(hash, number);
}

void LabelBuilder::TakeSets(RunEncoder& encoder, std::string& out) { sets_.Take(encoder, out); }

void LabelBuilder::TakeSeries(RunEncoder& encoder, std::string& out) {
  AppendVarint(out, metrics_.count());
  metrics_.Take(encoder, out);
  AppendIntegers(metric_series_, encoder, out);
  AppendIntegers(set_numbers_, encoder, out);
  metric_series_.clear();
  set_numbers_.clear();
}

}  // namespace barograph::tsdb
