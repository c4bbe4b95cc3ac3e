#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes/varint.h"
#include "server/ingest/protobuf_reader.h"

/// Writes Protocol Buffers, field by field, so that a test can write what it likes, right or wrong.
namespace barograph::test {

class Message {
 public:
  Message& Bytes(uint32_t field, std::string_view value) {
    AppendVarint(text_, server::MakeTag(field, server::WireType::kBytes));
    AppendVarint(text_, value.size());
    text_ += value;
    return *this;
  }
  Message& Add(uint32_t field, const Message& message) { return Bytes(field, message.text_); }
  Message& Varint(uint32_t field, uint64_t value) {
    AppendVarint(text_, server::MakeTag(field, server::WireType::kVarint));
    AppendVarint(text_, value);
    return *this;
  }
  Message& Sint(uint32_t field, int64_t value) { return Varint(field, ZigZag(value)); }
  Message& Double(uint32_t field, double value) {
    AppendVarint(text_, server::MakeTag(field, server::WireType::kFixed64));
    AppendDouble(text_, value);
    return *this;
  }
  Message& PackedVarints(uint32_t field, const std::vector<uint64_t>& values) {
    std::string packed;
    for (const uint64_t value : values) AppendVarint(packed, value);
    return Bytes(field, packed);
  }
  Message& PackedSints(uint32_t field, const std::vector<int64_t>& values) {
    std::string packed;
    for (const int64_t value : values) AppendVarint(packed, ZigZag(value));
    return Bytes(field, packed);
  }
  Message& PackedDoubles(uint32_t field, const std::vector<double>& values) {
    std::string packed;
    for (const double value : values) AppendDouble(packed, value);
    return Bytes(field, packed);
  }
  Message& Raw(std::string_view bytes) {
    text_ += bytes;
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  static void AppendDouble(std::string& out, double value) {
    const auto bits = std::bit_cast<uint64_t>(value);
    out.append(reinterpret_cast<const char*>(&bits), sizeof bits);
  }
  std::string text_;
};

/// prometheus.Label
inline Message LabelV1(std::string_view name, std::string_view value) {
  return Message().Bytes(1, name).Bytes(2, value);
}

/// Sample of both protocols; `start_ms` is of 2.0.
inline Message SampleMessage(int64_t timestamp_ms, double value, int64_t start_ms = 0) {
  Message message;
  message.Double(1, value).Varint(2, static_cast<uint64_t>(timestamp_ms));
  if (start_ms != 0) message.Varint(3, static_cast<uint64_t>(start_ms));
  return message;
}

/// prometheus.TimeSeries with labels and samples.
inline Message SeriesV1(const std::vector<std::pair<std::string, std::string>>& labels,
                        const std::vector<std::pair<int64_t, double>>& samples) {
  Message series;
  for (const auto& [name, value] : labels) series.Add(1, LabelV1(name, value));
  for (const auto& [timestamp_ms, value] : samples) {
    series.Add(2, SampleMessage(timestamp_ms, value));
  }
  return series;
}

}  // namespace barograph::test
