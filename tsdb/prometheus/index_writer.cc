#include "tsdb/prometheus/index_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>
#include <utility>

#include "base/bytes/big_endian.h"
#include "base/bytes/byte_reader.h"
#include "base/bytes/crc32c.h"
#include "base/bytes/varint.h"
#include "tsdb/prometheus/file_format.h"

namespace barograph::tsdb::prometheus {
namespace {

constexpr char kVersion = 2;
constexpr uint64_t kSeriesAlignment = 16;
constexpr uint64_t kSectionAlignment = 4;

size_t TextBytes(std::string_view text) { return VarintBytes(text.size()) + text.size(); }

void AppendText(std::string& out, std::string_view text) {
  AppendVarint(out, text.size());
  out.append(text);
}

std::string FourBytes(uint64_t value) {
  std::string bytes;
  AppendBigEndian(bytes, static_cast<uint32_t>(value));
  return bytes;
}

// A list of postings with its size and checksum.
uint64_t PostingsBytes(uint64_t series) { return (3 + series) * sizeof(uint32_t); }

std::string EncodeChunkMetas(const std::vector<ChunkMeta>& chunks) {
  std::string out;
  AppendVarint(out, chunks.size());
  const auto between = [](Timestamp from, Timestamp to) {
    return static_cast<uint64_t>(ToMs(to)) - static_cast<uint64_t>(ToMs(from));
  };
  for (size_t i = 0; i < chunks.size(); ++i) {
    const ChunkMeta& chunk = chunks[i];
    AppendVarint(out, i == 0 ? ZigZag(ToMs(chunk.min_time))
                             : between(chunks[i - 1].max_time, chunk.min_time));
    AppendVarint(out, between(chunk.min_time, chunk.max_time));
    AppendVarint(out,
                 i == 0 ? chunk.reference
                        : ZigZag(static_cast<int64_t>(chunk.reference - chunks[i - 1].reference)));
  }
  return out;
}

Status WriteReferences(OutputFile& out, std::span<const uint32_t> references) {
  TRY(out.BeginSection((1 + references.size()) * sizeof(uint32_t)));
  TRY(out.Append(FourBytes(references.size())));
  for (const uint32_t reference : references) TRY(out.Append(FourBytes(reference)));
  return out.EndSection();
}

}  // namespace

Result<IndexWriter> IndexWriter::Create(FileSystem& files, const std::string& path) {
  OutputFile waiting = TRY(OutputFile::Create(files, path + ".series"));
  return IndexWriter(files, path, std::move(waiting));
}

uint32_t IndexWriter::SymbolOf(std::string_view text) {
  const auto found = symbol_ids_.find(text);
  if (found != symbol_ids_.end()) return found->second;
  const auto symbol = static_cast<uint32_t>(symbols_.size());
  symbol_ids_.emplace(symbols_.emplace_back(text), symbol);
  return symbol;
}

uint32_t IndexWriter::PairOf(const Label& label) {
  const Pair pair{SymbolOf(label.name), SymbolOf(label.value)};
  const uint64_t key = (uint64_t{pair.name} << 32) | pair.value;
  const auto [entry, is_new] = pair_ids_.try_emplace(key, static_cast<uint32_t>(pairs_.size()));
  if (is_new) pairs_.push_back(pair);
  return entry->second;
}

Status IndexWriter::Add(const Labels& labels, const std::vector<ChunkMeta>& chunks) {
  std::string entry;
  AppendVarint(entry, labels.size());
  for (const Label& label : labels) {
    const uint32_t id = PairOf(label);
    ++pairs_[id].series;
    AppendVarint(entry, id);
  }
  AppendText(entry, EncodeChunkMetas(chunks));
  return waiting_.Append(entry);
}

void IndexWriter::SortSymbols() {
  sorted_symbols_.resize(symbols_.size());
  std::iota(sorted_symbols_.begin(), sorted_symbols_.end(), 0);
  std::ranges::sort(sorted_symbols_, {},
                    [this](uint32_t id) -> const std::string& { return symbols_[id]; });
  rank_.resize(symbols_.size());
  for (uint32_t i = 0; i < sorted_symbols_.size(); ++i) rank_[sorted_symbols_[i]] = i;
}

void IndexWriter::SortPairs() {
  order_.resize(pairs_.size());
  std::iota(order_.begin(), order_.end(), 0);
  std::ranges::sort(order_, {}, [this](uint32_t id) {
    return std::pair(rank_[pairs_[id].name], rank_[pairs_[id].value]);
  });
  postings_at_.resize(pairs_.size());
  uint64_t at = 0;
  for (const uint32_t id : order_) {
    postings_at_[id] = at;
    at += pairs_[id].series;
  }
  postings_.resize(at);
}

Status IndexWriter::Finish() {
  TRY(waiting_.Finish());
  SortSymbols();
  SortPairs();
  OutputFile out = TRY(OutputFile::Create(files_, path_));
  std::string header;
  AppendBigEndian(header, kIndexMagic);
  header.push_back(kVersion);
  TRY(out.Append(header));

  const uint64_t symbols = out.offset();
  TRY(WriteSymbols(out));
  TRY(out.Pad(kSeriesAlignment));
  const uint64_t series = out.offset();
  TRY(WriteSeries(out));
  TRY(out.Pad(kSectionAlignment));
  const uint64_t label_indexes = out.offset();
  const std::vector<uint64_t> offsets = TRY(WriteLabelIndexes(out));
  const uint64_t postings = out.offset();
  TRY(WritePostings(out));
  const uint64_t label_offsets = out.offset();
  TRY(WriteLabelOffsets(out, offsets));
  const uint64_t postings_offsets = out.offset();
  TRY(WritePostingsOffsets(out, postings));

  std::string contents;
  for (const uint64_t offset :
       {symbols, series, label_indexes, label_offsets, postings, postings_offsets}) {
    AppendBigEndian(contents, offset);
  }
  AppendBigEndian(contents, Crc32c(contents));
  TRY(out.Append(contents));
  TRY(out.Finish());
  return files_.Remove(WaitingPath());
}

Status IndexWriter::WriteSymbols(OutputFile& out) const {
  uint64_t bytes = sizeof(uint32_t);
  for (const std::string& symbol : symbols_) bytes += TextBytes(symbol);
  TRY(out.BeginSection(bytes));
  TRY(out.Append(FourBytes(symbols_.size())));
  std::string entry;
  for (const uint32_t id : sorted_symbols_) {
    entry.clear();
    AppendText(entry, symbols_[id]);
    TRY(out.Append(entry));
  }
  return out.EndSection();
}

Status IndexWriter::WriteSeries(OutputFile& out) {
  const auto waiting = TRY(files_.Map(WaitingPath()));
  ByteReader in(waiting->bytes());
  std::string entry, framed;
  while (in.left() > 0) {
    TRY(out.Pad(kSeriesAlignment));
    const uint64_t reference = out.offset() / kSeriesAlignment;
    if (reference > std::numeric_limits<uint32_t>::max()) {
      return Fail(ErrorCode::kLimitExceeded, path_ + ": the index would exceed 64 GiB");
    }
    all_series_.push_back(static_cast<uint32_t>(reference));
    const uint64_t labels = in.Uvarint();
    entry.clear();
    AppendVarint(entry, labels);
    for (uint64_t i = 0; i < labels; ++i) {
      const uint64_t id = in.Uvarint();
      if (id >= pairs_.size()) return Corrupt(WaitingPath(), 0, "not what was written");
      AppendVarint(entry, rank_[pairs_[id].name]);
      AppendVarint(entry, rank_[pairs_[id].value]);
      postings_[postings_at_[id]++] = static_cast<uint32_t>(reference);
    }
    entry.append(in.Text());
    if (!in.ok()) return Corrupt(WaitingPath(), 0, "not what was written");
    framed.clear();
    AppendText(framed, entry);
    AppendBigEndian(framed, Crc32c(entry));
    TRY(out.Append(framed));
  }
  return {};
}

template <typename Visit>
Status IndexWriter::ForEachName(Visit&& visit) const {
  for (size_t begin = 0; begin < order_.size();) {
    size_t end = begin;
    while (end < order_.size() && pair(end).name == pair(begin).name) ++end;
    TRY(visit(begin, end));
    begin = end;
  }
  return {};
}

// Nothing reads these any more; older versions of Prometheus check that they are there.
Result<std::vector<uint64_t>> IndexWriter::WriteLabelIndexes(OutputFile& out) const {
  std::vector<uint64_t> offsets;
  TRY(ForEachName([&](size_t begin, size_t end) -> Status {
    offsets.push_back(out.offset());
    TRY(out.BeginSection((2 + end - begin) * sizeof(uint32_t)));
    TRY(out.Append(FourBytes(1)));
    TRY(out.Append(FourBytes(end - begin)));
    for (size_t i = begin; i < end; ++i) TRY(out.Append(FourBytes(rank_[pair(i).value])));
    return out.EndSection();
  }));
  return offsets;
}

Status IndexWriter::WritePostings(OutputFile& out) const {
  TRY(WriteReferences(out, all_series_));
  size_t at = 0;
  for (const uint32_t id : order_) {
    TRY(WriteReferences(out, std::span(postings_).subspan(at, pairs_[id].series)));
    at += pairs_[id].series;
  }
  return {};
}

Status IndexWriter::WriteLabelOffsets(OutputFile& out, const std::vector<uint64_t>& offsets) const {
  std::string table = FourBytes(offsets.size());
  size_t next = 0;
  TRY(ForEachName([&](size_t begin, size_t) -> Status {
    table.push_back(1);
    AppendText(table, symbols_[pair(begin).name]);
    AppendVarint(table, offsets[next++]);
    return {};
  }));
  TRY(out.BeginSection(table.size()));
  TRY(out.Append(table));
  return out.EndSection();
}

template <typename Visit>
Status IndexWriter::ForEachPostings(uint64_t first_offset, Visit&& visit) const {
  TRY(visit("", "", first_offset));
  uint64_t offset = first_offset + PostingsBytes(all_series_.size());
  for (const uint32_t id : order_) {
    TRY(visit(symbols_[pairs_[id].name], symbols_[pairs_[id].value], offset));
    offset += PostingsBytes(pairs_[id].series);
  }
  return {};
}

Status IndexWriter::WritePostingsOffsets(OutputFile& out, uint64_t postings) const {
  uint64_t bytes = sizeof(uint32_t);
  TRY(ForEachPostings(
      postings, [&](std::string_view name, std::string_view value, uint64_t offset) -> Status {
        bytes += 1 + TextBytes(name) + TextBytes(value) + VarintBytes(offset);
        return {};
      }));
  TRY(out.BeginSection(bytes));
  TRY(out.Append(FourBytes(1 + pairs_.size())));
  std::string entry;
  TRY(ForEachPostings(
      postings, [&](std::string_view name, std::string_view value, uint64_t offset) -> Status {
        entry.assign(1, '\2');
        AppendText(entry, name);
        AppendText(entry, value);
        AppendVarint(entry, offset);
        return out.Append(entry);
      }));
  return out.EndSection();
}

}  // namespace barograph::tsdb::prometheus
