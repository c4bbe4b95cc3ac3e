#include "tsdb/prometheus/index_reader.h"

#include <fmt/format.h>

#include "base/bytes/big_endian.h"
#include "base/bytes/byte_reader.h"
#include "tsdb/prometheus/file_format.h"

namespace barograph::tsdb::prometheus {
namespace {

constexpr size_t kHeaderBytes = 5;
constexpr size_t kContentsBytes = 6 * sizeof(uint64_t);  // the table of contents, without checksum
constexpr uint64_t kSeriesAlignment = 16;                // in version 2, whose references count it
constexpr uint32_t kSymbolStride = 32;

uint64_t Plus(Timestamp time, uint64_t ms) { return static_cast<uint64_t>(ToMs(time)) + ms; }

// Deltas of a broken entry wrap.
Timestamp Wrapped(uint64_t ms) { return FromMs(static_cast<int64_t>(ms)); }

std::vector<ChunkMeta> ReadChunkMetas(ByteReader& in) {
  std::vector<ChunkMeta> chunks;
  const uint64_t count = in.Uvarint();
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    ChunkMeta chunk;
    if (i == 0) {
      chunk.min_time = FromMs(in.Varint());
      chunk.max_time = Wrapped(Plus(chunk.min_time, in.Uvarint()));
      chunk.reference = in.Uvarint();
    } else {
      chunk.min_time = Wrapped(Plus(chunks.back().max_time, in.Uvarint()));
      chunk.max_time = Wrapped(Plus(chunk.min_time, in.Uvarint()));
      chunk.reference = chunks.back().reference + static_cast<uint64_t>(in.Varint());
    }
    chunks.push_back(chunk);
  }
  return chunks;
}

}  // namespace

Result<IndexReader> IndexReader::Open(FileSystem& files, const std::string& path) {
  IndexReader reader;
  reader.path_ = path;
  reader.contents_ = TRY(files.Map(path));
  reader.bytes_ = reader.contents_->bytes();
  TRY(reader.ReadContents());
  return reader;
}

Status IndexReader::ReadContents() {
  if (bytes_.size() < kHeaderBytes + kContentsBytes + kCrcBytes) {
    return Corrupt(path_, 0, "the index is not whole");
  }
  if (LoadBigEndian<uint32_t>(bytes_.data()) != kIndexMagic) {
    return Corrupt(path_, 0, "the magic number is not that of an index");
  }
  version_ = static_cast<uint8_t>(bytes_[4]);
  if (version_ != 1 && version_ != 2) {
    return Corrupt(path_, 4, fmt::format("index version {}; 1 and 2 can be read", version_));
  }
  const size_t at = bytes_.size() - kCrcBytes - kContentsBytes;
  const std::string_view contents = bytes_.substr(at, kContentsBytes);
  if (!ChecksumMatches(contents, bytes_.substr(at + kContentsBytes))) {
    return Corrupt(path_, at, "the checksum of the table of contents does not match");
  }
  ByteReader in(contents);
  const auto symbols = in.Fixed<uint64_t>();
  in.Bytes(4 * sizeof(uint64_t));  // series, label indexes and their table, postings
  const auto postings_table = in.Fixed<uint64_t>();
  TRY(ReadSymbols(symbols));
  return ReadAllPostings(postings_table);
}

Result<std::string_view> IndexReader::Section(uint64_t offset, std::string_view what) const {
  if (offset >= bytes_.size()) return Corrupt(path_, offset, fmt::format("no {} there", what));
  ByteReader in(bytes_.substr(offset));
  const std::string_view content = in.Bytes(in.Fixed<uint32_t>());
  const std::string_view stored = in.Bytes(kCrcBytes);
  if (!in.ok()) return Corrupt(path_, offset, fmt::format("{} are not whole", what));
  if (!ChecksumMatches(content, stored)) {
    return Corrupt(path_, offset, fmt::format("the checksum of {} does not match", what));
  }
  return content;
}

Status IndexReader::ReadSymbols(uint64_t offset) {
  symbols_ = TRY(Section(offset, "the symbols"));
  ByteReader in(symbols_);
  symbol_count_ = in.Fixed<uint32_t>();
  if (version_ == 1) return {};  // where symbols are named by their place in the file
  for (uint32_t i = 0; i < symbol_count_; ++i) {
    if (i % kSymbolStride == 0) {
      symbol_offsets_.push_back(static_cast<uint32_t>(symbols_.size() - in.left()));
    }
    in.Text();
    if (!in.ok()) return Corrupt(path_, offset, "there are fewer symbols than are counted");
  }
  return {};
}

// Every series is in the postings of the empty name.
Status IndexReader::ReadAllPostings(uint64_t table_offset) {
  if (table_offset == 0) return {};  // no such section
  const std::string_view table = TRY(Section(table_offset, "the postings table"));
  ByteReader in(table);
  const auto entries = in.Fixed<uint32_t>();
  for (uint32_t i = 0; i < entries; ++i) {
    const uint64_t key_size = in.Uvarint();
    const std::string_view name = in.Text();
    const std::string_view value = in.Text();
    const uint64_t offset = in.Uvarint();
    if (!in.ok() || key_size != 2) break;
    if (!name.empty() || !value.empty()) continue;
    ByteReader postings(TRY(Section(offset, "the postings of all series")));
    references_ = postings.Bytes(postings.Fixed<uint32_t>() * sizeof(uint32_t));
    if (!postings.ok()) return Corrupt(path_, offset, "there are fewer postings than are counted");
    return {};
  }
  if (!in.ok() || entries > 0) {
    return Corrupt(path_, table_offset, "the postings table has no entry for all series");
  }
  return {};
}

Result<IndexedSeries> IndexReader::Series(size_t index) const {
  IndexedSeries series;
  series.reference = LoadBigEndian<uint32_t>(references_.data() + index * sizeof(uint32_t));
  const uint64_t offset = series.reference * (version_ == 1 ? 1 : kSeriesAlignment);
  ByteReader in(TRY(SeriesEntry(offset)));
  std::vector<Label> pairs;
  const uint64_t count = in.Uvarint();
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    Label label;
    const uint64_t name = in.Uvarint();
    const uint64_t value = in.Uvarint();
    if (!in.ok() || !Symbol(name, label.name) || !Symbol(value, label.value)) {
      return Corrupt(path_, offset, "the series has a symbol that does not exist");
    }
    pairs.push_back(label);
  }
  series.labels = Labels::FromPairs(std::move(pairs));
  series.chunks = ReadChunkMetas(in);
  if (!in.ok()) return Corrupt(path_, offset, "the series is not whole");
  return series;
}

Result<std::string_view> IndexReader::SeriesEntry(uint64_t offset) const {
  if (offset >= bytes_.size()) return Corrupt(path_, offset, "no series, but postings name one");
  ByteReader in(bytes_.substr(offset));
  const std::string_view entry = in.Text();
  const std::string_view stored = in.Bytes(kCrcBytes);
  if (!in.ok()) return Corrupt(path_, offset, "the series goes on behind the file's end");
  if (!ChecksumMatches(entry, stored)) {
    return Corrupt(path_, offset, "the series' checksum does not match");
  }
  return entry;
}

bool IndexReader::Symbol(uint64_t reference, std::string_view& symbol) const {
  size_t offset = 0;
  uint32_t skip = 0;
  if (version_ == 1) {
    const uint64_t start = OffsetOf(symbols_);
    if (reference < start || reference - start >= symbols_.size()) return false;
    offset = static_cast<size_t>(reference - start);
  } else {
    if (reference >= symbol_count_) return false;
    offset = symbol_offsets_[reference / kSymbolStride];
    skip = static_cast<uint32_t>(reference % kSymbolStride);
  }
  ByteReader in(symbols_.substr(offset));
  for (uint32_t i = 0; i < skip; ++i) in.Text();
  symbol = in.Text();
  return in.ok();
}

}  // namespace barograph::tsdb::prometheus
