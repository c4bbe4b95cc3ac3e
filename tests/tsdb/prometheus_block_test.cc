#include "tsdb/prometheus/block.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "base/bytes/big_endian.h"
#include "base/bytes/crc32c.h"
#include "base/bytes/varint.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/tsdb/prometheus_samples.h"
#include "tsdb/prometheus/block_writer.h"
#include "tsdb/prometheus/file_format.h"

namespace barograph::tsdb::prometheus {
namespace {

using barograph::test::Fault;
using barograph::test::FaultFileSystem;
using barograph::test::FileOperation;
using barograph::test::MemoryFileSystem;
using test::Difference;
using test::RandomSamples;

const Ulid kUlid = Ulid::Make(FromMs(1'700'000'000'000), 1, 2);
const std::string kFolder = "data/" + kUlid.ToString();

using Truth = std::map<Labels, SampleColumns>;

BlockWriterOptions Options() {
  return {.directory = "data", .ulid = kUlid, .min_time = kMinTimestamp, .max_time = kMaxTimestamp};
}

SampleColumns Floats(std::initializer_list<std::pair<int64_t, double>> samples) {
  SampleColumns columns;
  for (const auto& [ms, value] : samples) columns.AddFloat(FromMs(ms), value);
  return columns;
}

Truth SmallTruth() {
  Truth truth;
  truth[{{"__name__", "up"}, {"job", "a"}}] = Floats({{1000, 1}, {2000, 0}, {3000, kStaleNan}});
  truth[{{"__name__", "up"}, {"job", "b"}}] = Floats({{1000, 1}});
  truth[{{"job", "a"}}] = Floats({{-5, 1e300}});
  return truth;
}

Result<std::optional<BlockMeta>> Write(FileSystem& files, const Truth& truth,
                                       BlockWriterOptions options = Options()) {
  TRY(files.CreateDirectories(options.directory));
  auto writer = TRY(BlockWriter::Create(files, std::move(options)));
  for (const auto& [labels, samples] : truth) TRY(writer->Add(labels, samples));
  return writer->Finish();
}

Result<Truth> ReadAll(FileSystem& files) {
  const auto block = TRY(Block::Open(files, kFolder));
  Truth truth;
  BlockSeries series;
  for (size_t i = 0; i < block->series_count(); ++i) {
    TRY(block->Read(i, series));
    truth[series.labels] = std::move(series.samples);
  }
  return truth;
}

std::string Differences(const Truth& got, const Truth& want) {
  if (got.size() != want.size()) return "another number of series";
  for (const auto& [labels, samples] : want) {
    const auto found = got.find(labels);
    if (found == got.end()) return "no series " + labels.ToString();
    const std::string difference = Difference(found->second, samples);
    if (!difference.empty()) return labels.ToString() + ": " + difference;
  }
  return "";
}

Truth RandomTruth(uint64_t seed) {
  std::mt19937_64 random(seed);
  Truth truth;
  for (size_t i = 0; i < 1 + random() % 150; ++i) {
    LabelsBuilder labels;
    labels.Set("__name__", "metric_" + std::to_string(random() % 5));
    labels.Set("instance", std::string(random() % 200, 'x') + std::to_string(i));
    if (random() % 2 == 0) labels.Set("größe", "\xff\n");
    truth[labels.Build()] = RandomSamples(random, 1 + random() % 300, {});
  }
  return truth;
}

std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text += kDigits[static_cast<uint8_t>(byte) >> 4];
    text += kDigits[static_cast<uint8_t>(byte) & 15];
  }
  return text;
}

TEST_CASE("Random series survive a Prometheus block, in label order") {
  const uint64_t seed = GENERATE(1, 2, 3, 4, 5, 6, 7, 8);
  INFO("seed " << seed);
  MemoryFileSystem files;
  const Truth truth = RandomTruth(seed);
  BlockWriterOptions options = Options();
  if (seed % 2 == 0) options.max_segment_bytes = 5000;
  const auto meta = Write(files, truth, options);
  REQUIRE(meta.has_value());
  const auto read = ReadAll(files);
  REQUIRE(read.has_value());
  CHECK(Differences(*read, truth) == "");

  const auto block = Block::Open(files, kFolder);
  Labels last;
  size_t samples = 0;
  BlockSeries series;
  for (size_t i = 0; i < (*block)->series_count(); ++i) {
    REQUIRE((*block)->Read(i, series).has_value());
    CHECK((i == 0 || last < series.labels));
    last = series.labels;
    samples += series.samples.size();
  }
  const BlockStats& stats = (*block)->meta().stats;
  CHECK(stats.series == truth.size());
  CHECK(stats.samples == samples);
  CHECK(stats.float_samples + stats.histogram_samples == samples);
  CHECK((*meta)->stats.chunks == stats.chunks);
  CHECK((files.List(kFolder + "/chunks")->size() > 1) == (seed % 2 == 0));
}

TEST_CASE("The files of a small block have these bytes") {
  MemoryFileSystem files;
  Truth truth;
  truth[{{"__name__", "up"}, {"job", "a"}}] = Floats({{1000, 1}});
  REQUIRE(Write(files, truth).has_value());
  CHECK(Hex(*files.ReadFile(kFolder + "/chunks/000001")) ==
        // Magic and version; 12 bytes of encoding 1: one sample, 1000 ms, 1.0; the checksum.
        "85bd40dd01000000"
        "0c"
        "01"
        "0001d00f3ff0000000000000"
        "b1834301");
  CHECK(Hex(*files.ReadFile(kFolder + "/tombstones")) == "0130ba300100000000");
  std::string index;
  // Header.
  index += "baaad70002";
  // Symbols.
  index += "0000001600000004085f5f6e616d655f5f0161036a6f620275704c539a65";
  // Padding.
  index += "00000000000000000000000000";
  // The series.
  index += "0a020003020101d00f00087ae48e1a";
  // Padding.
  index += "00";
  // Values of __name__.
  index += "0000000c000000010000000100000003f41fff4d";
  // Values of job.
  index += "0000000c00000001000000010000000115248fba";
  // All series.
  index += "000000080000000100000003a7692ed2";
  // __name__=up.
  index += "000000080000000100000003a7692ed2";
  // Job=a.
  index += "000000080000000100000003a7692ed2";
  // Label offsets.
  index += "000000150000000201085f5f6e616d655f5f4001036a6f625485b43450";
  // Postings offsets.
  index += "0000001f000000030200006802085f5f6e616d655f5f0275707802036a6f6201618801978f96ec";
  // Contents.
  index += "00000000000000050000000000000030000000000000004000000000000000980000000000000068";
  index += "00000000000000b56368d35f";
  CHECK(Hex(*files.ReadFile(kFolder + "/index")) == index);
}

TEST_CASE("A block's meta.json comes back") {
  BlockMeta meta;
  meta.ulid = kUlid;
  meta.min_time = FromMs(-7);
  meta.max_time = FromMs(7'200'000);
  meta.stats = {12, 7, 5, 3, 4};
  meta.level = 2;
  meta.sources = {kUlid, Ulid()};
  const auto parsed = ParseBlockMeta(PrintBlockMeta(meta), "meta.json");
  REQUIRE(parsed.has_value());
  CHECK(parsed->ulid == meta.ulid);
  CHECK(parsed->min_time == meta.min_time);
  CHECK(parsed->max_time == meta.max_time);
  CHECK(parsed->stats.histogram_samples == 5);
  CHECK(parsed->stats.chunks == 4);
  CHECK(parsed->level == 2);
  CHECK(parsed->sources == meta.sources);
}

TEST_CASE("A meta.json that is not one of a block of version 1 is refused by name") {
  const auto message = [](std::string_view json) {
    return ParseBlockMeta(json, "x/meta.json").error().message;
  };
  CHECK(message("{").starts_with("x/meta.json: at byte 0: no JSON: "));
  CHECK(message("[]") == "x/meta.json: at byte 0: no JSON object");
  CHECK(message("{\"version\":2}") == "x/meta.json: block version 2 is not supported, only 1");
  CHECK(message("{\"version\":1,\"ulid\":\"x\",\"minTime\":0,\"maxTime\":1}") ==
        "x/meta.json: at byte 0: no ulid, minTime or maxTime");
}

// A tombstones file.
std::string TombstonesFile(const std::vector<std::array<int64_t, 3>>& stones) {
  std::string body;
  for (const auto& [series, min, max] : stones) {
    AppendVarint(body, static_cast<uint64_t>(series));
    AppendVarint(body, ZigZag(min));
    AppendVarint(body, ZigZag(max));
  }
  std::string file = EmptyTombstonesFile().substr(0, 5) + body;
  AppendBigEndian(file, Crc32c(body));
  return file;
}

TEST_CASE("Tombstones are applied, both ends included") {
  MemoryFileSystem files;
  REQUIRE(Write(files, SmallTruth()).has_value());
  // A series' reference is its place in sixteens.
  const auto index = IndexReader::Open(files, kFolder + "/index");
  const auto first = static_cast<int64_t>(index->Series(0)->reference);
  const auto last = static_cast<int64_t>(index->Series(2)->reference);
  REQUIRE(files
              .WriteFile(kFolder + "/tombstones",
                         TombstonesFile({{last, -5, -5}, {first, 0, 1000}, {first, 2500, 3000}}))
              .has_value());
  Truth want = SmallTruth();
  want.begin()->second = Floats({{2000, 0}});
  want.rbegin()->second.Clear();
  CHECK(Differences(*ReadAll(files), want) == "");
}

TEST_CASE("A block without a tombstones file has none") {
  MemoryFileSystem files;
  REQUIRE(Write(files, SmallTruth()).has_value());
  REQUIRE(files.Remove(kFolder + "/tombstones").has_value());
  CHECK(Differences(*ReadAll(files), SmallTruth()) == "");
}

TEST_CASE("Every broken byte of a block is found or does not matter") {
  MemoryFileSystem files;
  REQUIRE(Write(files, SmallTruth()).has_value());
  const std::string name = GENERATE("index", "chunks/000001", "tombstones");
  const std::string path = kFolder + "/" + name;
  const std::string good = *files.ReadFile(path);
  size_t harmless = 0;
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x41);
    REQUIRE(files.WriteFile(path, bad).has_value());
    const auto read = ReadAll(files);
    INFO(path << " byte " << at);
    if (read.has_value()) {
      // Padding, what only queries look at, and what the checksums leave out.
      ++harmless;
      CHECK(Differences(*read, SmallTruth()) == "");
    } else {
      CHECK(read.error().code == ErrorCode::kCorruption);
      CHECK(read.error().message.starts_with(kFolder));
      CHECK(read.error().message.contains("at byte "));
    }
  }
  CHECK(harmless < (name == "index" ? good.size() * 3 / 4 : 4));
}

TEST_CASE("Every length of a block's files is read or refused") {
  MemoryFileSystem files;
  REQUIRE(Write(files, SmallTruth()).has_value());
  const std::string path = kFolder + "/" + GENERATE("index", "chunks/000001", "tombstones");
  const std::string good = *files.ReadFile(path);
  for (size_t size = 0; size < good.size(); ++size) {
    REQUIRE(files.WriteFile(path, good.substr(0, size)).has_value());
    const auto read = ReadAll(files);
    INFO(path << " of size " << size);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == ErrorCode::kCorruption);
  }
}

TEST_CASE("One broken chunk costs the samples from it on, and no other series") {
  MemoryFileSystem files;
  Truth truth;
  for (int series = 0; series < 3; ++series) {
    SampleColumns samples;
    for (int i = 0; i < 200; ++i) samples.AddFloat(FromMs(i), i);
    truth[{{"series", std::to_string(series)}}] = std::move(samples);
  }
  REQUIRE(Write(files, truth).has_value());
  const auto index = IndexReader::Open(files, kFolder + "/index");
  const uint64_t broken = index->Series(1)->chunks[1].reference;
  std::string chunks = *files.ReadFile(kFolder + "/chunks/000001");
  chunks[broken + 10] ^= 1;
  REQUIRE(files.WriteFile(kFolder + "/chunks/000001", chunks).has_value());
  const auto block = Block::Open(files, kFolder);
  REQUIRE(block.has_value());
  BlockSeries series;
  const Status status = (*block)->Read(1, series);
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().message == kFolder + "/chunks/000001: at byte " + std::to_string(broken) +
                                      ": the chunk's checksum does not match");
  CHECK(series.labels == Labels{{"series", "1"}});
  CHECK(series.samples.size() == 100);
  CHECK((*block)->Read(2, series).has_value());
  CHECK(series.samples.size() == 200);
}

TEST_CASE("A block writer refuses what a block cannot hold, and goes on") {
  MemoryFileSystem files;
  REQUIRE(files.CreateDirectories("data").has_value());
  BlockWriterOptions options = Options();
  options.min_time = FromMs(0);
  options.max_time = FromMs(1000);
  auto writer = *BlockWriter::Create(files, options);
  const auto refused = [&](const Labels& labels, const SampleColumns& samples) {
    const Status status = writer->Add(labels, samples);
    return status.has_value() ? "" : status.error().message;
  };
  CHECK(writer->Add({{"a", "2"}}, Floats({{0, 1}, {999, 1}})).has_value());
  CHECK(refused({{"a", "2"}}, Floats({{0, 1}})) ==
        R"(series {a="2"}: not after the series before it)");
  CHECK(refused({{"a", "3"}}, Floats({{5, 1}, {5, 1}})) ==
        R"(series {a="3"}: timestamps do not ascend)");
  CHECK(refused({{"a", "3"}}, Floats({{1000, 1}})) ==
        R"(series {a="3"}: a sample is outside the block's range)");
  CHECK(refused({{"a", "3"}}, Floats({{-1, 1}})) ==
        R"(series {a="3"}: a sample is outside the block's range)");
  CHECK(writer->Add({{"a", "3"}}, {}).has_value());
  REQUIRE(writer->Finish().has_value());
  CHECK(ReadAll(files)->size() == 1);
}

TEST_CASE("No samples make no block") {
  MemoryFileSystem files;
  Truth truth;
  truth[{{"a", "b"}}].Clear();
  const auto meta = Write(files, truth);
  REQUIRE(meta.has_value());
  CHECK_FALSE(meta->has_value());
  CHECK(files.List("data")->empty());
}

TEST_CASE("A disk that fails leaves no block, whenever it does") {
  for (int nth = 1;; ++nth) {
    MemoryFileSystem memory;
    FaultFileSystem files(memory);
    files.Inject({.operation = FileOperation::kAppend, .nth = nth});
    const auto meta = Write(files, SmallTruth());
    if (meta.has_value()) {
      CHECK(nth > 4);
      break;
    }
    CHECK(meta.error().code == ErrorCode::kIo);
    CHECK(memory.List("data")->empty());
  }
}

TEST_CASE("A power failure leaves the whole block or none") {
  MemoryFileSystem files;
  REQUIRE(Write(files, SmallTruth()).has_value());
  files.Crash();
  CHECK(Differences(*ReadAll(files), SmallTruth()) == "");
}

TEST_CASE("The blocks of a directory are listed by age, without those that another replaces") {
  MemoryFileSystem files;
  const auto add = [&](int number, int64_t min_ms, const std::string& compaction) {
    const std::string ulid = Ulid::Make(FromMs(number)).ToString();
    const std::string folder = "data/" + ulid;
    REQUIRE(files.CreateDirectories(folder).has_value());
    const std::string meta = "{\"version\":1,\"ulid\":\"" + ulid +
                             "\",\"minTime\":" + std::to_string(min_ms) +
                             ",\"maxTime\":" + std::to_string(min_ms + 10) + compaction + "}";
    REQUIRE(files.WriteFile(folder + "/meta.json", meta).has_value());
    return ulid;
  };
  const std::string replaced = add(1, 0, "");
  const std::string newest = add(2, 50, "");
  const std::string merged =
      add(3, 0, ",\"compaction\":{\"level\":2,\"parents\":[{\"ulid\":\"" + replaced + "\"}]}");
  REQUIRE(files.CreateDirectories("data/wal").has_value());
  REQUIRE(files.CreateDirectories("data/" + merged + ".tmp-for-deletion").has_value());
  const std::string broken = "data/" + Ulid::Make(FromMs(9)).ToString();
  REQUIRE(files.CreateDirectories(broken).has_value());
  const auto list = ListBlocks(files, "data");
  REQUIRE(list.has_value());
  REQUIRE(list->blocks.size() == 2);
  CHECK(list->blocks[0].folder == "data/" + merged);
  CHECK(list->blocks[1].folder == "data/" + newest);
  REQUIRE(list->broken.size() == 1);
  CHECK(list->broken[0].message.contains(broken));
}

TEST_CASE("An index of version 1 names symbols and series by their place in the file") {
  std::string index;
  const auto section = [&](const std::string& content) {
    const uint64_t at = index.size();
    AppendBigEndian(index, static_cast<uint32_t>(content.size()));
    index += content;
    AppendBigEndian(index, Crc32c(content));
    return at;
  };
  const auto number = [](uint32_t value) {
    std::string bytes;
    AppendBigEndian(bytes, value);
    return bytes;
  };
  AppendBigEndian(index, kIndexMagic);
  index.push_back(1);
  const uint64_t symbols = section(number(2) + "\1a\1b");
  const auto a = static_cast<char>(symbols + 8), b = static_cast<char>(symbols + 10);
  const auto series = static_cast<uint32_t>(index.size());
  // One label, one chunk: from 1 ms, 4 ms long, reference 9.
  const std::string entry{1, a, b, 1, 2, 4, 9};
  index.push_back(static_cast<char>(entry.size()));
  index += entry;
  AppendBigEndian(index, Crc32c(entry));
  const uint64_t postings = section(number(1) + number(series));
  const uint64_t table =
      section(number(2) + "\2\1a\1b\1" + "\2" + std::string(2, '\0') + static_cast<char>(postings));
  std::string contents;
  for (const uint64_t offset :
       {symbols, uint64_t{series}, uint64_t{0}, uint64_t{0}, postings, table}) {
    AppendBigEndian(contents, offset);
  }
  AppendBigEndian(contents, Crc32c(contents));
  MemoryFileSystem files;
  REQUIRE(files.CreateDirectories("x").has_value());
  REQUIRE(files.WriteFile("x/index", index + contents).has_value());
  const auto reader = IndexReader::Open(files, "x/index");
  INFO((reader.has_value() ? "" : reader.error().message));
  REQUIRE(reader.has_value());
  REQUIRE(reader->series_count() == 1);
  const auto read = reader->Series(0);
  INFO((read.has_value() ? "" : read.error().message));
  REQUIRE(read.has_value());
  CHECK(read->labels == Labels{{"a", "b"}});
  CHECK(read->reference == series);
  REQUIRE(read->chunks.size() == 1);
  CHECK(read->chunks[0].min_time == FromMs(1));
  CHECK(read->chunks[0].max_time == FromMs(5));
  CHECK(read->chunks[0].reference == 9);
}

}  // namespace
}  // namespace barograph::tsdb::prometheus
