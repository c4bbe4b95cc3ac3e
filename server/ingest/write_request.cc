#include "server/ingest/write_request.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace barograph::server {
namespace {

/// A label set of more bytes is refused, before it is put together.
constexpr size_t kMaxLabelSetBytes = size_t{1} << 20;

/// The varint that is the last `size` bytes before `end`, of at least eight that can be read;
/// nullopt where it is not that, or has more than eight.
std::optional<uint64_t> ReadVarintBefore(const char* end, size_t size) {
  uint64_t word;
  if (size == 0 || size > sizeof word) return std::nullopt;
  std::memcpy(&word, end - sizeof word, sizeof word);
  const size_t others = 8 * (sizeof word - size);  // bits of what is before it
  constexpr uint64_t kContinues = 0x8080808080808080;
  constexpr uint64_t kLastByte = uint64_t{0x80} << 56;
  if ((~word & kContinues >> others << others) != kLastByte) return std::nullopt;
  return JoinVarint(word >> others);
}

/// Reads a sample that is its value and its time, in this order, as in most requests.
bool ReadPlainSample(std::string_view message, WireSample& sample) {
  constexpr size_t kTimeAt = 1 + sizeof(double);
  if (message.size() < kTimeAt + 2) return false;
  if (message[0] != MakeTag(1, WireType::kFixed64)) return false;
  if (message[kTimeAt] != MakeTag(2, WireType::kVarint)) return false;
  const auto time_ms =
      ReadVarintBefore(message.data() + message.size(), message.size() - kTimeAt - 1);
  if (!time_ms) return false;
  std::memcpy(&sample.value, message.data() + 1, sizeof sample.value);
  sample.timestamp = FromMs(static_cast<int64_t>(*time_ms));
  return true;
}

bool IsPlainSample(std::string_view message) {
  WireSample ignored;
  return ReadPlainSample(message, ignored);
}

/// Whether a label is its name and its value, in this order and both short.
bool IsPlainLabel(std::string_view message) {
  const auto byte = [message](size_t at) { return static_cast<uint8_t>(message[at]); };
  const size_t size = message.size();
  if (size < 4 || byte(0) != MakeTag(1, WireType::kBytes)) return false;
  const size_t value_at = size_t{2} + byte(1);
  if (byte(1) >= 0x80 || size < value_at + 2 || byte(value_at) != MakeTag(2, WireType::kBytes)) {
    return false;
  }
  return byte(value_at + 1) < 0x80 && size == value_at + 2 + byte(value_at + 1);
}

/// What is inside a message's fields, as far as it must be looked at to know that it is
/// well-formed.
struct MessageShape {
  enum class Inside : uint8_t { kMessage, kPackedVarints, kPackedDoubles };
  struct Field {
    uint32_t number;
    Inside inside;
    const MessageShape* message = nullptr;
  };
  std::span<const Field> fields;

  /// Says at a look that a message is well-formed, if it is written as most senders do; else null.
  bool (*is_plain)(std::string_view message) = nullptr;
};
using Field = MessageShape::Field;
constexpr auto kMessage = MessageShape::Inside::kMessage;
constexpr auto kPackedVarints = MessageShape::Inside::kPackedVarints;
constexpr auto kPackedDoubles = MessageShape::Inside::kPackedDoubles;

constexpr MessageShape kFlat;  // numbers and strings only
constexpr MessageShape kLabel = {{}, IsPlainLabel};
constexpr MessageShape kSample = {{}, IsPlainSample};

constexpr Field kHistogramFields[] = {
    {8, kMessage, &kFlat}, {9, kPackedVarints},  {10, kPackedDoubles}, {11, kMessage, &kFlat},
    {12, kPackedVarints},  {13, kPackedDoubles}, {16, kPackedDoubles}};
constexpr MessageShape kHistogram = {kHistogramFields};

constexpr Field kExemplarV1Fields[] = {{1, kMessage, &kLabel}};
constexpr MessageShape kExemplarV1 = {kExemplarV1Fields};
constexpr Field kSeriesV1Fields[] = {{1, kMessage, &kLabel},
                                     {2, kMessage, &kSample},
                                     {3, kMessage, &kExemplarV1},
                                     {4, kMessage, &kHistogram}};
constexpr MessageShape kSeriesV1 = {kSeriesV1Fields};
constexpr Field kRequestV1Fields[] = {{1, kMessage, &kSeriesV1}, {3, kMessage, &kFlat}};
constexpr MessageShape kRequestV1 = {kRequestV1Fields};

constexpr Field kExemplarV2Fields[] = {{1, kPackedVarints}};
constexpr MessageShape kExemplarV2 = {kExemplarV2Fields};
constexpr Field kSeriesV2Fields[] = {{1, kPackedVarints},
                                     {2, kMessage, &kSample},
                                     {3, kMessage, &kHistogram},
                                     {4, kMessage, &kExemplarV2},
                                     {5, kMessage, &kFlat}};
constexpr MessageShape kSeriesV2 = {kSeriesV2Fields};
constexpr Field kRequestV2Fields[] = {{5, kMessage, &kSeriesV2}};
constexpr MessageShape kRequestV2 = {kRequestV2Fields};

/// Lengthens `piece`, which ends before `field` or is empty, up to the field's end.
void Extend(std::string_view& piece, std::string_view field) {
  const char* const begin = piece.empty() ? field.data() : piece.data();
  piece = {begin, static_cast<size_t>(field.data() + field.size() - begin)};
}

/// The fields of short labels that a series begins with, which is all there are in most requests.
/// Precondition: the message is well-formed.
std::string_view FirstLabels(std::string_view series) {
  const auto byte = [series](size_t at) { return static_cast<uint8_t>(series[at]); };
  size_t end = 0;
  while (end + 1 < series.size() && byte(end) == MakeTag(1, WireType::kBytes) &&
         byte(end + 1) < 0x80) {
    end += size_t{2} + byte(end + 1);
  }
  return series.substr(0, end);
}

bool AreVarints(std::string_view bytes) {
  PackedVarints varints(bytes);
  while (varints.Next()) {
  }
  return varints.ok();
}

bool IsWellFormed(std::string_view bytes, const MessageShape& shape) {
  if (shape.is_plain != nullptr && shape.is_plain(bytes)) return true;
  ProtobufReader reader(bytes);
  while (reader.Next()) {
    for (const Field& field : shape.fields) {
      if (reader.tag() != MakeTag(field.number, WireType::kBytes)) continue;
      const std::string_view inside = reader.bytes();
      switch (field.inside) {
        case kMessage:
          if (!IsWellFormed(inside, *field.message)) return false;
          break;
        case kPackedVarints:
          if (!AreVarints(inside)) return false;
          break;
        case kPackedDoubles:
          if (inside.size() % sizeof(double) != 0) return false;
          break;
      }
      break;
    }
  }
  return reader.ok();
}

SeriesKey HashBytes(const void* bytes, size_t size, uint64_t seed) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes, size, seed);
  return {hash.low64, hash.high64};
}

/// Calls visit(reference) -> bool for each reference to a symbol, packed or not, until it is false.
template <typename Visit>
bool ForEachReference(std::string_view fields, Visit&& visit) {
  ProtobufReader reader(fields);
  while (reader.Next()) {
    if (reader.tag() == MakeTag(1, WireType::kVarint)) {
      if (!visit(reader.Uint32())) return false;
    } else if (reader.tag() == MakeTag(1, WireType::kBytes)) {
      PackedVarints packed(reader.bytes());
      while (packed.Next()) {
        if (!visit(static_cast<uint32_t>(packed.value()))) return false;
      }
    }
  }
  return true;
}

WireMetricType MetricTypeOf(uint64_t number) {
  const bool known = number <= static_cast<uint64_t>(WireMetricType::kStateset);
  return known ? static_cast<WireMetricType>(number) : WireMetricType::kUnknown;
}

/// As Prometheus prints labels that may be anything.
std::string ListPairs(const std::vector<Label>& pairs) {
  return Labels::FromPairs(pairs).ToString();
}

std::unexpected<Error> LabelSetTooLong() {
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("a label set is over the limit of {} bytes", kMaxLabelSetBytes));
}

Result<Labels> CheckLabels(std::vector<Label> pairs) {
  std::ranges::sort(pairs);
  bool has_name = false;
  bool valid = true;
  for (const auto& [name, value] : pairs) {
    valid = valid && IsUtf8Name(name) && IsValidUtf8(value);
    if (name == kMetricName) has_name = !value.empty();
  }
  if (!has_name || !valid) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("invalid metric name or labels, got {}", ListPairs(pairs)));
  }
  const auto twice = std::ranges::adjacent_find(pairs, {}, &Label::name);
  if (twice != pairs.end()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("invalid labels for series, labels {}, duplicated label {}",
                            ListPairs(pairs), twice->name));
  }
  return Labels::FromPairs(std::move(pairs));
}

}  // namespace

Result<WriteRequest> WriteRequest::Parse(WriteProtocol protocol, std::string_view bytes,
                                         uint64_t seed, uint64_t max_bytes) {
  const MessageShape& shape = protocol == WriteProtocol::kV1 ? kRequestV1 : kRequestV2;
  if (!IsWellFormed(bytes, shape)) {
    return Fail(ErrorCode::kInvalidArgument, "the protobuf message is malformed");
  }
  WriteRequest request(protocol, bytes, seed);
  if (protocol == WriteProtocol::kV2) TRY(request.ReadSymbols(max_bytes));
  return request;
}

Status WriteRequest::ReadSymbols(uint64_t max_bytes) {
  ProtobufReader reader(bytes_);
  while (reader.Next()) {
    if (reader.tag() != kSymbolsV2) continue;
    if ((symbols_.size() + 1) * sizeof(SymbolEntry) > max_bytes) {
      return Fail(ErrorCode::kLimitExceeded,
                  fmt::format("a table of more than {} symbols is over the limit of {} bytes",
                              symbols_.size(), max_bytes));
    }
    const std::string_view text = reader.bytes();
    symbols_.push_back({text, HashBytes(text.data(), text.size(), seed_)});
  }
  return {};
}

WireMetadata WriteRequest::ReadMetadata(std::string_view message) {
  WireMetadata metadata;
  ProtobufReader reader(message);
  while (reader.Next()) {
    switch (reader.tag()) {
      case MakeTag(1, WireType::kVarint): metadata.type = MetricTypeOf(reader.Uint64()); break;
      case MakeTag(2, WireType::kBytes): metadata.family = reader.bytes(); break;
      case MakeTag(4, WireType::kBytes): metadata.help = reader.bytes(); break;
      case MakeTag(5, WireType::kBytes): metadata.unit = reader.bytes(); break;
      default: break;
    }
  }
  return metadata;
}

WireSeries::WireSeries(const WriteRequest& request, std::string_view message) : request_(request) {
  std::array<Tag, kParts> tags;
  for (size_t part = 0; part < kParts; ++part) tags[part] = TagOf(static_cast<Part>(part));
  labels_ = FirstLabels(message);
  ProtobufReader reader(message.substr(labels_.size()));
  while (reader.Next()) {
    if (IsLabelTag(reader.tag())) {
      AddLabels(reader.field());
      continue;
    }
    const auto found = std::ranges::find(tags, reader.tag());
    if (found == tags.end()) continue;
    Extend(parts_[static_cast<size_t>(found - tags.begin())], reader.field());
  }
  if (!joined_.empty()) labels_ = joined_;
}

// Every sender writes the labels first, side by side.
void WireSeries::AddLabels(std::string_view field) {
  const bool follows = labels_.empty() || labels_.data() + labels_.size() == field.data();
  if (joined_.empty() && follows) return Extend(labels_, field);
  if (joined_.empty()) joined_ = labels_;
  joined_ += field;
}

std::optional<SeriesKey> WireSeries::Key() const {
  if (!is_v1()) return KeyOfReferences();
  return HashBytes(labels_.data(), labels_.size(), request_.seed_);
}

std::optional<SeriesKey> WireSeries::KeyOfReferences() const {
  std::array<SeriesKey, 64> hashes;
  size_t count = 0;
  const auto fold = [&] {
    return HashBytes(hashes.data(), count * sizeof(SeriesKey), request_.seed_);
  };
  const bool all = ForEachReference(labels_, [&](uint32_t reference) {
    if (reference >= request_.symbols_.size()) return false;
    if (count == hashes.size()) {
      hashes[0] = fold();
      count = 1;
    }
    hashes[count++] = request_.symbols_[reference].hash;
    return true;
  });
  if (!all) return std::nullopt;
  return fold();
}

Result<Labels> WireSeries::ReadLabels() const {
  if (labels_.size() > kMaxLabelSetBytes) return LabelSetTooLong();
  auto pairs = is_v1() ? ReadPairs(labels_) : ResolvePairs(labels_);
  if (!pairs) return std::unexpected(std::move(pairs.error()));
  return CheckLabels(std::move(*pairs));
}

Result<std::vector<Label>> WireSeries::ReadPairs(std::string_view labels) const {
  std::vector<Label> pairs;
  ProtobufReader reader(labels);
  while (reader.Next()) {
    if (reader.tag() != MakeTag(1, WireType::kBytes)) continue;
    Label& label = pairs.emplace_back();
    ProtobufReader parts(reader.bytes());
    while (parts.Next()) {
      if (parts.tag() == MakeTag(1, WireType::kBytes)) label.name = parts.bytes();
      if (parts.tag() == MakeTag(2, WireType::kBytes)) label.value = parts.bytes();
    }
  }
  return pairs;
}

Result<std::vector<Label>> WireSeries::ResolvePairs(std::string_view labels) const {
  const auto& symbols = request_.symbols_;
  std::vector<uint32_t> references;
  size_t bytes = 0;
  const bool all = ForEachReference(labels, [&](uint32_t reference) {
    references.push_back(reference);
    if (reference < symbols.size()) bytes += symbols[reference].text.size();
    return bytes <= kMaxLabelSetBytes;
  });
  if (!all) return LabelSetTooLong();
  if (references.size() % 2 != 0) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("parsing labels for series [{}]: invalid labelRefs length {}",
                            fmt::join(references, " "), references.size()));
  }
  std::vector<Label> pairs;
  for (size_t i = 0; i < references.size(); i += 2) {
    const uint32_t name = references[i];
    const uint32_t value = references[i + 1];
    if (std::max(name, value) >= symbols.size()) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("parsing labels for series [{}]: labelRefs {} (name) = {} (value) "
                              "outside of symbols table (size {})",
                              fmt::join(references, " "), name, value, symbols.size()));
    }
    pairs.push_back({symbols[name].text, symbols[value].text});
  }
  return pairs;
}

uint64_t WireSeries::CountSamples() const {
  uint64_t count = 0;
  const auto count_one = [&count](std::string_view) -> Status {
    ++count;
    return {};
  };
  (void)ForEach(Part::kSamples, count_one);
  (void)ForEach(Part::kHistograms, count_one);
  return count;
}

WireSample WireSeries::ReadSample(std::string_view message) {
  WireSample sample;
  if (ReadPlainSample(message, sample)) return sample;
  ProtobufReader reader(message);
  while (reader.Next()) {
    switch (reader.tag()) {
      case MakeTag(1, WireType::kFixed64): sample.value = reader.Double(); break;
      case MakeTag(2, WireType::kVarint): sample.timestamp = FromMs(reader.Int64()); break;
      case MakeTag(3, WireType::kVarint): sample.start_ms = reader.Int64(); break;
      default: break;
    }
  }
  return sample;
}

std::optional<WireSeries::MetadataRefs> WireSeries::ReadMetadataRefs() const {
  if (is_v1()) return std::nullopt;
  std::optional<MetadataRefs> found;
  (void)ForEach(Part::kMetadata, [&](std::string_view message) -> Status {
    MetadataRefs& refs = found.emplace();
    ProtobufReader reader(message);
    while (reader.Next()) {
      switch (reader.tag()) {
        case MakeTag(1, WireType::kVarint): refs.type = MetricTypeOf(reader.Uint64()); break;
        case MakeTag(3, WireType::kVarint): refs.help = reader.Uint32(); break;
        case MakeTag(4, WireType::kVarint): refs.unit = reader.Uint32(); break;
        default: break;
      }
    }
    return {};
  });
  const bool empty =
      found && found->type == WireMetricType::kUnknown && found->help == 0 && found->unit == 0;
  if (!found || empty) return std::nullopt;
  // Labels are sorted, so this is most often the first.
  bool is_name = true;
  bool next_is_it = false;
  ForEachReference(labels_, [&](uint32_t reference) {
    if (next_is_it) {
      found->name = reference;
      return false;
    }
    next_is_it = is_name && request_.Symbol(reference) == kMetricName;
    is_name = !is_name;
    return true;
  });
  return found;
}

WireMetadata WireSeries::Resolve(const MetadataRefs& refs) const {
  return {.type = refs.type,
          .family = request_.Symbol(refs.name),
          .help = request_.Symbol(refs.help),
          .unit = request_.Symbol(refs.unit)};
}

Result<Exemplar> WireSeries::ReadExemplar(std::string_view message) const {
  // The numbers of its fields are the same in both protocols, and those of a series' labels.
  Exemplar exemplar;
  int64_t timestamp_ms = 0;
  ProtobufReader reader(message);
  while (reader.Next()) {
    switch (reader.tag()) {
      case MakeTag(2, WireType::kFixed64): exemplar.value = reader.Double(); break;
      case MakeTag(3, WireType::kVarint): timestamp_ms = reader.Int64(); break;
      default: break;
    }
  }
  exemplar.timestamp = FromMs(timestamp_ms);
  exemplar.timed = timestamp_ms != 0;
  auto pairs = is_v1() ? ReadPairs(message) : ResolvePairs(message);
  if (!pairs) return std::unexpected(std::move(pairs.error()));
  exemplar.labels = Labels::FromPairs(std::move(*pairs));
  return exemplar;
}

}  // namespace barograph::server
