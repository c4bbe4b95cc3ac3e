#include "tsdb/head/lone_reader.h"

#include <algorithm>
#include <cstring>

#include "base/bytes/varint.h"
#include "tsdb/chunk/timestamp_codec.h"

namespace barograph::tsdb {

Result<std::optional<SeriesSamples>> LoneReader::Read(SeriesId series) {
  if (!store_.Collect(series, range_, min_generation_, pieces_)) return SeriesSamples();
  if (!MakeKey()) return std::nullopt;
  const Times* const times = TRY(FindTimes());
  if (!times->ascend) return std::nullopt;
  TRY(DecodeValuesOf(*times));
  SeriesSamples samples;
  samples.timestamps = times->timestamps;
  samples.values = values_;
  samples.timestamp_column = times->column;
  return samples;
}

Result<const LoneReader::Times*> LoneReader::FindTimes() {
  if (last_known_ < known_.size() && known_[last_known_].key == key_) return &known_[last_known_];
  const auto found = std::ranges::find(known_, key_, &Times::key);
  last_known_ = static_cast<size_t>(found - known_.begin());
  if (found != known_.end()) return &*found;
  Times times;
  TRY(DecodeTimes(times));
  times.key = key_;
  times.ascend = Ascend(times.timestamps);
  times.column = ++last_column_;
  if (known_.size() < kKnownTimes) {
    known_.push_back(std::move(times));
  } else {
    last_known_ = next_forgotten_++ % kKnownTimes;
    known_[last_known_] = std::move(times);
  }
  return &known_[last_known_];
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

Status LoneReader::DecodeTimes(Times& times) const {
  size_t most = 0;
  for (const LoneRunBytes& run : pieces_.runs) most += run.count;
  for (const SampleColumns& piece : pieces_.rest) most += piece.size();
  times.timestamps.reserve(most);
  std::vector<Timestamp> decoded;
  for (size_t i = 0; i < pieces_.runs.size(); ++i) {
    const size_t count = pieces_.runs[i].count;
    if (pieces_.runs[i].whole) {
      const size_t before = times.timestamps.size();
      times.timestamps.resize(before + count);
      TRY(DecodeTimestamps(streams_[i].timestamps, std::span(times.timestamps).subspan(before)));
      times.slices.push_back({0, count, count});
      continue;
    }
    decoded.resize(count);
    TRY(DecodeTimestamps(streams_[i].timestamps, decoded));
    TakeTimes(decoded, times);
  }
  for (const SampleColumns& piece : pieces_.rest) TakeTimes(piece.timestamps, times);
  return {};
}

void LoneReader::TakeTimes(std::span<const Timestamp> timestamps, Times& times) const {
  const auto begin = std::ranges::lower_bound(timestamps, range_.min);
  const auto end = std::max(begin, std::ranges::upper_bound(timestamps, range_.max));
  times.timestamps.insert(times.timestamps.end(), begin, end);
  times.slices.push_back({static_cast<size_t>(begin - timestamps.begin()),
                          static_cast<size_t>(end - timestamps.begin()), timestamps.size()});
}

Status LoneReader::DecodeValuesOf(const Times& times) {
  values_.resize(times.timestamps.size());
  auto slice = times.slices.begin();
  size_t done = 0;
  for (const LoneRunStreams& streams : streams_) {
    const auto [begin, end, size] = *slice++;
    const std::span<double> out = std::span(values_).subspan(done, end - begin);
    done += out.size();
    if (out.size() == size) {
      TRY(decode_(streams.samples, out));
      continue;
    }
    piece_.resize(size);
    TRY(decode_(streams.samples, piece_));
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
