#include "tsdb/head/series_dump.h"

#include <algorithm>
#include <cstring>
#include <thread>
#include <utility>

#include "base/bytes/byte_reader.h"
#include "base/bytes/varint.h"
#include "tsdb/index/id_codec.h"
#include "tsdb/wal/format.h"
#include "tsdb/wal/reader.h"

namespace barograph::tsdb {
namespace {

constexpr std::string_view kMagic = "BAROSER1";
constexpr size_t kPieceBytes = size_t{256} << 10;
// What a pair and a series take at least: more cannot be told by a file.
constexpr size_t kLeastPairBytes = 3, kLeastSeriesBytes = 6;

constexpr char kBegin = 'B', kPairs = 'P', kSeries = 'S', kSlots = 'T';

void AppendText(std::string& out, std::string_view text) {
  AppendVarint(out, text.size());
  out.append(text);
}

std::unexpected<Error> Bad(std::string_view what) {
  return Fail(ErrorCode::kCorruption, "series of the head: " + std::string(what));
}

}  // namespace

SeriesDumpWriter::SeriesDumpWriter(std::shared_ptr<const SeriesSet> set, SeriesId last_id)
    : set_(std::move(set)),
      last_id_(last_id),
      pairs_(set_->labels().size()),
      series_(static_cast<SeriesRef>(set_->size())),
      slots_(set_->table().slots().begin(), set_->table().slots().end()) {}

bool SeriesDumpWriter::done() const {
  return offset_ != 0 && next_pair_ == pairs_ && next_series_ == series_ &&
         next_slot_ == slots_.size();
}

std::string SeriesDumpWriter::Next() {
  if (offset_ == 0) {
    offset_ = kMagic.size();
    return std::string(kMagic) + Frame(kBegin, Begin());
  }
  if (next_pair_ < pairs_) return Frame(kPairs, NextPairs());
  if (next_series_ < series_) return Frame(kSeries, NextSeries());
  return Frame(kSlots, NextSlots());
}

std::string SeriesDumpWriter::Frame(char type, std::string_view payload) {
  std::string frame;
  wal::AppendFrame(frame, {static_cast<wal::RecordType>(type), payload}, {0, offset_});
  offset_ += frame.size();
  return frame;
}

std::string SeriesDumpWriter::Begin() const {
  std::string out;
  AppendVarint(out, pairs_);
  AppendVarint(out, series_);
  AppendVarint(out, slots_.size());
  AppendVarint(out, static_cast<uint64_t>(last_id_));
  return out;
}

std::string SeriesDumpWriter::NextPairs() {
  std::string out;
  for (; next_pair_ < pairs_ && out.size() < kPieceBytes; ++next_pair_) {
    const Label label = set_->labels().pair(next_pair_);
    AppendText(out, label.name);
    AppendText(out, label.value);
    Roaring refs = set_->labels().postings(next_pair_).ToSet();
    if (!refs.isEmpty() && refs.maximum() >= series_) {
      roaring_bitmap_remove_range(&refs.roaring, series_, uint64_t{1} << 32);
    }
    AppendText(out, index::EncodeIds(refs));
  }
  return out;
}

std::string SeriesDumpWriter::NextSeries() {
  std::string out;
  uint64_t before = 0;
  for (; next_series_ < series_ && out.size() < kPieceBytes; ++next_series_) {
    const auto id = static_cast<uint64_t>(set_->IdOf(next_series_));
    AppendVarint(out, ZigZag(static_cast<int64_t>(id - before)));
    before = id;
    const uint32_t hash = set_->HashOf(next_series_);
    out.append(reinterpret_cast<const char*>(&hash), sizeof(hash));
    AppendText(out, set_->PairsOf(next_series_));
  }
  return out;
}

std::string SeriesDumpWriter::NextSlots() {
  const size_t count = std::min(kPieceBytes / sizeof(SeriesRef), slots_.size() - next_slot_);
  std::string out(reinterpret_cast<const char*>(slots_.data() + next_slot_),
                  count * sizeof(SeriesRef));
  next_slot_ += count;
  return out;
}

namespace {

/// Pairs are most of the work, and know nothing of the series: they are read on a thread of their
/// own.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  Result<SeriesDump> Read() {
    TRY(FindFrames());
    if (!begun_) return Bad("cut off");
    bool pairs_good = false, series_good = false;
    {
      const std::jthread other([&] { pairs_good = ReadAll(pair_frames_, &Reader::Pairs); });
      series_good = ReadAll(series_frames_, &Reader::Series);
    }
    if (!pairs_good || !series_good) return Bad("malformed");
    if (set_->labels().size() != pairs_ || set_->size() != series_ ||
        slots_.size() != slot_count_) {
      return Bad("cut off");
    }
    if (!set_->RestoreTable(std::move(slots_))) return Bad("malformed");
    return SeriesDump{std::move(set_), last_id_};
  }

 private:
  using Frames = std::vector<std::string_view>;

  Status FindFrames() {
    if (!bytes_.starts_with(kMagic)) return Bad("not such a file");
    wal::SegmentReader frames(0, bytes_, kMagic.size());
    wal::Record frame{};
    auto event = frames.Next(frame);
    for (; event == wal::SegmentReader::Event::kRecord; event = frames.Next(frame)) {
      if (!Sort(static_cast<char>(frame.type), frame.payload)) return Bad("malformed");
    }
    if (event != wal::SegmentReader::Event::kEnd) return Bad("damaged");
    return {};
  }

  bool Sort(char type, std::string_view payload) {
    if (begun_ == (type == kBegin)) return false;
    switch (type) {
      case kBegin: return Begin(ByteReader(payload));
      case kPairs: pair_frames_.push_back(payload); return true;
      case kSeries: series_frames_.push_back(payload); return true;
      case kSlots: return Slots(payload);
      default: return false;
    }
  }

  bool ReadAll(const Frames& frames, bool (Reader::*read)(ByteReader)) {
    return std::ranges::all_of(
        frames, [&](std::string_view payload) { return (this->*read)(ByteReader(payload)); });
  }

  bool Begin(ByteReader payload) {
    begun_ = true;
    pairs_ = payload.Uvarint();
    series_ = payload.Uvarint();
    slot_count_ = payload.Uvarint();
    last_id_ = SeriesId{payload.Uvarint()};
    if (!payload.ok() || !payload.at_end() || pairs_ > bytes_.size() / kLeastPairBytes ||
        series_ > bytes_.size() / kLeastSeriesBytes ||
        slot_count_ > bytes_.size() / sizeof(SeriesRef)) {
      return false;
    }
    set_->Reserve(series_, pairs_);
    slots_.reserve(slot_count_);
    return true;
  }

  bool Pairs(ByteReader payload) {
    while (!payload.at_end()) {
      const std::string_view name = payload.Text(), value = payload.Text();
      Roaring refs;
      if (!index::DecodeIds(payload.Text(), refs)) return false;
      const bool fits = refs.isEmpty() || refs.maximum() < series_;
      if (!fits || !set_->RestorePair({name, value}, PostingList(std::move(refs)))) return false;
    }
    return payload.ok();
  }

  bool Series(ByteReader payload) {
    uint64_t id = 0;
    while (!payload.at_end()) {
      id += static_cast<uint64_t>(payload.Varint());
      uint32_t hash = 0;
      const std::string_view hash_bytes = payload.Bytes(sizeof(hash));
      const std::string_view pairs = payload.Text();
      if (!payload.ok()) return false;
      std::memcpy(&hash, hash_bytes.data(), sizeof(hash));
      if (!set_->RestoreSeries(SeriesId{id}, hash, pairs, pairs_)) return false;
    }
    return true;
  }

  bool Slots(std::string_view bytes) {
    if (bytes.size() % sizeof(SeriesRef) != 0) return false;
    const size_t had = slots_.size();
    slots_.resize(had + bytes.size() / sizeof(SeriesRef));
    std::memcpy(slots_.data() + had, bytes.data(), bytes.size());
    return true;
  }

  const std::string_view bytes_;
  bool begun_ = false;
  uint64_t pairs_ = 0, series_ = 0, slot_count_ = 0;
  Frames pair_frames_, series_frames_;
  std::vector<SeriesRef> slots_;
  SeriesId last_id_ = kNoSeries;
  std::shared_ptr<SeriesSet> set_ = std::make_shared<SeriesSet>();
};

}  // namespace

Result<SeriesDump> ReadSeriesDump(std::string_view bytes) { return Reader(bytes).Read(); }

}  // namespace barograph::tsdb
