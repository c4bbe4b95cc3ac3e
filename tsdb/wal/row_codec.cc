#include "tsdb/wal/row_codec.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/bytes/varint.h"
#include "tsdb/bitmap.h"

namespace barograph::tsdb {
namespace {

constexpr uint8_t kFlagKey = 1;
constexpr uint8_t kFlagSparse = 2;
constexpr uint8_t kFlagEdits = 4;
constexpr uint8_t kFlagSpecials = 8;
constexpr uint8_t kAllFlags = 15;

// Bytes of a zigzag change under each 2-bit code; the fourth code sets mode and value.
constexpr size_t kDecimalBytes[] = {1, 2, 4};
constexpr size_t kRawBytes[] = {4, 6, 7};
constexpr uint8_t kCodeSet = 3;
constexpr size_t kSetBytes = 9;

static_assert(std::endian::native == std::endian::little);

uint64_t LoadLittleEndian(const char* in, size_t bytes) {
  uint64_t value = 0;
  std::memcpy(&value, in, bytes);
  return value;
}

void AppendBits(std::string& out, std::span<const uint64_t> words, size_t bits) {
  out.append(reinterpret_cast<const char*>(words.data()), BytesFor(bits));
}

// One bit for each i < n where a[i] and b[i] are not the same to the bit.
uint64_t Differences(const double* a, const double* b, size_t n) {
  uint64_t mask = 0;
  for (size_t i = 0; i < n; ++i) mask |= static_cast<uint64_t>(Bits(a[i]) != Bits(b[i])) << i;
  return mask;
}

// The code whose bytes hold `change`, or kCodeSet.
uint8_t CodeFor(uint64_t change, DecimalMode mode) {
  if (mode == kRawBits) {
    if (change >> 32 == 0) return 0;
    if (change >> 48 == 0) return 1;
    return change >> 56 == 0 ? 2 : kCodeSet;
  }
  if (change < 1 << 8) return 0;
  if (change < 1 << 16) return 1;
  return change >> 32 == 0 ? 2 : kCodeSet;
}

size_t CodeBytes(uint8_t code, DecimalMode mode) {
  return mode == kRawBits ? kRawBytes[code] : kDecimalBytes[code];
}

// The difference of two values that `mode` holds, in its units.
int64_t Difference(double value, double last, DecimalMode mode) {
  if (mode == kRawBits) return static_cast<int64_t>(Bits(value) - Bits(last));
  return Quantum(value, mode) - Quantum(last, mode);
}

// The mode for a value that comes while its column is in `mode`. Whole numbers end a raw stretch.
DecimalMode ModeFor(double value, DecimalMode mode, bool look_again) {
  int64_t ignored;
  if (mode == kRawBits) {
    if (ToDecimal(value, 0, ignored)) return 0;
    return look_again ? FindMode(value) : kRawBits;
  }
  return ToDecimal(value, mode, ignored) ? mode : FindMode(value);
}

class RowEncoder {
 public:
  RowEncoder(const RowInput& row, CodingState state, RowBuffers& buffers,
             std::vector<RowChange>& changes)
      : row_(row),
        state_(state),
        width_(state.last.size()),
        changes_(changes),
        changed_(buffers.changed),
        modes_(buffers.modes),
        codes_(buffers.codes),
        data_(buffers.data),
        specials_(buffers.specials) {
    changes_.clear();
    changed_.assign(WordsFor(width_), 0);
    modes_.assign(row.key ? BytesFor(width_ * 4) : 0, 0);
    GrowTo(codes_, width_);
    GrowTo(data_, width_ * kSetBytes + sizeof(uint64_t));
    specials_.clear();
    data_end_ = data_.data();
  }

  void Encode(std::string& out) {
    for (size_t word = 0; word < changed_.size(); ++word) {
      row_.key ? EncodeKeyWord(word) : EncodeWord(word);
    }
    AppendHeader(out);
    AppendBits(out, changed_, width_);
    out.append(modes_.begin(), modes_.end());
    AppendCodes(out);
    out.append(data_.data(), data_end_);
  }

 private:
  void EncodeWord(size_t word) {
    const size_t base = word * 64;
    const uint64_t present = WordAt(row_.present, word);
    if (present == 0) return;
    const size_t n = std::min({size_t{64}, width_ - base, row_.values.size() - base});
    const uint64_t differ =
        Differences(row_.values.data() + base, state_.last.data() + base, n) & present;
    ForEachBit(differ, base, [&](size_t column) { EncodeChange(column); });
  }

  void EncodeChange(size_t column) {
    const double value = row_.values[column], last = state_.last[column];
    const DecimalMode mode = state_.mode[column];
    int64_t quantum;
    if (mode != kRawBits && ToDecimal(value, mode, quantum)) [[likely]] {
      EmitDelta(column, mode, value, quantum - Quantum(last, mode));
    } else if (IsStale(value)) {
      EmitSpecial(column, value);
    } else if (const DecimalMode next = ModeFor(value, mode, false); next != mode) {
      EmitSet(column, next, value);
    } else {
      EmitDelta(column, mode, value, Difference(value, last, mode));
    }
  }

  void EmitDelta(size_t column, DecimalMode mode, double value, int64_t delta) {
    const uint64_t change = ZigZag(delta);
    const uint8_t code = CodeFor(change, mode);
    if (code == kCodeSet) return EmitSet(column, mode, value);
    AppendChange(column, code, change, CodeBytes(code, mode));
    AddChange(column, RowChange::Kind::kDelta, mode, value, delta);
  }

  // Stores eight bytes, of which `bytes` count.
  void AppendChange(size_t column, uint8_t code, uint64_t change, size_t bytes) {
    SetBit(changed_, column);
    codes_[code_count_++] = code;
    std::memcpy(data_end_, &change, sizeof(change));
    data_end_ += bytes;
  }

  void EmitSet(size_t column, DecimalMode mode, double value) {
    AppendSet(column, mode, value);
    AddChange(column, RowChange::Kind::kSet, mode, value, 0);
  }

  void AppendSet(size_t column, DecimalMode mode, double value) {
    *data_end_++ = static_cast<char>(mode);
    AppendChange(column, kCodeSet, Bits(value), sizeof(value));
  }

  void EmitSpecial(size_t column, double value) {
    specials_.push_back(changes_.size());
    AddChange(column, RowChange::Kind::kSpecial, 0, value, 0);
  }

  void AddChange(size_t column, RowChange::Kind kind, DecimalMode mode, double value,
                 int64_t delta) {
    changes_.push_back({static_cast<ColumnId>(column), kind, mode, value, delta});
  }

  void EncodeKeyWord(size_t word) {
    const uint64_t present = WordAt(row_.present, word);
    ForEachBit(WordAt(row_.assigned, word), word * 64, [&](size_t column) {
      const bool is_present = (present >> (column % 64) & 1) != 0;
      EncodeKeyColumn(column, is_present);
    });
  }

  // A key row tells each column's state from nothing; what changes is still told to the table
  // against the state it has.
  void EncodeKeyColumn(size_t column, bool present) {
    double value = state_.last[column];
    DecimalMode mode = state_.mode[column];
    if (present && IsStale(row_.values[column])) {
      EmitSpecial(column, row_.values[column]);
    } else if (present) {
      value = row_.values[column];
      mode = ModeFor(value, mode, true);
      AddKeyChange(column, value, mode);
    }
    modes_[column / 2] |= static_cast<uint8_t>(mode << (column % 2 * 4));
    const uint64_t change = ZigZag(Difference(value, 0, mode));
    if (change == 0) return;
    const uint8_t code = CodeFor(change, mode);
    if (code == kCodeSet) return AppendSet(column, mode, value);
    AppendChange(column, code, change, CodeBytes(code, mode));
  }

  void AddKeyChange(size_t column, double value, DecimalMode mode) {
    const double last = state_.last[column];
    if (mode != state_.mode[column]) {
      AddChange(column, RowChange::Kind::kSet, mode, value, 0);
    } else if (!SameBits(value, last)) {
      AddChange(column, RowChange::Kind::kDelta, mode, value, Difference(value, last, mode));
    }
  }

  void AppendHeader(std::string& out) {
    const bool sparse = !std::ranges::equal(row_.present, row_.assigned);
    const bool edits = !row_.releases.empty() || !row_.assignments.empty();
    out += static_cast<char>((row_.key ? kFlagKey : 0) | (sparse ? kFlagSparse : 0) |
                             (edits ? kFlagEdits : 0) | (specials_.empty() ? 0 : kFlagSpecials));
    AppendVarint(out, ZigZag(ToMs(row_.timestamp)));
    AppendVarint(out, width_);
    if (edits) AppendEdits(out);
    if (sparse) AppendPresence(out);
    if (!specials_.empty()) AppendSpecials(out);
  }

  void AppendEdits(std::string& out) {
    AppendVarint(out, row_.releases.size());
    for (const ColumnId column : row_.releases) AppendVarint(out, column);
    AppendVarint(out, row_.assignments.size());
    ColumnAssignment previous{0, kNoSeries, false};
    for (const ColumnAssignment& next : row_.assignments) {
      const uint64_t step = ZigZag(int64_t{next.column} - int64_t{previous.column});
      AppendVarint(out, step << 1 | (next.resumed ? 1 : 0));
      AppendVarint(out, ZigZag(static_cast<int64_t>(static_cast<uint64_t>(next.series) -
                                                    static_cast<uint64_t>(previous.series))));
      previous = next;
    }
  }

  void AppendPresence(std::string& out) {
    std::vector<uint64_t> words(row_.present.begin(), row_.present.end());
    words.resize(WordsFor(width_));
    AppendBits(out, words, width_);
  }

  void AppendSpecials(std::string& out) {
    AppendVarint(out, specials_.size());
    ColumnId previous = 0;
    for (const size_t index : specials_) {
      const RowChange& change = changes_[index];
      AppendVarint(out, change.column - previous);
      out.append(reinterpret_cast<const char*>(&change.value), sizeof(change.value));
      previous = change.column;
    }
  }

  void AppendCodes(std::string& out) const {
    uint8_t packed = 0;
    for (size_t i = 0; i < code_count_; ++i) {
      packed |= static_cast<uint8_t>(codes_[i] << (i % 4 * 2));
      if (i % 4 == 3 || i + 1 == code_count_) {
        out += static_cast<char>(packed);
        packed = 0;
      }
    }
  }

  // What is there is written over.
  template <typename T>
  static void GrowTo(std::vector<T>& buffer, size_t size) {
    if (buffer.size() < size) buffer.resize(size);
  }

  const RowInput& row_;
  CodingState state_;
  size_t width_;
  std::vector<RowChange>& changes_;
  std::vector<uint64_t>& changed_;
  std::vector<uint8_t>& modes_;
  std::vector<uint8_t>& codes_;
  size_t code_count_ = 0;
  std::vector<char>& data_;  // room for every column, and for a store past the last
  char* data_end_;
  std::vector<size_t>& specials_;
};

std::unexpected<Error> BadRow(std::string_view what) {
  return Fail(ErrorCode::kCorruption, "row record: " + std::string(what));
}

// Takes bytes and varints off the front of a body.
class BodyReader {
 public:
  explicit BodyReader(std::string_view bytes) : bytes_(bytes) {}

  bool Varint(uint64_t& value) {
    const char* end = bytes_.data() + bytes_.size();
    const char* next = GetVarint(bytes_.data(), end, value);
    if (next == nullptr) return false;
    bytes_.remove_prefix(static_cast<size_t>(next - bytes_.data()));
    return true;
  }
  bool Take(uint64_t size, std::string_view& out) {
    if (size > bytes_.size()) return false;
    out = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return true;
  }
  bool Words(size_t bits, std::vector<uint64_t>& words) {
    std::string_view bytes;
    if (!Take(BytesFor(bits), bytes)) return false;
    words.assign(WordsFor(bits), 0);
    if (!bytes.empty()) std::memcpy(words.data(), bytes.data(), bytes.size());
    // Bits past the width name no column.
    return bits % 64 == 0 || (words.back() >> (bits % 64)) == 0;
  }
  std::string_view rest() const { return bytes_; }

 private:
  std::string_view bytes_;
};

bool ReadReleases(BodyReader& in, RowHeader& header) {
  uint64_t count, column;
  if (!in.Varint(count) || count > in.rest().size()) return false;
  for (uint64_t i = 0; i < count; ++i) {
    if (!in.Varint(column) || column > UINT32_MAX) return false;
    header.releases.push_back(static_cast<ColumnId>(column));
  }
  return true;
}

bool ReadAssignments(BodyReader& in, RowHeader& header) {
  uint64_t count, column_change, series_change;
  if (!in.Varint(count) || count > in.rest().size()) return false;
  uint64_t column = 0, series = 0;
  for (uint64_t i = 0; i < count; ++i) {
    if (!in.Varint(column_change) || !in.Varint(series_change)) return false;
    column += static_cast<uint64_t>(UnZigZag(column_change >> 1));
    series += static_cast<uint64_t>(UnZigZag(series_change));
    if (column >= header.width || series == 0) return false;
    const bool resumed = (column_change & 1) != 0;
    header.assignments.push_back({static_cast<ColumnId>(column), SeriesId{series}, resumed});
  }
  return true;
}

class RowDecoder {
 public:
  RowDecoder(const RowHeader& header, std::span<const uint64_t> assigned, CodingState state,
             std::vector<uint64_t>& present, std::vector<RowChange>& changes)
      : header_(header),
        assigned_(assigned),
        state_(state),
        present_(present),
        changes_(changes),
        in_(header.rest) {}

  Status Decode() {
    changes_.clear();
    if (state_.last.size() < header_.width) return BadRow("wider than its table");
    if (!ReadPresence()) return BadRow("bad presence bitmap");
    if (header_.specials && !ReadSpecials()) return BadRow("bad special values");
    std::vector<uint64_t> changed;
    if (!in_.Words(header_.width, changed)) return BadRow("bad change bitmap");
    if (header_.key && !in_.Take(BytesFor(header_.width * 4), modes_)) return BadRow("cut off");
    if (!in_.Take(BytesFor(CountBits(changed) * 2), codes_)) return BadRow("cut off");
    const bool good = header_.key ? DecodeKey(changed) : DecodeChanges(changed);
    if (!good || !in_.rest().empty()) return BadRow("values do not fit");
    return {};
  }

 private:
  bool ReadPresence() {
    if (header_.sparse && !in_.Words(header_.width, present_)) return false;
    if (!header_.sparse) {
      present_.assign(WordsFor(header_.width), 0);
      for (size_t w = 0; w < present_.size(); ++w) present_[w] = WordAt(assigned_, w);
    }
    for (size_t w = 0; w < present_.size(); ++w) {
      if ((present_[w] & ~WordAt(assigned_, w)) != 0) return false;
    }
    return true;
  }

  bool ReadSpecials() {
    uint64_t count, step;
    std::string_view bits;
    if (!in_.Varint(count) || count > in_.rest().size()) return false;
    special_.assign(present_.size(), 0);
    uint64_t column = 0;
    for (uint64_t i = 0; i < count; ++i) {
      if (!in_.Varint(step) || (i > 0 && step == 0) || step >= header_.width) return false;
      column += step;
      if (column >= header_.width || !in_.Take(8, bits)) return false;
      if (!TestBit(present_, column)) return false;
      SetBit(special_, column);
      Add(column, RowChange::Kind::kSpecial, 0, FromBits(LoadLittleEndian(bits.data(), 8)), 0);
    }
    return true;
  }

  bool DecodeChanges(std::span<const uint64_t> changed) {
    for (size_t w = 0; w < changed.size(); ++w) {
      if ((changed[w] & ~(present_[w] & ~WordAt(special_, w))) != 0) return false;
      for (uint64_t word = changed[w]; word != 0; word &= word - 1) {
        const size_t column = w * 64 + static_cast<size_t>(std::countr_zero(word));
        if (!DecodeChange(column)) return false;
      }
    }
    return true;
  }

  bool DecodeChange(size_t column) {
    DecimalMode mode = state_.mode[column];
    double value;
    bool is_set;
    int64_t delta;
    if (!ReadValue(state_.last[column], mode, value, delta, is_set)) return false;
    Add(column, is_set ? RowChange::Kind::kSet : RowChange::Kind::kDelta, mode, value, delta);
    return true;
  }

  // Reads the next change: of a value `last` in `mode`.
  bool ReadValue(double last, DecimalMode& mode, double& value, int64_t& delta, bool& is_set) {
    const uint8_t code = static_cast<uint8_t>(codes_[next_code_ / 4]) >> (next_code_ % 4 * 2) & 3;
    ++next_code_;
    std::string_view bytes;
    is_set = code == kCodeSet;
    if (!in_.Take(is_set ? kSetBytes : CodeBytes(code, mode), bytes)) return false;
    delta = 0;
    if (is_set) {
      mode = static_cast<DecimalMode>(bytes[0]);
      value = FromBits(LoadLittleEndian(bytes.data() + 1, 8));
      int64_t ignored;
      return mode == kRawBits || (mode <= kMaxPlaces && ToDecimal(value, mode, ignored));
    }
    delta = UnZigZag(LoadLittleEndian(bytes.data(), bytes.size()));
    if (mode == kRawBits) {
      value = FromBits(Bits(last) + static_cast<uint64_t>(delta));
      return true;
    }
    const int64_t quantum = Quantum(last, mode) + delta;
    value = FromDecimal(quantum, mode);
    int64_t again;
    return ToDecimal(value, mode, again) && again == quantum;
  }

  bool DecodeKey(std::span<const uint64_t> changed) {
    for (size_t column = 0; column < header_.width; ++column) {
      if (!TestBit(assigned_, column)) {
        if (TestBit(changed, column)) return false;
        continue;
      }
      DecimalMode mode = static_cast<uint8_t>(modes_[column / 2]) >> (column % 2 * 4) & 15;
      double value = 0;
      int64_t delta;
      bool is_set;
      if (TestBit(changed, column) && !ReadValue(0, mode, value, delta, is_set)) return false;
      AddKeyChange(column, mode, value);
    }
    return true;
  }

  void AddKeyChange(size_t column, DecimalMode mode, double value) {
    const double last = state_.last[column];
    const bool sample = TestBit(present_, column) && !TestBit(special_, column);
    const bool same_mode = mode == state_.mode[column];
    if (same_mode && SameBits(value, last)) return;
    if (!sample) return Add(column, RowChange::Kind::kState, mode, value, 0);
    if (!same_mode) return Add(column, RowChange::Kind::kSet, mode, value, 0);
    Add(column, RowChange::Kind::kDelta, mode, value, Difference(value, last, mode));
  }

  void Add(size_t column, RowChange::Kind kind, DecimalMode mode, double value, int64_t delta) {
    changes_.push_back({static_cast<ColumnId>(column), kind, mode, value, delta});
  }

  const RowHeader& header_;
  std::span<const uint64_t> assigned_;
  CodingState state_;
  std::vector<uint64_t>& present_;
  std::vector<RowChange>& changes_;
  BodyReader in_;
  std::vector<uint64_t> special_;
  std::string_view modes_, codes_;
  size_t next_code_ = 0;
};

}  // namespace

void EncodeRow(const RowInput& row, CodingState state, RowBuffers& buffers, std::string& out,
               std::vector<RowChange>& changes) {
  RowEncoder(row, state, buffers, changes).Encode(out);
}

Result<RowHeader> ParseRowHeader(std::string_view body) {
  BodyReader in(body);
  RowHeader header;
  std::string_view flag_byte;
  uint64_t timestamp, width;
  if (!in.Take(1, flag_byte) || !in.Varint(timestamp) || !in.Varint(width)) {
    return BadRow("cut off");
  }
  const auto flags = static_cast<uint8_t>(flag_byte[0]);
  if (flags > kAllFlags) return BadRow("unknown flags");
  // The change bitmap alone takes width / 8 bytes: a small record cannot ask for much memory.
  if (width > kMaxColumns || width / 8 > in.rest().size()) return BadRow("width past its end");
  header.timestamp = FromMs(UnZigZag(timestamp));
  if (header.timestamp < kMinTimestamp || header.timestamp > kMaxTimestamp) {
    return BadRow("timestamp out of range");
  }
  header.width = width;
  header.key = (flags & kFlagKey) != 0;
  header.sparse = (flags & kFlagSparse) != 0;
  header.specials = (flags & kFlagSpecials) != 0;
  if ((flags & kFlagEdits) != 0 && (!ReadReleases(in, header) || !ReadAssignments(in, header))) {
    return BadRow("bad columns");
  }
  header.rest = in.rest();
  return header;
}

Status DecodeRow(const RowHeader& header, std::span<const uint64_t> assigned, CodingState state,
                 std::vector<uint64_t>& present, std::vector<RowChange>& changes) {
  return RowDecoder(header, assigned, state, present, changes).Decode();
}

}  // namespace barograph::tsdb
