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

std::map<SeriesId, Labels> Find(const SeriesRegistry& registry, const Matchers& matchers) {
  const auto found = registry.Match(matchers, {});
  REQUIRE(found);
  std::map<SeriesId, Labels> series;
  for (size_t i = 0; i < found->refs.size(); ++i) {
    series.emplace(found->set->IdOf(found->refs[i]),
                   registry.LabelsOf(*found->set, found->refs[i]));
  }
  REQUIRE(series.size() == found->refs.size());
  return series;
}

}  // namespace

TEST_CASE("Matching by postings finds exactly the series that the matchers accept") {
  std::mt19937_64 random(5);
  SeriesRegistry registry(0, {});
  std::map<SeriesId, Labels> all;
  for (int i = 0; i < 3000; ++i) {
    const Labels labels = RandomLabels(random);
    const auto id = registry.GetOrCreate(labels);
    REQUIRE(id);
    const auto [known, is_new] = all.emplace(*id, labels);
    REQUIRE(known->second == labels);
  }
  REQUIRE(registry.size() == all.size());
  for (const auto& [id, labels] : all) REQUIRE(registry.Find(id) == id);
  for (int i = 0; i < 500; ++i) {
    Matchers matchers;
    for (size_t n = random() % 4; n > 0; --n) matchers.push_back(RandomMatcher(random));
    std::map<SeriesId, Labels> expected = all;
    std::erase_if(expected,
                  [&](const auto& series) { return !MatchesAll(matchers, series.second); });
    REQUIRE(Find(registry, matchers) == expected);
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
  CHECK(registry.Find(SeriesId{9}) == SeriesId{7});
  CHECK(*registry.GetOrCreate(c) == SeriesId{10});
  CHECK(created == std::vector{SeriesId{10}});
  registry.ReserveIds(SeriesId{100});
  CHECK(*registry.GetOrCreate({{"n", "d"}}) == SeriesId{101});
  CHECK_FALSE(registry.Find(SeriesId{50}));
}

TEST_CASE("The sources of a series are kept in the order in which it had them") {
  SeriesRegistry registry(0, {});
  const SeriesId id = *registry.GetOrCreate({{"n", "a"}});
  for (const Source& source :
       {Source{4, 1}, Source{Source::kLone, 0}, Source{2, 7}, Source{4, 9}}) {
    REQUIRE(registry.SetSource(id, source));
  }
  const auto found = registry.Match({}, {});
  REQUIRE(found->refs.size() == 1);
  std::vector<Source> sources;
  registry.SourcesOf(*found, 0, sources);
  CHECK(sources == std::vector<Source>{{4, 9}, {Source::kLone, 0}, {2, 7}});
  CHECK(registry.ColumnIn(id, 2) == ColumnId{7});
  CHECK_FALSE(registry.ColumnIn(id, 3));
  CHECK_FALSE(registry.SetSource(SeriesId{99}, {1, 1}));
}

TEST_CASE("Series without living sources leave; the others, and what was found before, stay") {
  std::mt19937_64 random(11);
  SeriesRegistry registry(0, {});
  std::map<SeriesId, Labels> all;
  for (int i = 0; i < 10'000; ++i) {
    const Labels labels = RandomLabels(random);
    const SeriesId id = *registry.GetOrCreate(labels);
    all.emplace(id, labels);
    registry.SetSource(id, {static_cast<uint32_t>(static_cast<uint64_t>(id) % 3), 5});
  }
  REQUIRE(registry.Restore(SeriesId{1'000'000}, all.at(SeriesId{2})));
  const auto before = registry.Match({}, {});
  const auto alive = [](SeriesId, Source source) { return source.table != 1; };
  std::map<SeriesId, Labels> left = all;
  std::erase_if(left,
                [](const auto& series) { return static_cast<uint64_t>(series.first) % 3 == 1; });
  CHECK(registry.Compact(SeriesId{1'000'000}, alive) == all.size() - left.size());
  CHECK(Find(registry, {}) == left);
  CHECK(registry.ColumnIn(SeriesId{2}, 2) == ColumnId{5});
  CHECK(registry.Find(SeriesId{1'000'000}) == SeriesId{2});
  CHECK_FALSE(registry.Find(SeriesId{1}));
  for (size_t i = 0; i < before->refs.size(); ++i) {
    REQUIRE(registry.LabelsOf(*before->set, before->refs[i]) ==
            all.at(before->set->IdOf(before->refs[i])));
  }
  CHECK(registry.Compact(SeriesId{1'000'000}, alive) == 0);
  // One that nobody could look up stays, though it has no source.
  const SeriesId young = *registry.GetOrCreate({{"n", "young"}});
  CHECK(registry.Compact(SeriesId{1}, alive, 1'000'000) == 0);
  CHECK(registry.Find(young) == young);
  // Its id is not given again.
  CHECK(*registry.GetOrCreate(all.at(SeriesId{1})) > SeriesId{1'000'000});
}

TEST_CASE("Series are counted by their labels, the largest counts first") {
  SeriesRegistry registry(0, {});
  for (const char* instance : {"x", "yy", "zzz"}) {
    REQUIRE(registry.GetOrCreate({{"__name__", "a"}, {"instance", instance}}));
  }
  REQUIRE(registry.GetOrCreate({{"__name__", "bb"}, {"job", "j"}}));
  const auto text = [](const std::vector<NamedCount>& counts) {
    std::string all;
    for (const auto& [name, count] : counts) all += name + " " + std::to_string(count) + ";";
    return all;
  };
  const HeadStatistics all = registry.Count(100);
  CHECK(all.series == 4);
  CHECK(all.label_pairs == 6);
  CHECK(text(all.series_by_metric) == "a 3;bb 1;");
  CHECK(text(all.values_by_label) == "instance 3;__name__ 2;job 1;");
  CHECK(text(all.value_bytes_by_label) == "instance 6;__name__ 5;job 1;");
  CHECK(text(all.series_by_pair) ==
        "__name__=a 3;__name__=bb 1;instance=x 1;instance=yy 1;instance=zzz 1;job=j 1;");
  const HeadStatistics largest = registry.Count(1);
  CHECK(text(largest.series_by_metric) == "a 3;");
  CHECK(text(largest.values_by_label) == "instance 3;");
  CHECK(text(largest.series_by_pair) == "__name__=a 3;");
}

}  // namespace barograph::tsdb
