#include <cstring>

#include "base/bytes/byte_reader.h"
#include "base/bytes/varint.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/small_head.h"
#include "tsdb/block/block_format.h"
#include "tsdb/head_cutter.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

// The first byte says which of the head's files the rest is: runs of tables or of lone samples, in
// frames and with headers whose checksums are right; tombstones, with theirs; the cut. A head is
// opened with it, and everything is read.

namespace barograph::tsdb {
namespace {

/// A table's run begins with its header's size and checksum: the header as the input has it, and
/// the checksum that it needs.
std::string WithHeaderChecksum(std::string_view payload) {
  ByteReader in(payload);
  const uint64_t size = in.Uvarint();
  (void)in.Bytes(sizeof(uint32_t));
  const std::string_view header = in.Bytes(size);
  if (!in.ok()) return std::string(payload);
  const auto checksum = static_cast<uint32_t>(XXH3_64bits(header.data(), header.size()));
  std::string out;
  AppendVarint(out, size);
  out.append(reinterpret_cast<const char*>(&checksum), sizeof(checksum));
  return out.append(header).append(in.rest());
}

/// The input of frames of which each is a table's run, with the checksums of their headers.
std::string WithHeaderChecksums(std::string_view input) {
  std::string out;
  while (input.size() >= 3) {
    const size_t length =
        static_cast<uint8_t>(input[1]) | static_cast<size_t>(static_cast<uint8_t>(input[2])) << 8;
    const std::string_view payload = input.substr(3, length);
    const std::string run = input[0] == 'R' ? WithHeaderChecksum(payload) : std::string(payload);
    out += input[0];
    out += static_cast<char>(run.size());
    out += static_cast<char>(run.size() >> 8);
    out += run;
    input.remove_prefix(3 + payload.size());
  }
  return out;
}

std::string AsTombstones(std::string_view bytes) {
  std::string file = "BAROTMB1";
  file += bytes;
  AppendFixed64(file, BlockChecksum(file, 0));
  return file;
}

/// Makes the series known that the files name, as a restart does.
void NameSeries(Head& head) {
  for (int turn = 0; turn < 2; ++turn) {
    std::vector<SeriesId> missing;
    for (const auto& [number, table] : head.NumberedTables()) {
      for (const auto& columns : table->ColumnSets()) {
        head.registry.AddSources(number, *columns, missing);
      }
    }
    for (const SeriesId id : head.lone.Series()) {
      if (!head.registry.SetSource(id, {Source::kLone, 0})) missing.push_back(id);
    }
    for (const SeriesId id : missing) {
      (void)head.registry.Restore(id, {{"id", std::to_string(static_cast<uint64_t>(id))}});
    }
  }
}

void OpenHead(const std::string& name, std::string_view bytes) {
  test::MemoryFileSystem files;
  fuzz::Expect(files.CreateDirectories("head").has_value());
  fuzz::Expect(files.WriteFile("head/" + name, bytes).has_value());
  (void)LoadCut(files, "head");
  MetricsRegistry registry;
  Metrics metrics(registry);
  Head head({}, 0, metrics);
  if (!head.OpenFiles(files, "head", Logger(), 0)) return;
  NameSeries(head);
  fuzz::ReadEverything(head);
}

}  // namespace
}  // namespace barograph::tsdb

std::vector<std::string> FuzzSeeds() {
  using namespace barograph::tsdb;
  auto& files = fuzz::SmallHeadFiles();
  const auto frames = [&](const char* name) {
    return fuzz::FromFrames(*files.ReadFile(std::string("head/") + name), RunFiles::kMagic, 1);
  };
  const std::string tombstones = *files.ReadFile("head/tombstones");
  return {'\0' + frames("tables-00000001"), '\1' + frames("lone-00000001"),
          '\2' + tombstones.substr(8, tombstones.size() - 16), "\0031700000000000 3\n"};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace barograph::tsdb;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      OpenHead("tables-00000001", fuzz::ToFrames(WithHeaderChecksums(bytes), RunFiles::kMagic, 1));
      break;
    case 1: OpenHead("lone-00000001", fuzz::ToFrames(bytes, RunFiles::kMagic, 1)); break;
    case 2: OpenHead("tombstones", AsTombstones(bytes)); break;
    default: OpenHead("cut", bytes);
  }
  return 0;
}
