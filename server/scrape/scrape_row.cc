#include "server/scrape/scrape_row.h"

#include <algorithm>
#include <bit>

#include "base/containers.h"
#include "base/model/sample.h"

namespace barograph::server {

void ScrapeRow::Begin() { Discard(); }

void ScrapeRow::Discard() { std::ranges::fill(present_, 0); }

void ScrapeRow::Grow(ColumnId column) {
  const size_t words = column / 64 + 1;
  GrowTight(values_, words * 64);
  values_.resize(words * 64);
  present_.resize(words);
  alive_.resize(words);
}

void ScrapeRow::Finish() {
  values_.shrink_to_fit();  // after columns came
  for (size_t word = 0; word < present_.size(); ++word) {
    const uint64_t ended = alive_[word] & ~present_[word];
    alive_[word] = present_[word];
    present_[word] |= ended;
    for (uint64_t rest = ended; rest != 0; rest &= rest - 1) {
      values_[word * 64 + static_cast<size_t>(std::countr_zero(rest))] = kStaleNan;
    }
  }
}

}  // namespace barograph::server
