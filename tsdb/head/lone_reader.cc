#include "tsdb/head/lone_reader.h"

#include <algorithm>
#include <cstring>

#include "base/bytes/varint.h"
#include "tsdb/chunk/timestamp_codec.h"
#include "tsdb/chunk/value_codec.h"

namespace barograph::tsdb {

Result<std::optional<SeriesSamples>> LoneReader::Read(SeriesId series) {
  if (!store_.Collect(series, range_, min_generation_, pieces_)) return SeriesSamples();
  if (!MakeKey()) return std::nullopt;
  if (key_ != known_key_ || column_ == 0) {
    column_ = 0;
    TRY(DecodeTimes());
    ascends_ = Ascend(timestamps_);
    known_key_ = key_;
    column_ = ++last_column_;
  }
  if (!ascends_) return std::nullopt;
  TRY(DecodeValuesOf());
  SeriesSamples samples;
  samples.timestamps = timestamps_;
  samples.values = values_;
  samples.timestamp_column = column_;
  return samples;
}

// False where there are histograms, or a run that is malformed.
bool LoneReader::MakeKey() {
  key_.clear();
  streams_.clear();
  for (const LoneRunBytes& run : pieces_.runs) {
    if (run.histograms || !SplitLoneRun(run, streams_.emplace_back())) return false;
    AppendVarint(key_, uint64_t{run.count} << 1 | (run.whole ? 1 : 0));
    AppendVarint(key_, streams_.back().timestamps.size());
    key_ += streams_.back().timestamps;
  }
  AppendVarint(key_, 0);
  for (const SampleColumns& piece : pieces_.rest) {
    if (!piece.histograms.empty()) return false;
    AppendVarint(key_, piece.size());
    const size_t before = key_.size();
    key_.resize(before + piece.size() * sizeof(Timestamp));
    if (!piece.empty()) {
      std::memcpy(key_.data() + before, piece.timestamps.data(), piece.size() * sizeof(Timestamp));
    }
  }
  return true;
}

Status LoneReader::DecodeTimes() {
  timestamps_.clear();
  slices_.clear();
  std::vector<Timestamp> decoded;
  for (size_t i = 0; i < pieces_.runs.size(); ++i) {
    decoded.resize(pieces_.runs[i].count);
    TRY(DecodeTimestamps(streams_[i].timestamps, decoded));
    TakeTimes(decoded);
  }
  for (const SampleColumns& piece : pieces_.rest) TakeTimes(piece.timestamps);
  return {};
}

void LoneReader::TakeTimes(std::span<const Timestamp> timestamps) {
  const auto begin = std::ranges::lower_bound(timestamps, range_.min);
  const auto end = std::max(begin, std::ranges::upper_bound(timestamps, range_.max));
  timestamps_.insert(timestamps_.end(), begin, end);
  slices_.push_back({static_cast<size_t>(begin - timestamps.begin()),
                     static_cast<size_t>(end - timestamps.begin()), timestamps.size()});
}

Status LoneReader::DecodeValuesOf() {
  values_.resize(timestamps_.size());
  auto slice = slices_.begin();
  size_t done = 0;
  for (const LoneRunStreams& streams : streams_) {
    const auto [begin, end, size] = *slice++;
    const std::span<double> out = std::span(values_).subspan(done, end - begin);
    done += out.size();
    if (out.size() == size) {
      TRY(DecodeValues(streams.samples, out));
      continue;
    }
    piece_.resize(size);
    TRY(DecodeValues(streams.samples, piece_));
    std::copy_n(piece_.begin() + static_cast<ptrdiff_t>(begin), out.size(), out.begin());
  }
  for (const SampleColumns& piece : pieces_.rest) {
    const auto [begin, end, size] = *slice++;
    std::copy_n(piece.values.begin() + static_cast<ptrdiff_t>(begin), end - begin,
                values_.begin() + static_cast<ptrdiff_t>(done));
    done += end - begin;
  }
  return {};
}

}  // namespace barograph::tsdb
