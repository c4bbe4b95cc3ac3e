#include "tsdb/start_stream.h"

#include <algorithm>

namespace barograph::tsdb {

StartTimestamps::Part& StartTimestamps::NewPart() {
  if (parts_ == list_.size()) list_.emplace_back();
  Part& part = list_[parts_++];
  part.timestamps.clear();
  part.starts.clear();
  return part;
}

void StartTimestamps::AddStream(std::span<const Timestamp> timestamps,
                                std::span<const double> values) {
  if (timestamps.empty()) return;
  Part& part = NewPart();
  part.timestamps.assign(timestamps.begin(), timestamps.end());
  part.starts.reserve(values.size());
  for (const double value : values) part.starts.push_back(FromStreamValue(value));
}

void StartTimestamps::AddStarts(const SeriesSamples& samples) {
  if (samples.start_timestamps.empty()) return;
  Part& part = NewPart();
  part.timestamps.assign(samples.timestamps.begin(), samples.timestamps.end());
  part.starts.assign(samples.start_timestamps.begin(), samples.start_timestamps.end());
}

std::span<const Timestamp> StartTimestamps::Beside(std::span<const Timestamp> timestamps) {
  if (parts_ == 0) return {};
  starts_.assign(timestamps.size(), kUnknownStart);
  bool any = false;
  for (const Part& part : std::span(list_).first(parts_)) any |= Put(part, timestamps);
  return any ? starts_ : std::span<const Timestamp>();
}

// Whether the part knows any start.
bool StartTimestamps::Put(const Part& part, std::span<const Timestamp> timestamps) {
  bool any = false;
  auto at = timestamps.begin();
  for (size_t i = 0; i < part.timestamps.size(); ++i) {
    while (at != timestamps.end() && *at < part.timestamps[i]) ++at;
    if (at == timestamps.end()) break;
    if (*at != part.timestamps[i] || part.starts[i] == kUnknownStart) continue;
    starts_[static_cast<size_t>(at - timestamps.begin())] = part.starts[i];
    any = true;
  }
  return any;
}

SeriesSamples StartStream::Of(const SeriesSamples& samples) {
  SeriesSamples stream;
  if (samples.start_timestamps.empty()) return stream;
  timestamps_.clear();
  values_.clear();
  for (size_t i = 0; i < samples.size(); ++i) {
    if (samples.start_timestamps[i] == kUnknownStart) continue;
    timestamps_.push_back(samples.timestamps[i]);
    values_.push_back(ToStreamValue(samples.start_timestamps[i]));
  }
  stream.timestamps = timestamps_;
  stream.values = values_;
  if (stream.size() == samples.size()) stream.timestamp_column = samples.timestamp_column;
  return stream;
}

}  // namespace barograph::tsdb
