#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/memory_file_system.h"
#include "tsdb/block/block.h"
#include "tsdb/block/block_directory.h"
#include "tsdb/block/block_format.h"
#include "tsdb/block/block_reader.h"
#include "tsdb/block/block_verify.h"

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

void OpenExtents(std::string_view bytes, size_t columns_size, size_t columns, size_t series) {
  columns_size = std::min(columns_size, bytes.size());
  const std::string_view parts[] = {bytes.substr(0, columns_size), bytes.substr(columns_size)};
  std::vector<ExtentEntry> entries(2);
  uint64_t offset = kBlockMagic.size();
  for (size_t i = 0; i < entries.size(); ++i) {
    entries[i].kind = i == 0 ? ExtentKind::kColumns : ExtentKind::kSamples;
    entries[i].count = 1 + (i == 0 ? columns : series);
    entries[i].stored_bytes = parts[i].size();
    entries[i].checksum = BlockChecksum(parts[i], offset);
    offset += parts[i].size();
  }
  std::vector<SeriesId> ids;
  for (uint64_t id = 1; id <= entries[1].count; ++id) ids.push_back(SeriesId{id});
  std::string directory;
  Expect(AppendDirectory(8, entries, ids, directory));
  OpenBlock(bytes, directory);
}

}  // namespace
}  // namespace barograph::tsdb

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace barograph::tsdb;
  if (size < 3) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 3, size - 3);
  OpenExtents(bytes, data[0], data[1] % 8, data[2] % 8);
  const size_t extents = std::min<size_t>(data[0], bytes.size());
  OpenBlock(bytes.substr(0, extents), bytes.substr(extents));
  (void)BlockTombstones::Decode(bytes);
  (void)ParseBlockMeta(bytes);
  return 0;
}
