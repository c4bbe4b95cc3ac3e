#include "tsdb/prometheus/head.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <charconv>
#include <optional>

#include "tsdb/prometheus/file_format.h"
#include "tsdb/prometheus/head_chunks.h"
#include "tsdb/prometheus/tombstones.h"
#include "tsdb/prometheus/wal_record.h"
#include "tsdb/prometheus/wal_segment.h"

namespace barograph::tsdb::prometheus {
namespace {

constexpr std::string_view kCheckpointPrefix = "checkpoint.";

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [read, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || read != end) return std::nullopt;
  return number;
}

struct NumberedFile {
  uint64_t number;
  std::string path;
};

// The files and folders of `folder` that are called `prefix` and a number, by number; none when
// there is no folder.
Result<std::vector<NumberedFile>> ListNumbered(FileSystem& files, const std::string& folder,
                                               std::string_view prefix) {
  std::vector<NumberedFile> found;
  if (!files.Exists(folder)) return found;
  for (const DirectoryEntry& entry : TRY(files.List(folder))) {
    if (!entry.name.starts_with(prefix)) continue;
    const auto number = ParseNumber(std::string_view(entry.name).substr(prefix.size()));
    if (number) found.push_back({*number, folder + "/" + entry.name});
  }
  std::ranges::sort(found, {}, &NumberedFile::number);
  return found;
}

// The segments of the newest checkpoint, and those that it does not cover.
Result<std::vector<std::string>> ListWal(FileSystem& files, const std::string& folder) {
  std::vector<std::string> paths;
  uint64_t first = 0;
  const auto checkpoints = TRY(ListNumbered(files, folder, kCheckpointPrefix));
  if (!checkpoints.empty()) {
    first = checkpoints.back().number + 1;
    for (NumberedFile& segment : TRY(ListNumbered(files, checkpoints.back().path, ""))) {
      paths.push_back(std::move(segment.path));
    }
  }
  for (NumberedFile& segment : TRY(ListNumbered(files, folder, ""))) {
    if (segment.number >= first) paths.push_back(std::move(segment.path));
  }
  return paths;
}

class HeadReader {
 public:
  HeadReader(FileSystem& files, Timestamp min_time, HeadVisitor& visitor)
      : files_(files), min_time_(min_time), visitor_(visitor) {}

  Result<HeadReport> Read(const std::string& directory) {
    const auto wal = TRY(ListWal(files_, directory + "/wal"));
    const auto chunks = TRY(ListNumbered(files_, directory + "/chunks_head", ""));
    const auto wbl = TRY(ListNumbered(files_, directory + "/wbl", ""));
    for (const std::string& path : wal) TRY(ReadDefinitions(path));
    tombstones_.Finish();
    for (const NumberedFile& file : chunks) TRY(ReadChunks(file.path));
    skip_what_chunks_have_ = report_.problems.empty();
    for (const std::string& path : wal) TRY(ReadSamples(path, /*in_order=*/true));
    for (const NumberedFile& file : wbl) TRY(ReadSamples(file.path, /*in_order=*/false));
    return std::move(report_);
  }

 private:
  // Calls visit() for each record of definitions, or of samples, that can be read into record_.
  template <typename Visit>
  Status ForEachRecord(const std::string& path, bool definitions, Visit&& visit) {
    const auto contents = TRY(files_.Map(path));
    WalSegmentReader reader(contents->bytes(), path);
    while (const auto record = reader.Next()) {
      if (IsWalDefinition(*record) != definitions) continue;
      const Status decoded = DecodeWalRecord(*record, record_);
      if (decoded.has_value()) {
        TRY(visit());
      } else {
        report_.problems.push_back(
            Corrupt(path, reader.record_offset(), decoded.error().message).error());
      }
    }
    if (definitions) return {};  // the samples' turn will tell what is broken
    report_.problems.insert(report_.problems.end(), reader.problems().begin(),
                            reader.problems().end());
    return {};
  }

  Status ReadDefinitions(const std::string& path) {
    return ForEachRecord(path, /*definitions=*/true, [&]() -> Status {
      for (const auto& [series, labels] : record_.series) {
        if (!newest_.try_emplace(series, kMinTimestamp).second) continue;
        ++report_.series;
        TRY(visitor_.OnSeries(series, labels));
      }
      for (const auto& [series, range] : record_.tombstones) tombstones_.Add(series, range);
      return {};
    });
  }

  Status ReadSamples(const std::string& path, bool in_order) {
    return ForEachRecord(path, /*definitions=*/false, [&]() -> Status {
      for (const WalRecord::Float& sample : record_.floats) {
        if (!Wants(sample.series, sample.timestamp, in_order)) continue;
        TRY(Give(sample.series, sample.timestamp, sample.value));
      }
      for (const WalRecord::Histogram& sample : record_.histograms) {
        if (!Wants(sample.series, sample.timestamp, in_order)) continue;
        TRY(Give(sample.series, sample.timestamp, sample.histogram));
      }
      for (const auto& [series, exemplar] : record_.exemplars) TRY(GiveExemplar(series, exemplar));
      report_.ignored_records += record_.ignored ? 1 : 0;
      return {};
    });
  }

  // Neither blocks nor the head's chunks have any.
  Status GiveExemplar(uint64_t series, const Exemplar& exemplar) {
    if (!newest_.contains(series)) {
      ++report_.orphans;
      return {};
    }
    ++report_.exemplars;
    return visitor_.OnExemplar(series, exemplar);
  }

  Status ReadChunks(const std::string& path) {
    const auto contents = TRY(files_.Map(path));
    auto reader = HeadChunkReader::Open(contents->bytes(), path);
    if (!reader.has_value()) return Note(reader.error());
    while (true) {
      const auto chunk = reader->Next();
      if (!chunk.has_value()) return Note(chunk.error());
      if (!*chunk) return {};
      TRY(ReadChunk(**chunk, path));
    }
  }

  Status ReadChunk(const HeadChunk& chunk, const std::string& path) {
    const auto newest = newest_.find(chunk.series);
    if (newest == newest_.end()) {
      ++report_.orphans;
      return {};
    }
    samples_.Clear();
    const Status decoded = DecodeChunk(chunk.encoding, chunk.data, samples_);
    if (!decoded.has_value()) {
      return Note(Corrupt(path, chunk.offset, decoded.error().message).error());
    }
    const bool in_order = !chunk.out_of_order;
    for (size_t i = 0; i < samples_.size(); ++i) {
      const Timestamp time = samples_.timestamps()[i];
      if (!Wants(chunk.series, time, in_order)) continue;
      const StoredHistogram* histogram = samples_.histogram(i);
      if (histogram != nullptr) TRY(Give(chunk.series, time, *histogram));
      if (histogram == nullptr) TRY(Give(chunk.series, time, samples_.values()[i]));
    }
    if (in_order) newest->second = std::max(newest->second, chunk.max_time);
    return {};
  }

  Status Note(Error problem) {
    report_.problems.push_back(std::move(problem));
    return {};
  }

  // Whether a sample is to be given on. What is in order in the log may be in chunks already.
  bool Wants(uint64_t series, Timestamp time, bool in_order) {
    const auto newest = newest_.find(series);
    if (newest == newest_.end()) {
      ++report_.orphans;
      return false;
    }
    if (in_order && time < min_time_) return false;
    if (in_order && skip_what_chunks_have_ && time <= newest->second) return false;
    return std::ranges::none_of(tombstones_.Of(series),
                                [time](TimeRange range) { return range.Contains(time); });
  }

  Status Give(uint64_t series, Timestamp time, double value) {
    ++report_.floats;
    return visitor_.OnFloat(series, time, value);
  }
  Status Give(uint64_t series, Timestamp time, const StoredHistogram& histogram) {
    ++report_.histograms;
    return visitor_.OnHistogram(series, time, histogram);
  }

  FileSystem& files_;
  const Timestamp min_time_;
  HeadVisitor& visitor_;
  HeadReport report_;
  Tombstones tombstones_;
  boost::unordered_flat_map<uint64_t, Timestamp> newest_;  // in the series' chunks
  bool skip_what_chunks_have_ = false;
  WalRecord record_;
  SampleColumns samples_;
};

}  // namespace

Result<HeadReport> ReadHead(FileSystem& files, const std::string& directory, Timestamp min_time,
                            HeadVisitor& visitor) {
  return HeadReader(files, min_time, visitor).Read(directory);
}

}  // namespace barograph::tsdb::prometheus
