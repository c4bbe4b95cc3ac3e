#include <catch2/catch.hpp>

#include "tests/support/fault_file_system.h"
#include "tests/tsdb/block_samples.h"
#include "tsdb/block/block_data.h"
#include "tsdb/block/block_files.h"
#include "tsdb/block/block_reader.h"
#include "tsdb/block/block_verify.h"
#include "tsdb/block/label_reader.h"

// What bad disks, crashes and foreign bytes do to a block: a clear error, never wrong samples.

namespace barograph::tsdb {
namespace {

using test::Columns;
using test::Everything;
using test::Fault;
using test::FaultFileSystem;
using test::FileOperation;
using test::kBlocks;

class Fixture {
 public:
  Fixture() {
    REQUIRE(files.CreateDirectories(kBlocks));
    std::mt19937_64 random(5);
    everything = test::RandomSeries(random, 12, true);
  }

  void Overwrite(const std::string& path, const std::string& bytes) {
    const auto file = files.OpenWritable(path, OpenMode::kCreate);
    REQUIRE(file);
    REQUIRE((*file)->Append(bytes));
  }

  test::MemoryFileSystem files;
  Everything everything;
};

/// Reads all it can. Every series and its labels are whole, or cannot be read for Corruption.
void CheckNothingWrong(const std::shared_ptr<const Block>& block, const Everything& everything,
                       size_t& unreadable) {
  BlockReader reader(block);
  LabelReader label_reader(block);
  unreadable = 0;
  for (const auto& [id, points] : everything) {
    const auto samples = reader.Read(id, test::AllTime());
    if (samples.has_value()) {
      if (test::ToPoints(*samples) != points) FAIL("wrong samples");
    } else if (samples.error().code != ErrorCode::kCorruption) {
      FAIL(samples.error().message);
    }
    const auto labels = label_reader.At(block->PositionOf(id).value_or(0));
    if (labels.has_value()) {
      if (*labels != test::LabelsOf(id)) FAIL("wrong labels");
    } else if (labels.error().code != ErrorCode::kCorruption) {
      FAIL(labels.error().message);
    }
    unreadable += samples.has_value() && labels.has_value() ? 0 : 1;
  }
}

TEST_CASE_METHOD(Fixture, "A flipped byte anywhere is noticed") {
  auto block = WriteBlock(files, everything, test::Origin(1));
  BlockTombstones deletions;
  deletions.Add(SeriesId{1'000'000'000}, test::AllTime());
  block = *block->AddTombstones(files, deletions);
  for (const auto name : {kBlockDataFile, kBlockMetaFile, kBlockTombstonesFile}) {
    const std::string path = block->path() + "/" + std::string(name);
    const std::string bytes = *files.ReadFile(path);
    for (size_t i = 0; i < bytes.size(); ++i) {
      INFO(name << " at " << i);
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
      Overwrite(path, flipped);
      const auto opened = Block::Open(files, block->path());
      if (!opened.has_value()) {
        if (opened.error().code != ErrorCode::kCorruption) FAIL(opened.error().message);
        if (!opened.error().message.contains(path)) FAIL(opened.error().message);
        continue;
      }
      size_t unreadable = 0;
      CheckNothingWrong(*opened, everything, unreadable);
      if (unreadable == 0) FAIL("not noticed");
    }
    Overwrite(path, bytes);
  }
}

TEST_CASE_METHOD(Fixture, "Verification names each damaged extent and the series it costs") {
  const auto block = WriteBlock(files, everything, test::Origin(1));
  const std::string path = block->path() + "/data";
  const std::string bytes = *files.ReadFile(path);
  for (const ExtentEntry& entry : block->data().directory().extents()) {
    std::string damaged = bytes;
    damaged[entry.offset + entry.stored_bytes / 2] ^= 1;
    Overwrite(path, damaged);
    const auto opened = Block::Open(files, block->path());
    REQUIRE(opened);
    const auto report = VerifyBlock(*opened, {});
    REQUIRE(report);
    REQUIRE(report->damage.size() == 1);
    const BlockDamage& damage = report->damage[0];
    CHECK(damage.offset == entry.offset);
    CHECK(damage.length == entry.stored_bytes);
    CHECK(damage.what.contains(path + " at " + std::to_string(entry.offset)));
    CHECK_FALSE(damage.series.empty());
    CHECK(report->series + damage.series.size() == everything.size());
    size_t unreadable = 0;
    CheckNothingWrong(*opened, everything, unreadable);
    CHECK(unreadable == damage.series.size());
  }
}

TEST_CASE_METHOD(Fixture, "A block of another version of the format is refused as such") {
  const auto block = WriteBlock(files, everything, test::Origin(1));
  const std::string path = block->path() + "/data";
  std::string bytes = *files.ReadFile(path);
  bytes[kBlockMagic.size() - 1] = '1';
  Overwrite(path, bytes);
  const auto opened = Block::Open(files, block->path());
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == ErrorCode::kInvalidArgument);
  CHECK(opened.error().message == path + ": a block of format 1, and this version knows 2 only");
}

TEST_CASE_METHOD(Fixture, "A file that is cut off anywhere does not open") {
  const auto block = WriteBlock(files, everything, test::Origin(1));
  for (const auto name : {kBlockDataFile, kBlockMetaFile}) {
    const std::string path = block->path() + "/" + std::string(name);
    const std::string bytes = *files.ReadFile(path);
    for (size_t size = 0; size < bytes.size(); ++size) {
      Overwrite(path, bytes.substr(0, size));
      const auto opened = Block::Open(files, block->path());
      if (opened.has_value()) FAIL("opened with " << size << " bytes");
      if (opened.error().code != ErrorCode::kCorruption) FAIL(opened.error().message);
    }
    REQUIRE(files.Remove(path));
    CHECK_FALSE(Block::Open(files, block->path()));
    Overwrite(path, bytes);
  }
  CHECK(Block::Open(files, block->path()));
}

Result<BlockMeta> TryToWrite(FileSystem& files, const Everything& everything) {
  auto writer = TRY(BlockWriter::Create(files, kBlocks, test::Origin(1), test::TinyOptions()));
  for (const auto& [id, points] : everything) {
    TRY(writer->Add(id, test::LabelsOf(id), Columns(points).samples()));
  }
  return writer->Finish();
}

TEST_CASE_METHOD(Fixture, "Whichever operation fails, there is no block, or a whole one") {
  FaultFileSystem counting(files);
  REQUIRE(TryToWrite(counting, everything));
  REQUIRE(RemoveBlock(files, kBlocks, test::Origin(1).ulid));
  for (size_t operation = 0; operation < test::kFileOperations; ++operation) {
    const auto kind = static_cast<FileOperation>(operation);
    for (int nth = 1; nth <= counting.count(kind); ++nth) {
      INFO("operation " << operation << ", call " << nth);
      FaultFileSystem faulty(files);
      faulty.Inject({.operation = kind, .nth = nth, .written_bytes = 3});
      const auto meta = TryToWrite(faulty, everything);
      REQUIRE_FALSE(meta);
      CHECK(meta.error().code == ErrorCode::kIo);
      CHECK(ListBlocks(files, kBlocks)->empty());
      CHECK(RemoveUnfinishedBlocks(files, kBlocks));
      CHECK(files.List(kBlocks)->empty());
    }
  }
  CHECK(TryToWrite(files, everything));
}

TEST_CASE_METHOD(Fixture, "After a crash at any operation a block is there as a whole or not") {
  FaultFileSystem counting(files);
  REQUIRE(TryToWrite(counting, everything));
  for (size_t operation = 0; operation < test::kFileOperations; ++operation) {
    const auto kind = static_cast<FileOperation>(operation);
    for (int nth = 1; nth <= counting.count(kind); ++nth) {
      INFO("operation " << operation << ", call " << nth);
      test::MemoryFileSystem disk;
      REQUIRE(disk.CreateDirectories(kBlocks));
      FaultFileSystem faulty(disk);
      // What was begun is not removed either.
      faulty.Inject({.operation = kind, .nth = nth, .written_bytes = 3});
      faulty.Inject({.operation = FileOperation::kRemove, .nth = 2, .stays = true});
      CHECK_FALSE(TryToWrite(faulty, everything));
      disk.Crash(7);
      REQUIRE(RemoveUnfinishedBlocks(disk, kBlocks));
      const auto ulids = ListBlocks(disk, kBlocks);
      REQUIRE(ulids);
      for (const Ulid& ulid : *ulids) {
        const auto block = Block::Open(disk, BlockPath(kBlocks, ulid));
        REQUIRE(block);
        CHECK(test::ReadBlock(*block) == everything);
      }
    }
  }
}

TEST_CASE_METHOD(Fixture, "A finished block survives a crash") {
  REQUIRE(TryToWrite(files, everything));
  files.Crash();
  const auto block = Block::Open(files, test::PathOf(test::Origin(1)));
  REQUIRE(block);
  CHECK(test::ReadBlock(*block) == everything);
}

TEST_CASE_METHOD(Fixture, "Deletions that cannot be written change nothing") {
  const auto block = WriteBlock(files, everything, test::Origin(1));
  BlockTombstones deletions;
  deletions.Add(everything.begin()->first, test::AllTime());
  for (const FileOperation operation : {FileOperation::kOpen, FileOperation::kAppend,
                                        FileOperation::kSync, FileOperation::kRename}) {
    FaultFileSystem faulty(files);
    faulty.Inject({.operation = operation});
    CHECK_FALSE(block->AddTombstones(faulty, deletions));
    const auto reopened = Block::Open(files, block->path());
    REQUIRE(reopened);
    CHECK(test::ReadBlock(*reopened) == everything);
  }
}

}  // namespace
}  // namespace barograph::tsdb
