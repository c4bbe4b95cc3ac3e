#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/model/labels.h"
#include "base/model/sample.h"
#include "base/result.h"
#include "base/storage/exemplars.h"
#include "server/ingest/protobuf_reader.h"
#include "server/ingest/write_format.h"

/// The two messages of remote write, prometheus.WriteRequest (protocol 1.0) and
/// io.prometheus.write.v2.Request (2.0), read in place and with one face: they differ in how labels
/// are written and in the numbers of their fields (prometheus.io/docs/specs/prw/remote_write_spec,
/// and remote_write_spec_2_0). Nothing here grows with the samples of a request.
namespace barograph::server {

/// 128 bits for a label set in the form in which it was sent: equal bytes, equal keys, and never
/// the other way round in practice. What one sender says in two ways has two keys.
struct SeriesKey {
  uint64_t low = 0;
  uint64_t high = 0;
  bool operator==(const SeriesKey&) const = default;
};

struct WireSample {
  Timestamp timestamp;
  double value = 0;
  int64_t start_ms = 0;  ///< when a counter began to count; 0 is not known. Only 2.0 has it
};

/// The values of MetricType in both protocols.
enum class WireMetricType : uint8_t {
  kUnknown,
  kCounter,
  kGauge,
  kHistogram,
  kGaugeHistogram,
  kSummary,
  kInfo,
  kStateset,
};

struct WireMetadata {
  WireMetricType type = WireMetricType::kUnknown;
  std::string_view family;  ///< empty in 2.0, where metadata comes with a series
  std::string_view help;
  std::string_view unit;
};

class WireSeries;

/// A request whose bytes are known to be well-formed, all through. They must outlive it.
class WriteRequest {
 public:
  /// `seed` goes into the keys. InvalidArgument when the bytes are malformed; LimitExceeded when
  /// the table of symbols would take more memory than `max_bytes`.
  static Result<WriteRequest> Parse(WriteProtocol protocol, std::string_view bytes, uint64_t seed,
                                    uint64_t max_bytes);

  WriteProtocol protocol() const { return protocol_; }

  /// Calls visit(const WireSeries&) -> Status, in order, until it fails.
  template <typename Visit>
  Status ForEachSeries(Visit&& visit) const;

  /// Calls visit(const WireMetadata&) for each that does not come with a series: those of 1.0.
  template <typename Visit>
  void ForEachMetadata(Visit&& visit) const;

 private:
  friend class WireSeries;

  struct SymbolEntry {
    std::string_view text;
    SeriesKey hash;
  };

  WriteRequest(WriteProtocol protocol, std::string_view bytes, uint64_t seed)
      : protocol_(protocol), bytes_(bytes), seed_(seed) {}
  Status ReadSymbols(uint64_t max_bytes);
  /// Empty where there is none of that number.
  std::string_view Symbol(uint32_t reference) const {
    return reference < symbols_.size() ? symbols_[reference].text : std::string_view();
  }
  static WireMetadata ReadMetadata(std::string_view message);

  static constexpr Tag kSeriesV1 = MakeTag(1, WireType::kBytes);
  static constexpr Tag kMetadataV1 = MakeTag(3, WireType::kBytes);
  static constexpr Tag kSymbolsV2 = MakeTag(4, WireType::kBytes);
  static constexpr Tag kSeriesV2 = MakeTag(5, WireType::kBytes);

  WriteProtocol protocol_;
  std::string_view bytes_;
  uint64_t seed_;
  std::vector<SymbolEntry> symbols_;
};

/// One time series of a request. Lives no longer than it.
class WireSeries {
 public:
  WireSeries(const WriteRequest& request, std::string_view message);
  WireSeries(const WireSeries&) = delete;
  WireSeries& operator=(const WireSeries&) = delete;

  /// Nothing when the labels cannot be read, which ReadLabels then explains.
  std::optional<SeriesKey> Key() const;

  /// The series' labels. InvalidArgument, in Prometheus's words, when a symbol is missing, there is
  /// no metric name, a name or value is not valid UTF-8 or a name comes twice.
  Result<Labels> ReadLabels() const;

  /// How many float samples and native histograms it has.
  uint64_t CountSamples() const;

  /// Whether the protocol forbids a series without samples.
  bool needs_samples() const { return !is_v1(); }

  /// Calls visit(const WireSample&) -> Status for each float sample, until it fails.
  template <typename Visit>
  Status ForEachSample(Visit&& visit) const {
    return ForEach(Part::kSamples,
                   [&](std::string_view message) { return visit(ReadSample(message)); });
  }

  /// Calls visit(message) -> Status for each native histogram, until it fails.
  template <typename Visit>
  Status ForEachHistogram(Visit&& visit) const {
    return ForEach(Part::kHistograms, visit);
  }

  /// Calls visit(message) -> Status for each exemplar, until it fails.
  template <typename Visit>
  Status ForEachExemplar(Visit&& visit) const {
    return ForEach(Part::kExemplars, visit);
  }

  /// The metadata that comes with the series in 2.0, as the numbers of symbols; unset where there
  /// is none.
  struct MetadataRefs {
    WireMetricType type = WireMetricType::kUnknown;
    uint32_t name = 0;  ///< the metric's
    uint32_t help = 0;
    uint32_t unit = 0;
    bool operator==(const MetadataRefs&) const = default;
  };
  std::optional<MetadataRefs> ReadMetadataRefs() const;

  /// What they stand for, the name being the metric's; a symbol that is missing is empty.
  WireMetadata Resolve(const MetadataRefs& refs) const;

  /// InvalidArgument, in Prometheus's words, when a symbol is missing.
  Result<Exemplar> ReadExemplar(std::string_view message) const;

 private:
  /// What there is beside labels, a field each; metadata in 2.0 only.
  enum class Part : uint8_t { kSamples, kHistograms, kExemplars, kMetadata };
  static constexpr size_t kParts = 4;

  Tag TagOf(Part part) const {
    switch (part) {
      case Part::kSamples: return MakeTag(2, WireType::kBytes);
      case Part::kHistograms: return MakeTag(is_v1() ? 4 : 3, WireType::kBytes);
      case Part::kExemplars: return MakeTag(is_v1() ? 3 : 4, WireType::kBytes);
      case Part::kMetadata: return MakeTag(5, WireType::kBytes);
    }
    return 0;
  }

  template <typename Visit>
  Status ForEach(Part part, Visit&& visit) const {
    const Tag tag = TagOf(part);
    ProtobufReader reader(parts_[static_cast<size_t>(part)]);
    while (reader.Next()) {
      if (reader.tag() == tag) TRY(visit(reader.bytes()));
    }
    return {};
  }

  void AddLabels(std::string_view field);
  bool is_v1() const { return request_.protocol() == WriteProtocol::kV1; }
  static WireSample ReadSample(std::string_view message);
  static bool IsLabelTag(Tag tag) {
    return tag == MakeTag(1, WireType::kBytes) || tag == MakeTag(1, WireType::kVarint);
  }
  std::optional<SeriesKey> KeyOfReferences() const;
  Result<std::vector<Label>> ReadPairs(std::string_view labels) const;
  Result<std::vector<Label>> ResolvePairs(std::string_view labels) const;

  const WriteRequest& request_;
  std::string_view labels_;  // the fields with the labels: a piece of the message,
  std::string joined_;       // or where they are not side by side, this

  // By Part: the piece of the message that has all of its fields, and perhaps others; so that none
  // is walked over more often than it takes.
  std::array<std::string_view, kParts> parts_;
};

template <typename Visit>
Status WriteRequest::ForEachSeries(Visit&& visit) const {
  const Tag series = protocol_ == WriteProtocol::kV1 ? kSeriesV1 : kSeriesV2;
  ProtobufReader reader(bytes_);
  while (reader.Next()) {
    if (reader.tag() == series) TRY(visit(WireSeries(*this, reader.bytes())));
  }
  return {};
}

template <typename Visit>
void WriteRequest::ForEachMetadata(Visit&& visit) const {
  if (protocol_ != WriteProtocol::kV1) return;
  ProtobufReader reader(bytes_);
  while (reader.Next()) {
    if (reader.tag() == kMetadataV1) visit(ReadMetadata(reader.bytes()));
  }
}

}  // namespace barograph::server
