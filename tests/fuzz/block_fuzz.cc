#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz_target.h"
#include "tests/support/memory_file_system.h"
#include "tsdb/block/block.h"
#include "tsdb/block/block_directory.h"
#include "tsdb/block/block_format.h"
#include "tsdb/block/block_reader.h"
#include "tsdb/block/block_verify.h"
#include "tsdb/block/block_writer.h"
#include "tsdb/block/label_builder.h"
#include "tsdb/block/label_reader.h"

// Hostile blocks whose checksums are right: the input is taken for a directory, for the extents of
// a block with a good directory, for tombstones and for a meta.json. All of it may be refused;
// what is read of it must keep the promises of a reader.

namespace barograph::tsdb {
namespace {

void Expect(bool kept) {
  if (!kept) std::abort();
}

void Put(FileSystem& files, const std::string& path, std::string_view bytes) {
  auto file = files.OpenWritable(path, OpenMode::kCreate);
  Expect(file.has_value() && (*file)->Append(bytes).has_value());
}

void ReadEverything(const std::shared_ptr<const Block>& block) {
  const auto ids = block->Ids();
  if (!ids.has_value()) return;
  BlockReader reader(block, {.cached_extents = 1, .cached_timestamps = 100});
  for (const TimeRange range : {TimeRange(), TimeRange{FromMs(0), FromMs(1000)}}) {
    for (const SeriesId id : *ids) {
      const auto samples = reader.Read(id, range);
      if (!samples.has_value()) continue;
      Expect(samples->values.size() == samples->timestamps.size());
      Expect(samples->histograms.empty() || samples->histograms.size() == samples->size());
      for (size_t i = 0; i < samples->size(); ++i) {
        Expect(range.Contains(samples->timestamps[i]));
        Expect(i == 0 || samples->timestamps[i - 1] < samples->timestamps[i]);
      }
    }
  }
  LabelReader labels(block);
  for (size_t position = 0; position < ids->size(); ++position) {
    const auto read = labels.At(position);
    Expect(!read.has_value() || Labels::Validate(read->packed()));
  }
  Expect(VerifyBlock(block, {}).has_value());
  (void)DumpBlock(*block);
}

/// A block of these extents and this directory, with right checksums.
void OpenBlock(std::string_view extents, std::string_view directory) {
  test::MemoryFileSystem files;
  BlockMeta meta;
  meta.range = {FromMs(INT64_MIN), FromMs(INT64_MAX)};
  const std::string json = ToJson(meta);
  std::string data = std::string(kBlockMagic).append(extents);
  BlockFooter footer;
  footer.directory_offset = data.size();
  footer.directory_checksum = BlockChecksum(directory, data.size());
  footer.meta_checksum = BlockChecksum(json, 0);
  data += directory;
  AppendFooter(data, footer, data.size());
  Put(files, "data", data);
  Put(files, "meta.json", json);
  const auto block = Block::Open(files, ".");
  if (block.has_value()) ReadEverything(*block);
}

struct Part {
  ExtentKind kind;
  size_t count;
  std::string_view bytes;
};

/// A block of these extents with a good directory.
void OpenParts(std::span<const Part> parts, size_t series) {
  std::vector<ExtentEntry> entries;
  std::string extents;
  for (const Part& part : parts) {
    ExtentEntry& entry = entries.emplace_back();
    entry.kind = part.kind;
    entry.count = part.count;
    entry.stored_bytes = part.bytes.size();
    entry.checksum = BlockChecksum(part.bytes, kBlockMagic.size() + extents.size());
    extents += part.bytes;
  }
  std::vector<SeriesId> ids;
  for (uint64_t id = 1; id <= series; ++id) ids.push_back(SeriesId{id});
  std::string directory;
  Expect(AppendDirectory(8, entries, ids, directory));
  OpenBlock(extents, directory);
}

/// Once as columns and samples with good labels, once as labels with samples that are none.
void OpenExtents(std::string_view bytes, size_t first_size, size_t firsts, size_t series) {
  const std::string_view first = bytes.substr(0, first_size);
  const std::string_view second = bytes.substr(first.size());
  LabelBuilder labels({});
  for (size_t i = 0; i < series; ++i) labels.Add({});
  RunEncoder encoder;
  std::string good_sets, good_labels;
  labels.TakeSets(encoder, good_sets);
  labels.TakeSeries(encoder, good_labels);
  OpenParts(std::array{Part{ExtentKind::kColumns, firsts, first},
                       Part{ExtentKind::kSamples, series, second},
                       Part{ExtentKind::kLabelSets, 1, good_sets},
                       Part{ExtentKind::kLabels, series, good_labels}},
            series);
  OpenParts(std::array{Part{ExtentKind::kSamples, series, {}},
                       Part{ExtentKind::kLabelSets, firsts, first},
                       Part{ExtentKind::kLabels, series, second}},
            series);
}

}  // namespace
}  // namespace barograph::tsdb

std::vector<std::string> FuzzSeeds() {
  using namespace barograph;
  using namespace barograph::tsdb;
  test::MemoryFileSystem files;
  BlockOrigin origin;
  origin.window = {FromMs(0), FromMs(1'000'000)};
  const auto writer = BlockWriter::Create(files, "blocks", origin);
  Expect(writer.has_value());
  std::vector<Timestamp> times;
  std::vector<double> values;
  for (int64_t i = 0; i < 50; ++i) {
    times.push_back(FromMs(i * 1000 + i % 3));
    values.push_back(static_cast<double>(i % 7) / 4);
  }
  SeriesSamples samples;
  samples.timestamps = times;
  samples.values = values;
  for (uint64_t id = 1; id < 5; ++id) {
    const Labels labels{{"__name__", "up"}, {"job", std::to_string(id)}};
    Expect((*writer)->Add(SeriesId{id}, labels, samples).has_value());
  }
  const auto meta = (*writer)->Finish();
  Expect(meta.has_value());
  const std::string folder = "blocks/" + meta->ulid().ToString();
  BlockTombstones tombstones;
  tombstones.Add(SeriesId{7}, {FromMs(1), FromMs(2)});
  const std::string before("\100\1\1", 3);
  return {before + files.ReadFile(folder + "/data")->substr(kBlockMagic.size()),
          before + tombstones.Encode(), before + *files.ReadFile(folder + "/meta.json")};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace barograph::tsdb;
  if (size < 3) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 3, size - 3);
  OpenExtents(bytes, data[0], 1 + data[1] % 8, 1 + data[2] % 8);
  const size_t extents = std::min<size_t>(data[0], bytes.size());
  OpenBlock(bytes.substr(0, extents), bytes.substr(extents));
  (void)BlockTombstones::Decode(bytes);
  (void)ParseBlockMeta(bytes);
  return 0;
}
