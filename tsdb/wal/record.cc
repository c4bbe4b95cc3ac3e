#include "tsdb/wal/record.h"

#include <algorithm>
#include <cstring>

#include "base/bytes/varint.h"
#include "base/model/labels.h"
#include "tsdb/chunk/histogram_codec.h"
#include "tsdb/decimal.h"

namespace barograph::tsdb::wal {
namespace {

std::unexpected<Error> Bad(std::string_view what) {
  return Fail(ErrorCode::kCorruption, std::string(what) + " record: not well-formed");
}

bool TakeVarint(std::string_view& in, uint64_t& value) {
  const char* next = GetVarint(in.data(), in.data() + in.size(), value);
  if (next == nullptr) return false;
  in.remove_prefix(static_cast<size_t>(next - in.data()));
  return true;
}

bool TakeBytes(std::string_view& in, uint64_t size, std::string_view& out) {
  if (size > in.size()) return false;
  out = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

// A value: varint(zigzag(integer) << 1) for whole numbers that are short that way, else the byte 1
// and the 8 bytes of the double.
constexpr int64_t kShortInteger = int64_t{1} << 47;

void AppendSampleValue(std::string& out, double value) {
  int64_t integer;
  if (ToDecimal(value, 0, integer) && integer > -kShortInteger && integer < kShortInteger) {
    AppendVarint(out, ZigZag(integer) << 1);
    return;
  }
  out += '\1';
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

bool TakeSampleValue(std::string_view& in, double& value) {
  uint64_t integer;
  std::string_view bytes;
  if (!TakeVarint(in, integer)) return false;
  if ((integer & 1) == 0) {
    value = static_cast<double>(UnZigZag(integer >> 1));
    return true;
  }
  if (integer != 1 || !TakeBytes(in, sizeof(value), bytes)) return false;
  std::memcpy(&value, bytes.data(), sizeof(value));
  return true;
}

}  // namespace

void AppendSeriesEntry(std::string& out, SeriesId id, std::string_view packed_labels) {
  AppendVarint(out, static_cast<uint64_t>(id));
  AppendVarint(out, packed_labels.size());
  out.append(packed_labels);
}

Result<std::vector<SeriesEntry>> ParseSeries(std::string_view payload) {
  auto entries = TRY(SplitSeries(payload));
  const auto is_good = [](const SeriesEntry& entry) {
    return Labels::Validate(entry.packed_labels);
  };
  if (!std::ranges::all_of(entries, is_good)) return Bad("series");
  return entries;
}

Result<std::vector<SeriesEntry>> SplitSeries(std::string_view payload) {
  std::vector<SeriesEntry> entries;
  while (!payload.empty()) {
    uint64_t id, size;
    std::string_view labels;
    if (!TakeVarint(payload, id) || !TakeVarint(payload, size) ||
        !TakeBytes(payload, size, labels) || id == 0) {
      return Bad("series");
    }
    entries.push_back({SeriesId{id}, labels});
  }
  return entries;
}

void AppendRow(std::string& out, const RowEnvelope& row) {
  AppendVarint(out, row.table);
  AppendVarint(out, row.sequence);
  AppendVarint(out, row.body.size());
  out.append(row.body).append(row.previous_body);
}

Result<RowEnvelope> ParseRow(std::string_view payload) {
  RowEnvelope row;
  uint64_t size;
  if (!TakeVarint(payload, row.table) || !TakeVarint(payload, row.sequence) ||
      !TakeVarint(payload, size) || !TakeBytes(payload, size, row.body)) {
    return Bad("row");
  }
  row.previous_body = payload;
  return row;
}

void AppendSamples(std::string& out, std::span<const LoneSample> samples) {
  uint64_t series = 0;
  int64_t time = 0;
  for (const auto& [id, sample] : samples) {
    const auto next = static_cast<uint64_t>(id);
    AppendVarint(out, ZigZag(static_cast<int64_t>(next - series)));
    AppendVarint(out, ZigZag(ToMs(sample.timestamp) - time));
    AppendSampleValue(out, sample.value);
    series = next;
    time = ToMs(sample.timestamp);
  }
}

Result<std::vector<LoneSample>> ParseSamples(std::string_view payload) {
  std::vector<LoneSample> samples;
  uint64_t series = 0, time = 0;
  while (!payload.empty()) {
    uint64_t series_change, time_change;
    double value;
    if (!TakeVarint(payload, series_change) || !TakeVarint(payload, time_change) ||
        !TakeSampleValue(payload, value)) {
      return Bad("samples");
    }
    series += static_cast<uint64_t>(UnZigZag(series_change));
    time += static_cast<uint64_t>(UnZigZag(time_change));
    const Timestamp timestamp = FromMs(static_cast<int64_t>(time));
    if (series == 0 || timestamp < kMinTimestamp || timestamp > kMaxTimestamp) {
      return Bad("samples");
    }
    samples.push_back({SeriesId{series}, {timestamp, value}});
  }
  return samples;
}

void AppendHistograms(std::string& out, std::span<const LoneHistogram> histograms) {
  HistogramEncoder encoder;
  std::string encoded;
  uint64_t series = 0;
  int64_t time = 0;
  for (const auto& [id, timestamp, histogram] : histograms) {
    const auto next = static_cast<uint64_t>(id);
    AppendVarint(out, ZigZag(static_cast<int64_t>(next - series)));
    AppendVarint(out, ZigZag(ToMs(timestamp) - time));
    series = next;
    time = ToMs(timestamp);
    const FloatHistogram* const run[] = {&histogram};
    encoded.clear();
    encoder.Encode(run, encoded);
    AppendVarint(out, encoded.size());
    out += encoded;
  }
}

Result<std::vector<LoneHistogram>> ParseHistograms(std::string_view payload) {
  std::vector<LoneHistogram> histograms;
  uint64_t series = 0, time = 0;
  while (!payload.empty()) {
    uint64_t series_change, time_change, size;
    std::string_view encoded;
    if (!TakeVarint(payload, series_change) || !TakeVarint(payload, time_change) ||
        !TakeVarint(payload, size) || !TakeBytes(payload, size, encoded)) {
      return Bad("histograms");
    }
    series += static_cast<uint64_t>(UnZigZag(series_change));
    time += static_cast<uint64_t>(UnZigZag(time_change));
    const Timestamp timestamp = FromMs(static_cast<int64_t>(time));
    if (series == 0 || timestamp < kMinTimestamp || timestamp > kMaxTimestamp) {
      return Bad("histograms");
    }
    histograms.push_back({SeriesId{series}, timestamp, {}});
    TRY(DecodeHistograms(encoded, std::span(&histograms.back().histogram, 1)));
  }
  return histograms;
}

void AppendExemplars(std::string& out, std::span<const SeriesExemplar> exemplars) {
  uint64_t series = 0;
  int64_t time = 0;
  for (const auto& [id, exemplar] : exemplars) {
    const auto next = static_cast<uint64_t>(id);
    const std::string_view labels = exemplar.labels.packed();
    AppendVarint(out, ZigZag(static_cast<int64_t>(next - series)));
    AppendVarint(out, ZigZag(ToMs(exemplar.timestamp) - time));
    AppendSampleValue(out, exemplar.value);
    AppendVarint(out, labels.size() << 1 | (exemplar.timed ? 0 : 1));
    out.append(labels);
    series = next;
    time = ToMs(exemplar.timestamp);
  }
}

Result<std::vector<SeriesExemplar>> ParseExemplars(std::string_view payload) {
  std::vector<SeriesExemplar> exemplars;
  uint64_t series = 0, time = 0;
  while (!payload.empty()) {
    uint64_t series_change, time_change, size;
    double value;
    std::string_view labels;
    if (!TakeVarint(payload, series_change) || !TakeVarint(payload, time_change) ||
        !TakeSampleValue(payload, value) || !TakeVarint(payload, size) ||
        !TakeBytes(payload, size >> 1, labels) || !Labels::Validate(labels)) {
      return Bad("exemplars");
    }
    series += static_cast<uint64_t>(UnZigZag(series_change));
    time += static_cast<uint64_t>(UnZigZag(time_change));
    const Timestamp timestamp = FromMs(static_cast<int64_t>(time));
    if (series == 0 || timestamp < kMinTimestamp || timestamp > kMaxTimestamp) {
      return Bad("exemplars");
    }
    exemplars.push_back({SeriesId{series},
                         {.labels = Labels::FromPacked(std::string(labels)),
                          .value = value,
                          .timestamp = timestamp,
                          .timed = (size & 1) == 0}});
  }
  return exemplars;
}

void AppendDeletion(std::string& out, const Deletion& deletion) {
  AppendVarint(out, static_cast<uint64_t>(deletion.series));
  AppendVarint(out, ZigZag(ToMs(deletion.range.min)));
  AppendVarint(out, ZigZag(ToMs(deletion.range.max)));
}

Result<std::vector<Deletion>> ParseDeletions(std::string_view payload) {
  std::vector<Deletion> deletions;
  while (!payload.empty()) {
    uint64_t series, min, max;
    if (!TakeVarint(payload, series) || !TakeVarint(payload, min) || !TakeVarint(payload, max)) {
      return Bad("deletions");
    }
    deletions.push_back({SeriesId(series), {FromMs(UnZigZag(min)), FromMs(UnZigZag(max))}});
  }
  return deletions;
}

void AppendClose(std::string& out, uint64_t table) { AppendVarint(out, table); }

Result<uint64_t> ParseClose(std::string_view payload) {
  uint64_t table;
  if (!TakeVarint(payload, table) || !payload.empty()) return Bad("close");
  return table;
}

}  // namespace barograph::tsdb::wal
