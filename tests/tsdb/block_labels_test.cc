#include <catch2/catch.hpp>

#include <algorithm>

#include "base/bytes/varint.h"
#include "tests/tsdb/block_samples.h"
#include "tsdb/block/block_data.h"
#include "tsdb/block/block_merge.h"
#include "tsdb/block/block_verify.h"
#include "tsdb/block/integer_list.h"
#include "tsdb/block/label_extent.h"
#include "tsdb/block/label_reader.h"

// A block knows the labels of its series: whatever they are, in whatever order they come.

namespace barograph::tsdb {
namespace {

using test::AnySample;
using test::kBlocks;
using test::Points;

using Named = std::map<SeriesId, Labels>;

class Fixture {
 public:
  Fixture() { REQUIRE(files.CreateDirectories(kBlocks)); }

  std::shared_ptr<const Block> Write(uint64_t number, const std::vector<SeriesId>& order,
                                     const Named& labels,
                                     const BlockWriterOptions& options = test::TinyOptions()) {
    const auto writer = BlockWriter::Create(files, kBlocks, test::Origin(number), options);
    REQUIRE(writer);
    const Points points = {{static_cast<int64_t>(number), AnySample(1)}};
    for (const SeriesId id : order) {
      REQUIRE((*writer)->Add(id, labels.at(id), test::Columns(points).samples()));
    }
    REQUIRE((*writer)->Finish());
    return *Block::Open(files, test::PathOf(test::Origin(number)));
  }

  test::MemoryFileSystem files;
};

Named ReadLabels(const std::shared_ptr<const Block>& block) {
  Named labels;
  LabelReader reader(block);
  const auto ids = block->IdsByPosition();
  REQUIRE(ids);
  for (size_t position = 0; position < ids->size(); ++position) {
    auto read = reader.At(position);
    INFO((read.has_value() ? "" : read.error().message));
    REQUIRE(read);
    labels.emplace((*ids)[position], std::move(*read));
  }
  return labels;
}

Labels RandomLabels(std::mt19937_64& random) {
  LabelsBuilder labels;
  const auto some = [&random](const char* prefix, uint64_t many) {
    return prefix + std::to_string(random() % many);
  };
  if (random() % 20 != 0) labels.Set(kMetricName, some("metric_", 5));
  for (const char* name : {"A", "Z", "__a__", "__z__", "pod", "zone"}) {
    if (random() % 2 == 0) labels.Set(name, some("value-", 4));
  }
  if (random() % 50 == 0) labels.Set("long", std::string(random() % 1000 + 1, 'x'));
  return labels.Build();
}

std::vector<SeriesId> IdsOf(const Named& labels) {
  std::vector<SeriesId> ids;
  for (const auto& [id, set] : labels) ids.push_back(id);
  return ids;
}

TEST_CASE_METHOD(Fixture, "Labels come back, in any order of the series") {
  const uint64_t seed = GENERATE(1u, 2u, 3u, 4u);
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  Named labels;
  for (uint64_t id = 1; id <= 300; ++id) labels.emplace(SeriesId{id * 3}, RandomLabels(random));
  std::vector<SeriesId> order = IdsOf(labels);
  std::ranges::shuffle(order, random);
  CHECK(ReadLabels(Write(1, order, labels)) == labels);
  std::ranges::sort(order, {}, [&labels](SeriesId id) {
    const Labels& of = labels.at(id);
    return std::pair(std::string(of.metric_name()), of.ToString());
  });
  CHECK(ReadLabels(Write(2, order, labels)) == labels);
  CHECK(ReadLabels(Write(3, order, labels, BlockWriterOptions())) == labels);
}

TEST_CASE_METHOD(Fixture, "Labels are read in any order, too") {
  std::mt19937_64 random(9);
  Named labels;
  for (uint64_t id = 1; id <= 200; ++id) labels.emplace(SeriesId{id}, RandomLabels(random));
  const auto block = Write(1, IdsOf(labels), labels);
  LabelReader reader(block);
  for (int i = 0; i < 1000; ++i) {
    const uint64_t position = random() % 200;
    REQUIRE(*reader.At(position) == labels.at(SeriesId{position + 1}));
  }
  CHECK(reader.At(200).error().code == ErrorCode::kCorruption);
}

TEST_CASE_METHOD(Fixture, "The sets of labels that metrics share are in a block once") {
  Named labels;
  uint64_t id = 0;
  for (int metric = 0; metric < 50; ++metric) {
    for (int pod = 0; pod < 100; ++pod) {
      labels.emplace(SeriesId{++id},
                     Labels{{kMetricName, "metric_" + std::to_string(1000 + metric)},
                            {"pod", "some-deployment-" + std::to_string(pod * 7919 % 10'000)}});
    }
  }
  const auto block = Write(1, IdsOf(labels), labels, BlockWriterOptions());
  CHECK(ReadLabels(block) == labels);
  uint64_t sets = 0;
  for (const ExtentEntry& entry : block->data().directory().extents()) {
    if (entry.kind == ExtentKind::kLabelSets) sets += entry.count;
  }
  CHECK(sets == 100);
  CHECK(DescribeBlock(*block).label_bytes < labels.size() / 2);
}

TEST_CASE_METHOD(Fixture, "Sets that were forgotten are written again") {
  Named labels;
  for (uint64_t id = 1; id <= 100; ++id) {
    labels.emplace(SeriesId{id}, Labels{{"a", std::to_string(id % 25)}});
  }
  const auto block = Write(1, IdsOf(labels), labels);  // which remembers 10
  CHECK(ReadLabels(block) == labels);
}

TEST_CASE_METHOD(Fixture, "A merge carries labels, and asks for those that are damaged") {
  std::mt19937_64 random(5);
  Named labels;
  for (uint64_t id = 1; id <= 60; ++id) labels.emplace(SeriesId{id}, RandomLabels(random));
  const std::vector<SeriesId> all = IdsOf(labels);
  const std::span first(all.begin(), all.begin() + 40), second(all.begin() + 20, all.end());
  const auto one = Write(1, {first.begin(), first.end()}, labels);
  auto other = Write(2, {second.begin(), second.end()}, labels);
  const auto merge = [&](uint64_t number, const BlockMergeCalls& calls) -> Status {
    const std::vector inputs = {one, other};
    const auto writer = TRY(BlockWriter::Create(
        files, kBlocks, MergedOrigin(inputs, test::Origin(number).ulid, test::Origin(9).window)));
    TRY(MergeBlocks(inputs, *writer, calls));
    TRY(writer->Finish());
    return {};
  };
  REQUIRE(merge(3, {}));
  CHECK(ReadLabels(*Block::Open(files, test::PathOf(test::Origin(3)))) == labels);

  std::string bytes = *files.ReadFile(other->path() + "/data");
  for (const ExtentEntry& entry : other->data().directory().extents()) {
    if (entry.kind == ExtentKind::kLabelSets) bytes[entry.offset] ^= 1;
  }
  REQUIRE(files.WriteFile(other->path() + "/data", bytes));
  other = *Block::Open(files, other->path());
  CHECK(merge(4, {}).error().code == ErrorCode::kCorruption);
  BlockMergeCalls calls;
  calls.find_labels = [&](SeriesId id) { return std::optional(labels.at(id)); };
  REQUIRE(merge(5, calls));
  CHECK(ReadLabels(*Block::Open(files, test::PathOf(test::Origin(5)))) == labels);
}

TEST_CASE_METHOD(Fixture, "Verification checks what labels the caller expects") {
  Named labels;
  for (uint64_t id = 1; id <= 20; ++id) labels.emplace(SeriesId{id}, test::LabelsOf(SeriesId{id}));
  const auto block = Write(1, IdsOf(labels), labels);
  const auto check = [](SeriesId id, const Labels& found) -> std::string {
    if (found != test::LabelsOf(id)) return "other labels";
    return id == SeriesId{7} ? "not expected" : "";
  };
  const auto report = VerifyBlock(block, {}, check);
  REQUIRE(report);
  CHECK(report->series == 19);
  REQUIRE(report->damage.size() == 1);
  CHECK(report->damage[0].what == "not expected");
  CHECK(report->damage[0].series == std::vector{SeriesId{7}});
}

std::string Texts(std::vector<uint64_t> shared, std::vector<uint64_t> sizes,
                  const std::string& bytes) {
  RunEncoder encoder;
  std::string out;
  AppendIntegers(shared, encoder, out);
  AppendIntegers(sizes, encoder, out);
  return out + bytes;
}

TEST_CASE("Malformed texts are refused") {
  const auto parses = [](const std::string& bytes, size_t count, size_t max_bytes = 1000) {
    TextList texts;
    const char* const end = bytes.data() + bytes.size();
    return texts.Parse(bytes.data(), end, count, max_bytes) != nullptr;
  };
  const std::string good = Texts({0, 2, 1}, {3, 1, 2}, "abcdef");
  TextList texts;
  REQUIRE(texts.Parse(good.data(), good.data() + good.size(), 3, 1000) ==
          good.data() + good.size());
  CHECK(texts.At(0) == "abc");
  CHECK(texts.At(1) == "abd");
  CHECK(texts.At(2) == "aef");
  CHECK(parses(good, 3, 9));
  CHECK_FALSE(parses(good, 3, 8));
  for (size_t size = 0; size < good.size(); ++size) CHECK_FALSE(parses(good.substr(0, size), 3));
  CHECK_FALSE(parses(Texts({1}, {3}, "abc"), 1));
  CHECK_FALSE(parses(Texts({0, 4}, {3, 1}, "abcd"), 2));
  CHECK_FALSE(parses(Texts({0}, {4}, "abc"), 1));
  CHECK_FALSE(parses(Texts({0, 0}, {~uint64_t{0}, 3}, "abc"), 2));
  CHECK_FALSE(parses(Texts({0, ~uint64_t{0}}, {3, 1}, "abcd"), 2));
}

TEST_CASE("A metric joins a set where its name belongs") {
  const auto set_of = [](const Labels& labels) {
    std::string set;
    TakeSet(labels, set);
    return set;
  };
  for (const Labels& labels : {Labels{}, Labels{{kMetricName, "m"}}, Labels{{"A", "1"}, {"b", "2"}},
                               Labels{{"A", "1"}, {kMetricName, std::string(200, 'm')}, {"b", "2"}},
                               Labels{{"A", "1"}, {kMetricName, "m"}},
                               Labels{{kMetricName, "m"}, {"b", std::string(300, 'v')}}}) {
    CHECK(JoinLabels(labels.metric_name(), set_of(labels)) == labels);
  }
  CHECK_FALSE(JoinLabels("m", Labels{{kMetricName, "n"}}.packed()));
  CHECK_FALSE(JoinLabels("m", std::string("\x05"
                                          "a",
                                          2)));
  CHECK_FALSE(JoinLabels("", std::string("\x01"
                                         "b\x01"
                                         "1\x01"
                                         "a\x01"
                                         "1",
                                         8)));
}

}  // namespace
}  // namespace barograph::tsdb
