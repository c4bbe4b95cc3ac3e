#include "tsdb/head/series_dump.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <random>

#include "tsdb/head/series_registry.h"
#include "tsdb/wal/format.h"
#include "tsdb/wal/reader.h"

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

std::string Hex(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) hex += fmt::format("{:02x}", static_cast<uint8_t>(c));
  return hex;
}

std::string DumpOf(const SeriesRegistry& registry) {
  std::string dump;
  REQUIRE(registry.Dump([&](std::string_view piece) {
    dump += piece;
    return Status();
  }));
  return dump;
}

std::map<SeriesId, Labels> Contents(const SeriesRegistry& registry, const Matchers& matchers = {}) {
  const auto found = registry.Match(matchers, {});
  REQUIRE(found);
  std::map<SeriesId, Labels> series;
  for (size_t i = 0; i < found->refs.size(); ++i) {
    series.emplace(found->set->IdOf(found->refs[i]),
                   registry.LabelsOf(*found->set, found->refs[i]));
  }
  return series;
}

/// The dump with frame number `which` changed by `change`, and whole again.
std::string Reframe(std::string_view dump, size_t which,
                    const std::function<void(std::string&)>& change) {
  std::string out(dump.substr(0, 8));
  wal::SegmentReader frames(0, dump, out.size());
  wal::Record frame{};
  for (size_t i = 0; frames.Next(frame) == wal::SegmentReader::Event::kRecord; ++i) {
    std::string payload(frame.payload);
    if (i == which) change(payload);
    wal::AppendFrame(out, {frame.type, payload}, {0, out.size()});
  }
  return out;
}

/// A few series: one with an id below that of the one before, one without labels.
void FillSmall(SeriesRegistry& registry) {
  REQUIRE(registry.Restore(SeriesId{7}, {{"__name__", "up"}, {"job", "a"}}));
  REQUIRE(registry.Restore(SeriesId{9}, {{"__name__", "up"}, {"job", "b"}}));
  REQUIRE(registry.Restore(SeriesId{8}, {}));
}

TEST_CASE("A registry that is loaded is the one that was dumped, and goes on from there") {
  std::mt19937_64 random(7);
  SeriesRegistry registry(0, {});
  std::map<SeriesId, Labels> all;
  for (const size_t size : {0, 1, 40, 500, 20'000}) {
    while (registry.size() < size) {
      const Labels labels = RandomLabels(random);
      all.emplace(*registry.GetOrCreate(labels), labels);
    }
    SeriesRegistry loaded(0, {});
    REQUIRE(loaded.Load(DumpOf(registry)));
    REQUIRE(loaded.size() == all.size());
    REQUIRE(Contents(loaded) == all);
    for (const auto& [id, labels] : all) {
      REQUIRE(loaded.Find(id) == id);
      REQUIRE(*loaded.GetOrCreate(labels) == id);
    }
    for (const char* name : {"metric_3", "metric_11"}) {
      const Matchers matchers = {Matcher::Equal("__name__", name),
                                 *Matcher::Make(MatchType::kNotRegex, "job", "job[12]")};
      REQUIRE(Contents(loaded, matchers) == Contents(registry, matchers));
    }
    const Labels fresh = {{"__name__", "fresh"}};
    REQUIRE(static_cast<uint64_t>(*loaded.GetOrCreate(fresh)) > all.size());
    REQUIRE(Contents(loaded, {Matcher::Equal("__name__", "fresh")}).size() == 1);
    REQUIRE(loaded.size() == all.size() + 1);
  }
}

TEST_CASE("A dump of a registry that grows meanwhile has the series from its begin") {
  SeriesRegistry registry(0, {});
  std::map<SeriesId, Labels> all;
  const auto grow = [&](size_t by) {
    for (; by > 0; --by) {
      const std::string n = std::to_string(all.size());
      const Labels labels = {{"__name__", "m"}, {"n", n}, {"last", n.substr(n.size() - 1)}};
      all.emplace(*registry.GetOrCreate(labels), labels);
    }
  };
  grow(30'000);
  const std::map<SeriesId, Labels> at_begin = all;
  std::string dump;
  size_t pieces = 0;
  REQUIRE(registry.Dump([&](std::string_view piece) {
    dump += piece;
    grow(5000);  // the hash table grows as well
    ++pieces;
    return Status();
  }));
  CHECK(pieces > 5);
  SeriesRegistry loaded(0, {});
  REQUIRE(loaded.Load(dump));
  CHECK(Contents(loaded) == at_begin);
  for (const auto& [id, labels] : at_begin) REQUIRE(*loaded.GetOrCreate(labels) == id);
}

TEST_CASE("Ids out of order are found, also after a dump") {
  SeriesRegistry registry(0, {});
  FillSmall(registry);
  REQUIRE(registry.Restore(SeriesId{20}, {{"__name__", "x"}}));
  SeriesRegistry loaded(0, {});
  REQUIRE(loaded.Load(DumpOf(registry)));
  for (const SeriesRegistry* each : {&registry, &loaded}) {
    for (const uint64_t id : {7, 8, 9, 20}) CHECK(each->Find(SeriesId{id}) == SeriesId{id});
    for (const uint64_t id : {1, 6, 10, 19, 21}) CHECK_FALSE(each->Find(SeriesId{id}));
  }
  CHECK(*loaded.GetOrCreate({}) == SeriesId{8});
}

TEST_CASE("The bytes of a dump") {
  SeriesRegistry registry(0, {});
  FillSmall(registry);
  // docs/formats/head.md explains them.
  CHECK(Hex(DumpOf(registry)) ==
        "4241524f53455231b542028904000000b08ec14e03030a09b55056bc22000000c679748b085f5f6e"
        "616d655f5f02757003000100036a6f620161020000036a6f620162020002b553535516000000aa6f"
        "c63c0e2640a9b2020001042bcb3ef802000201c294d33800b554764628000000ed8257a8ffffffff"
        "ffffffff02000000ffffffffffffffffffffffff00000000ffffffffffffffff01000000");
}

TEST_CASE("A dump that is cut off or changed in any byte is refused, and changes nothing") {
  SeriesRegistry registry(0, {});
  FillSmall(registry);
  const std::string dump = DumpOf(registry);
  const auto refused = [](std::string_view bytes) {
    SeriesRegistry loaded(0, {});
    const Status status = loaded.Load(bytes);
    return !status && status.error().code == ErrorCode::kCorruption && loaded.size() == 0;
  };
  for (size_t size = 0; size < dump.size(); ++size) REQUIRE(refused(dump.substr(0, size)));
  for (size_t at = 0; at < dump.size(); ++at) {
    for (const char change : {'\x01', '\x80', '\xFF'}) {
      std::string bad = dump;
      bad[at] = static_cast<char>(bad[at] ^ change);
      REQUIRE(refused(bad));
    }
  }
  CHECK(refused(dump + "x"));
  CHECK(refused(dump + dump.substr(8)));
}

TEST_CASE("A dump with good checksums over anything at all is survived") {
  SeriesRegistry registry(0, {});
  std::mt19937_64 random(9);
  for (int i = 0; i < 300; ++i) REQUIRE(registry.GetOrCreate(RandomLabels(random)));
  const std::string dump = DumpOf(registry);
  size_t taken = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string bad = Reframe(dump, random() % 4, [&](std::string& payload) {
      for (size_t n = 1 + random() % 3; n > 0 && !payload.empty(); --n) {
        payload[random() % payload.size()] = static_cast<char>(random());
      }
      if (random() % 4 == 0) payload.resize(random() % (payload.size() + 1));
    });
    SeriesRegistry loaded(0, {});
    if (!loaded.Load(bad)) continue;
    ++taken;
    (void)Contents(loaded);
    (void)loaded.GetOrCreate(RandomLabels(random));
  }
  CHECK(taken > 0);  // such as those with another letter in a text
}

}  // namespace
}  // namespace barograph::tsdb
