#include "tsdb/head/series_registry.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

#include "tsdb/head/postings.h"

namespace barograph::tsdb {
namespace {

Labels RandomLabels(std::mt19937_64& random) {
  LabelsBuilder builder;
  builder.Set("__name__", "metric_" + std::to_string(random() % 30));
  if (random() % 2 == 0) builder.Set("job", "job" + std::to_string(random() % 5));
  if (random() % 3 != 0) builder.Set("instance", "host-" + std::to_string(random() % 200));
  if (random() % 10 == 0) builder.Set("unique", std::to_string(random()));
  if (random() % 50 == 0) builder.Set("long", std::string(random() % 100'000, 'x'));
  return builder.Build();
}

Matcher RandomMatcher(std::mt19937_64& random) {
  static const std::vector<std::pair<std::string, std::string>> kPatterns = {
      {"__name__", "metric_1"},
      {"__name__", "metric_1.*"},
      {"__name__", ".+"},
      {"job", "job1|job2"},
      {"job", ""},
      {"job", ".*"},
      {"job", "job[34]|"},
      {"instance", "host-1.+"},
      {"instance", "host-7"},
      {"instance", "host-(1|2|)"},
      {"unique", ".+"},
      {"missing", ""},
      {"missing", "x"},
      {"missing", ".*"},
      {"instance", "^"}};
  const auto& [name, value] = kPatterns[random() % kPatterns.size()];
  return *Matcher::Make(static_cast<MatchType>(random() % 4), name, value);
}

}  // namespace

TEST_CASE("Matching by postings finds exactly the series that the matchers accept") {
  std::mt19937_64 random(5);
  SeriesRegistry registry(0, {});
  std::map<SeriesRef, Labels> all;
  for (int i = 0; i < 3000; ++i) {
    const Labels labels = RandomLabels(random);
    const auto ref = registry.GetOrCreate(labels);
    REQUIRE(ref);
    const auto [known, is_new] = all.emplace(*ref, labels);
    REQUIRE(known->second == labels);
  }
  REQUIRE(registry.size() == all.size());
  for (const auto& [ref, labels] : all) {
    REQUIRE(registry.LabelsOf(ref) == labels);
    REQUIRE(registry.RefOf(registry.IdOf(ref)) == ref);
  }
  for (int i = 0; i < 500; ++i) {
    Matchers matchers;
    for (size_t n = random() % 4; n > 0; --n) matchers.push_back(RandomMatcher(random));
    std::vector<SeriesRef> expected;
    for (const auto& [ref, labels] : all) {
      if (MatchesAll(matchers, labels)) expected.push_back(ref);
    }
    const auto found = registry.Match(matchers, {});
    REQUIRE(found);
    REQUIRE(*found == expected);
  }
}

TEST_CASE("A posting list holds its refs at every size") {
  PostingList list;
  std::vector<uint32_t> expected;
  for (uint32_t i = 0; i < 200; ++i) {
    list.Add(i * 3);
    expected.push_back(i * 3);
    PostingList moved = std::move(list);
    list = std::move(moved);
    REQUIRE(list.size() == expected.size());
    const Roaring set = list.ToSet();
    REQUIRE(std::vector<uint32_t>(set.begin(), set.end()) == expected);
    Roaring others(set);
    others.add(1);
    list.RemoveFrom(others);
    REQUIRE(others.cardinality() == 1);
  }
}

TEST_CASE("Ids are restored, never given twice, and two ids of one series are one") {
  std::vector<SeriesId> created;
  SeriesRegistry registry(
      0, {.lookup = {}, .created = [&](SeriesId id, std::string_view) { created.push_back(id); }});
  const Labels a{{"n", "a"}}, b{{"n", "b"}}, c{{"n", "c"}};
  REQUIRE(registry.Restore(SeriesId{7}, a));
  REQUIRE(registry.Restore(SeriesId{3}, b));
  REQUIRE(registry.Restore(SeriesId{9}, a));
  CHECK(registry.size() == 2);
  CHECK(registry.RefOf(SeriesId{9}) == registry.RefOf(SeriesId{7}));
  const SeriesRef ref = *registry.GetOrCreate(c);
  CHECK(registry.IdOf(ref) == SeriesId{10});
  CHECK(created == std::vector{SeriesId{10}});
  registry.ReserveIds(SeriesId{100});
  CHECK(registry.IdOf(*registry.GetOrCreate({{"n", "d"}})) == SeriesId{101});
  CHECK_FALSE(registry.RefOf(SeriesId{50}));
}

TEST_CASE("The sources of a series are kept in the order in which it had them") {
  SeriesRegistry registry(0, {});
  const SeriesRef ref = *registry.GetOrCreate({{"n", "a"}});
  registry.SetSource(ref, {4, 1});
  registry.SetSource(ref, {Source::kLone, 0});
  registry.SetSource(ref, {2, 7});
  registry.SetSource(ref, {4, 9});
  std::vector<Source> sources;
  registry.SourcesOf(ref, sources);
  CHECK(sources == std::vector<Source>{{4, 9}, {Source::kLone, 0}, {2, 7}});
  CHECK(registry.ColumnIn(ref, 2) == ColumnId{7});
  CHECK_FALSE(registry.ColumnIn(ref, 3));
}

}  // namespace barograph::tsdb
