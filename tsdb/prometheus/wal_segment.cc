#include "tsdb/prometheus/wal_segment.h"

#include <snappy.h>
#include <zstd.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/bytes/byte_reader.h"
#include "tsdb/prometheus/file_format.h"

namespace barograph::tsdb::prometheus {
namespace {

constexpr size_t kPageBytes = 32768;
constexpr size_t kFragmentHeaderBytes = 7;

// A fragment's first byte: its type, and how the whole record is compressed.
constexpr uint8_t kTypeMask = 7;
constexpr uint8_t kSnappy = 8;
constexpr uint8_t kZstd = 16;
enum : uint8_t { kRestOfPage = 0, kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

// More than any record has; a broken one may ask for anything.
constexpr size_t kMaxRecordBytes = size_t{256} << 20;
constexpr size_t kMaxSnappyRatio = 32;  // what the format can reach is less

bool DecompressSnappy(std::string_view data, std::string& out) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(data.data(), data.size(), &size)) return false;
  if (size > kMaxRecordBytes || size > data.size() * kMaxSnappyRatio) return false;
  return snappy::Uncompress(data.data(), data.size(), &out);
}

bool DecompressZstd(std::string_view data, std::string& out) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                     ZSTD_freeDCtx);
  if (context == nullptr) return false;
  ZSTD_inBuffer in{data.data(), data.size(), 0};
  size_t filled = 0, wanted = 1;
  while (wanted != 0) {
    if (filled == kMaxRecordBytes) return false;
    out.resize(std::min(kMaxRecordBytes, filled + ZSTD_DStreamOutSize()));
    ZSTD_outBuffer chunk{out.data(), out.size(), filled};
    wanted = ZSTD_decompressStream(context.get(), &chunk, &in);
    if (ZSTD_isError(wanted) != 0) return false;
    const bool stuck = chunk.pos == filled && in.pos == in.size;
    if (wanted != 0 && stuck) return false;
    filled = chunk.pos;
  }
  out.resize(filled);
  return true;
}

}  // namespace

WalSegmentReader::WalSegmentReader(std::string_view bytes, std::string path)
    : bytes_(bytes), path_(std::move(path)) {}

void WalSegmentReader::Problem(uint64_t offset, std::string_view what) {
  problems_.push_back(Corrupt(path_, offset, what).error());
}

void WalSegmentReader::SkipPage() {
  position_ = std::min(bytes_.size(), (position_ / kPageBytes + 1) * kPageBytes);
}

std::optional<WalSegmentReader::Fragment> WalSegmentReader::NextFragment() {
  while (position_ < bytes_.size()) {
    fragment_offset_ = position_;
    const size_t page_end = std::min(bytes_.size(), (position_ / kPageBytes + 1) * kPageBytes);
    ByteReader in(bytes_.substr(position_, page_end - position_));
    const uint8_t flags = in.Byte();
    if ((flags & kTypeMask) == kRestOfPage) {
      SkipPage();
      continue;
    }
    const auto size = in.Fixed<uint16_t>();
    const std::string_view stored = in.Bytes(kCrcBytes);
    const std::string_view data = in.Bytes(size);
    if (in.ok() && ChecksumMatches(data, stored)) {
      position_ += kFragmentHeaderBytes + size;
      return Fragment{flags, data};
    }
    Problem(position_, in.ok() ? "the record's checksum does not match" : "the record is cut off");
    in_record_ = false;
    resuming_ = true;
    SkipPage();
  }
  return std::nullopt;
}

std::optional<std::string_view> WalSegmentReader::Next() {
  while (const std::optional<Fragment> fragment = NextFragment()) {
    const uint8_t type = fragment->flags & kTypeMask;
    const bool begins = type == kFull || type == kFirst;
    if (resuming_ && !begins) continue;  // of a record that is lost already
    resuming_ = false;
    if (in_record_ == begins || type > kLast) {
      Problem(fragment_offset_, "a part of a record without the rest");
      in_record_ = false;
      if (!begins) continue;
    }
    if (begins) {
      record_.clear();
      record_offset_ = fragment_offset_;
    }
    record_.append(fragment->data);
    in_record_ = type == kFirst || type == kMiddle;
    if (in_record_) continue;
    if (const auto whole = Decompress(fragment->flags)) return whole;
  }
  if (in_record_) Problem(record_offset_, "the record is cut off");
  in_record_ = false;
  return std::nullopt;
}

std::optional<std::string_view> WalSegmentReader::Decompress(uint8_t flags) {
  if ((flags & (kSnappy | kZstd)) == 0) return record_;
  const bool done = (flags & kSnappy) != 0 ? DecompressSnappy(record_, decompressed_)
                                           : DecompressZstd(record_, decompressed_);
  if (done) return decompressed_;
  Problem(record_offset_, "the record does not decompress");
  return std::nullopt;
}

}  // namespace barograph::tsdb::prometheus
