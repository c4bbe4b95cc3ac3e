#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

#include "tests/support/temp_dir.h"
#include "tsdb/index/series_index.h"

// The series index against maps and sets, under random operations.

namespace barograph::tsdb {
namespace {

constexpr uint64_t kHalf = uint64_t{1} << 32;

/// What the index should know.
struct Truth {
  std::map<SeriesId, Labels> series;
  std::map<PartitionId, std::set<SeriesId>> days;
  SeriesId last = kNoSeries;

  std::vector<SeriesId> Match(PartitionId first, PartitionId last_day,
                              const Matchers& matchers) const {
    std::set<SeriesId> ids;
    for (auto day = days.lower_bound(first); day != days.end() && day->first <= last_day; ++day) {
      for (const SeriesId id : day->second) {
        if (MatchesAll(matchers, series.at(id))) ids.insert(id);
      }
    }
    return {ids.begin(), ids.end()};
  }
  std::vector<std::string> Names(std::span<const SeriesId> ids) const {
    std::set<std::string> names;
    for (const SeriesId id : ids) {
      for (const Label& label : series.at(id)) names.emplace(label.name);
    }
    return {names.begin(), names.end()};
  }
  std::vector<std::string> Values(std::string_view name, std::span<const SeriesId> ids) const {
    std::set<std::string> values;
    for (const SeriesId id : ids) {
      if (series.at(id).Has(name)) values.emplace(series.at(id).Get(name));
    }
    return {values.begin(), values.end()};
  }
  void Drop(PartitionId before, const std::set<SeriesId>& kept) {
    days.erase(days.begin(), days.lower_bound(before));
    std::erase_if(series, [&](const auto& entry) {
      const auto has = [&](const auto& day) { return day.second.contains(entry.first); };
      return !kept.contains(entry.first) && std::ranges::none_of(days, has);
    });
  }
};

/// Makes series, sets of ids, days and matchers from small alphabets.
class Maker {
 public:
  explicit Maker(uint32_t seed) : random_(seed) {}

  uint64_t Below(uint64_t limit) { return random_() % limit; }
  PartitionId Day() { return PartitionId(static_cast<int32_t>(Below(12)) - 4); }
  const std::string& Name() { return Pick(kNames); }

  Labels NewLabels() {
    LabelsBuilder labels;
    for (const std::string& name : kNames) {
      if (Below(3) != 0) labels.Set(name, Pick(kValues));
    }
    labels.Set("serial", std::to_string(++serial_));
    return labels.Build();
  }

  Matchers NewMatchers() {
    Matchers matchers;
    for (uint64_t count = Below(4); count > 0; --count) {
      const auto type = static_cast<MatchType>(Below(4));
      const bool regex = type == MatchType::kRegex || type == MatchType::kNotRegex;
      const std::string name = Below(8) == 0    ? "absent"
                               : Below(8) == 0  ? "serial"
                               : Below(30) == 0 ? ""
                                                : Name();
      const std::string value = regex ? Pick(kPatterns) : Below(5) == 0 ? "" : Pick(kValues);
      matchers.push_back(*Matcher::Make(type, name, value));
    }
    return matchers;
  }

  std::vector<SeriesId> SomeOf(const std::map<SeriesId, Labels>& series) {
    std::vector<SeriesId> ids;
    const uint64_t one_in = 1 + Below(6);
    for (const auto& [id, labels] : series) {
      if (Below(one_in) == 0) ids.push_back(id);
    }
    return ids;
  }

 private:
  using Texts = std::vector<std::string>;
  static inline const Texts kNames = {"__name__", "job", "instance", "l", "le", "\xff"};
  static inline const Texts kValues = {"a",    "ab",   "abc", "b",    "a.b", "\xff\xff",
                                       "+Inf", "a\nb", "A",   "\x01", "10",  std::string("\0", 1)};
  static inline const Texts kPatterns = {"",       ".*",     ".+",      "a|b",   "a|",     "a.*",
                                         "a.+",    "(a|ab)", "[ab].+",  "x?",    "a[.]b",  "(?i)a",
                                         "1.*",    "zzz",    ".*b",     "ab?c?", "abc|.+", "a.b|10",
                                         "\\+Inf", "[0-9]+", "(ab|b).*"};
  const std::string& Pick(const Texts& texts) { return texts[Below(texts.size())]; }

  std::mt19937_64 random_;
  uint64_t serial_ = 0;
};

SeriesIndexOptions TinyOptions() {
  return {.block_cache_bytes = size_t{64} << 10,
          .postings_cache_bytes = 4096,
          .write_buffer_bytes = size_t{256} << 10,
          .max_open_files = 32};
}

class Harness {
 public:
  explicit Harness(uint32_t seed) : make_(seed) { Reopen(); }

  void Run(int steps) {
    for (int step = 0; step < steps; ++step) {
      INFO("step " << step);
      switch (make_.Below(16)) {
        case 0: Flush(); break;
        case 1: Restart(); break;
        case 2: Drop(); break;
        case 3:
        case 4: Put(); break;
        case 5:
        case 6:
        case 7: Add(); break;
        default: Ask(); break;
      }
    }
    CheckDefinitions();
    CheckCopy();
  }

 private:
  void Reopen() {
    index_.reset();
    auto opened = SeriesIndex::Open(dir_.path() + "/index", TinyOptions());
    REQUIRE(opened);
    index_ = std::move(*opened);
  }

  void Flush() { REQUIRE(index_->Flush()); }
  void Restart() {
    Flush();
    Reopen();
    CheckDefinitions();
  }

  void Put() {
    if (make_.Below(10) == 0)
      truth_.last = SeriesId{static_cast<uint64_t>(truth_.last) + kHalf - 3};
    std::vector<SeriesIndex::Entry> entries;
    for (uint64_t count = make_.Below(60); count > 0; --count) {
      const SeriesId id{static_cast<uint64_t>(truth_.last) + 1 + make_.Below(3)};
      const Labels labels = make_.NewLabels();
      entries.push_back({id, std::string(labels.packed())});
      truth_.series[id] = labels;
      truth_.last = id;
    }
    REQUIRE(index_->Put(entries));
    if (entries.empty()) truth_.last = *index_->LastId();
  }

  void Add() {
    const PartitionId day = make_.Day();
    const std::vector<SeriesId> ids = make_.SomeOf(truth_.series);
    REQUIRE(index_->AddToPartition(day, ids));
    if (!ids.empty()) truth_.days[day].insert(ids.begin(), ids.end());
  }

  void Drop() {
    const PartitionId before = make_.Day();
    const std::vector<SeriesId> some = make_.SomeOf(truth_.series);
    const std::set<SeriesId> kept(some.begin(), some.end());
    REQUIRE(index_->DropPartitionsBefore(before, [&](SeriesId id) { return kept.contains(id); }));
    truth_.Drop(before, kept);
    CheckDefinitions();
  }

  void Ask() { AskThe(*index_); }

  void AskThe(const SeriesIndex& index) {
    const PartitionId first = make_.Day(), last = make_.Day();
    const Matchers matchers = make_.NewMatchers();
    const std::string name = make_.Name();
    std::string text;
    for (const Matcher& matcher : matchers) text += matcher.ToString() + " ";
    INFO(text);
    const std::vector<SeriesId> ids = truth_.Match(first, last, matchers);
    REQUIRE(*index.Match(first, last, matchers, {}) == ids);
    REQUIRE(*index.LabelNames(first, last, matchers, {}) == truth_.Names(ids));
    REQUIRE(*index.LabelValues(name, first, last, matchers, {}) == truth_.Values(name, ids));
    std::vector<Labels> labels(ids.size());
    REQUIRE(index.ReadLabels(
        ids, [&](size_t i, std::string_view p) { labels[i] = Labels::FromPacked(std::string(p)); },
        {}));
    for (size_t i = 0; i < ids.size(); ++i) REQUIRE(labels[i] == truth_.series[ids[i]]);
  }

  void CheckDefinitions() {
    std::map<SeriesId, Labels> found;
    REQUIRE(index_->ForEach(
        [&](SeriesId id, std::string_view p) { found[id] = Labels::FromPacked(std::string(p)); },
        {}));
    REQUIRE(found == truth_.series);
    for (const auto& [id, labels] : truth_.series) {
      REQUIRE(*index_->Find(labels) == id);
      REQUIRE(**index_->LabelsOf(id) == labels);
    }
    REQUIRE(*index_->LastId() == truth_.last);
    std::vector<PartitionId> days;
    for (const auto& [day, ids] : truth_.days) days.push_back(day);
    REQUIRE(index_->Partitions() == days);
  }

  void CheckCopy() {
    const std::string path = dir_.path() + "/copy";
    REQUIRE(index_->Checkpoint(path));
    const auto copy = SeriesIndex::Open(path, TinyOptions());
    REQUIRE(copy);
    for (int i = 0; i < 20; ++i) AskThe(**copy);
  }

  test::TempDir dir_;
  Maker make_;
  Truth truth_;
  std::unique_ptr<SeriesIndex> index_;
};

}  // namespace

TEST_CASE("The series index answers as maps and sets do, whatever happens to it") {
  const auto seed = GENERATE(range(1U, 7U));
  CAPTURE(seed);
  Harness(seed).Run(150);
}

TEST_CASE("Expressions over more values than there are series left are answered the same") {
  const test::TempDir dir;
  const auto index = std::move(*SeriesIndex::Open(dir.path() + "/i"));
  constexpr uint64_t kSeries = 6000, kChosen = 20;
  Truth truth;
  std::vector<SeriesIndex::Entry> entries;
  std::vector<SeriesId> ids;
  for (uint64_t i = 1; i <= kSeries; ++i) {
    LabelsBuilder labels;
    labels.Set("__name__", "m").Set("job", i % (kSeries / kChosen) == 0 ? "few" : "many");
    if (i % 7 != 0) labels.Set("pod", "pod-" + std::to_string(i * 7919));
    ids.push_back(SeriesId{i});
    truth.series[ids.back()] = labels.Build();
    truth.days[PartitionId{1}].insert(ids.back());
    entries.push_back({ids.back(), std::string(labels.Build().packed())});
  }
  REQUIRE(index->Put(entries));
  REQUIRE(index->AddToPartition(PartitionId{1}, ids));
  const MatchType type = GENERATE(MatchType::kRegex, MatchType::kNotRegex);
  const std::string pattern = GENERATE("pod-1.*7", ".*9", ".*9|", "pod-[0-4].*", "(pod-.*3)?");
  CAPTURE(ToString(type), pattern);
  const Matchers matchers = {*Matcher::Make(type, "pod", pattern), Matcher::Equal("job", "few")};
  const PartitionId day{1};
  const std::vector<SeriesId> matched = truth.Match(day, day, matchers);
  CHECK(*index->Match(day, day, matchers, {}) == matched);
  CHECK(*index->LabelValues("pod", day, day, matchers, {}) == truth.Values("pod", matched));
}

}  // namespace barograph::tsdb
