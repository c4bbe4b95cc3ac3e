#include "tsdb/prometheus/head.h"

#include <snappy.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "base/bytes/big_endian.h"
#include "base/bytes/crc32c.h"
#include "base/bytes/varint.h"
#include "tests/support/memory_file_system.h"
#include "tests/tsdb/prometheus_samples.h"
#include "tsdb/prometheus/chunk.h"
#include "tsdb/prometheus/file_format.h"
#include "tsdb/prometheus/wal_record.h"
#include "tsdb/prometheus/wal_segment.h"

namespace barograph::tsdb::prometheus {
namespace {

using barograph::test::MemoryFileSystem;
using test::Difference;
using test::RandomSamples;

enum class Compression : uint8_t { kNone = 0, kSnappy = 8, kZstd = 16 };

std::string Compress(Compression compression, const std::string& record) {
  std::string out;
  if (compression == Compression::kNone) return record;
  if (compression == Compression::kSnappy) {
    snappy::Compress(record.data(), record.size(), &out);
    return out;
  }
  out.resize(ZSTD_compressBound(record.size()));
  out.resize(ZSTD_compress(out.data(), out.size(), record.data(), record.size(), 1));
  return out;
}

// Writes a file of the log as Prometheus does: pages of 32 KiB, records cut up over them.
class SegmentWriter {
 public:
  void Add(const std::string& record, Compression compression = Compression::kNone) {
    const std::string data = Compress(compression, record);
    size_t written = 0;
    do {
      if (kPage - bytes_.size() % kPage < 8) bytes_.resize((bytes_.size() / kPage + 1) * kPage);
      const size_t room = kPage - bytes_.size() % kPage - 7;
      const std::string part = data.substr(written, room);
      const bool first = written == 0, last = written + part.size() == data.size();
      const int type = first ? (last ? 1 : 2) : (last ? 4 : 3);
      bytes_.push_back(static_cast<char>(type | static_cast<int>(compression)));
      AppendBigEndian(bytes_, static_cast<uint16_t>(part.size()));
      AppendBigEndian(bytes_, Crc32c(part));
      bytes_ += part;
      written += part.size();
    } while (written < data.size());
  }

  const std::string& bytes() const { return bytes_; }

 private:
  static constexpr size_t kPage = 32768;
  std::string bytes_;
};

void AppendText(std::string& out, std::string_view text) {
  AppendVarint(out, text.size());
  out.append(text);
}

void AppendSigned(std::string& out, int64_t value) { AppendVarint(out, ZigZag(value)); }

void AppendDouble(std::string& out, double value) {
  AppendBigEndian(out, std::bit_cast<uint64_t>(value));
}

std::string SeriesRecord(uint64_t series, const Labels& labels) {
  std::string out = "\1";
  AppendBigEndian(out, series);
  AppendVarint(out, labels.size());
  for (const Label& label : labels) {
    AppendText(out, label.name);
    AppendText(out, label.value);
  }
  return out;
}

struct Point {
  uint64_t series;
  int64_t ms;
  double value;
};

std::string SamplesRecord(const std::vector<Point>& points) {
  std::string out = "\2";
  AppendBigEndian(out, points[0].series);
  AppendBigEndian(out, static_cast<uint64_t>(points[0].ms));
  for (const Point& point : points) {
    AppendSigned(out, static_cast<int64_t>(point.series - points[0].series));
    AppendSigned(out, point.ms - points[0].ms);
    AppendDouble(out, point.value);
  }
  return out;
}

std::string TombstoneRecord(uint64_t series, int64_t min, int64_t max) {
  std::string out = "\3";
  AppendBigEndian(out, series);
  AppendSigned(out, min);
  AppendSigned(out, max);
  return out;
}

void AppendSpans(std::string& out, const std::vector<BucketSpan>& spans) {
  AppendVarint(out, spans.size());
  for (const BucketSpan& span : spans) {
    AppendSigned(out, span.offset);
    AppendVarint(out, span.length);
  }
}

void AppendBuckets(std::string& out, const std::vector<double>& buckets, bool integer) {
  AppendVarint(out, buckets.size());
  double before = 0;
  for (const double bucket : buckets) {
    if (integer) AppendSigned(out, static_cast<int64_t>(bucket - before));
    if (!integer) AppendDouble(out, bucket);
    before = bucket;
  }
}

void AppendHistogram(std::string& out, const StoredHistogram& stored) {
  const FloatHistogram& histogram = stored.histogram;
  const auto count = [&](double value) {
    if (stored.integer) AppendVarint(out, static_cast<uint64_t>(value));
    if (!stored.integer) AppendDouble(out, value);
  };
  out.push_back(static_cast<char>(histogram.counter_reset_hint));
  AppendSigned(out, histogram.schema);
  AppendDouble(out, histogram.zero_threshold);
  count(histogram.zero_count);
  count(histogram.count);
  AppendDouble(out, histogram.sum);
  AppendSpans(out, histogram.positive_spans);
  AppendSpans(out, histogram.negative_spans);
  AppendBuckets(out, histogram.positive_buckets, stored.integer);
  AppendBuckets(out, histogram.negative_buckets, stored.integer);
  if (!histogram.uses_custom_buckets()) return;
  AppendVarint(out, histogram.custom_values.size());
  for (const double bound : histogram.custom_values) AppendDouble(out, bound);
}

std::string HistogramRecord(uint64_t series, Timestamp time, const StoredHistogram& stored) {
  const bool custom = stored.histogram.uses_custom_buckets();
  std::string out(1, static_cast<char>((custom ? 9 : 7) + (stored.integer ? 0 : 1)));
  AppendBigEndian(out, series);
  AppendBigEndian(out, static_cast<uint64_t>(ToMs(time)));
  AppendSigned(out, 0);
  AppendSigned(out, 0);
  AppendHistogram(out, stored);
  return out;
}

// A file of chunks_head/.
class HeadChunkWriter {
 public:
  HeadChunkWriter() {
    AppendBigEndian(bytes_, kHeadChunksMagic);
    bytes_ += std::string("\1\0\0\0", 4);
  }

  void Add(uint64_t series, const SampleColumns& samples, bool out_of_order = false) {
    const EncodedChunk chunk = EncodeChunk(samples, 0);
    std::string entry;
    AppendBigEndian(entry, series);
    AppendBigEndian(entry, static_cast<uint64_t>(ToMs(chunk.min_time)));
    AppendBigEndian(entry, static_cast<uint64_t>(ToMs(chunk.max_time)));
    entry.push_back(static_cast<char>(static_cast<int>(chunk.encoding) | (out_of_order ? 128 : 0)));
    AppendText(entry, chunk.data);
    AppendBigEndian(entry, Crc32c(entry));
    bytes_ += entry;
  }

  std::string bytes_;
};

class Collector final : public HeadVisitor {
 public:
  Status OnSeries(uint64_t series, const Labels& labels) override {
    labels_[series] = labels;
    return {};
  }
  Status OnFloat(uint64_t series, Timestamp timestamp, double value) override {
    if (fail_) return Fail(ErrorCode::kIo, "no more");
    samples_[labels_.at(series)].AddFloat(timestamp, value);
    return {};
  }
  Status OnHistogram(uint64_t series, Timestamp timestamp,
                     const StoredHistogram& histogram) override {
    samples_[labels_.at(series)].AddHistogram(timestamp, histogram);
    return {};
  }

  Status OnExemplar(uint64_t series, const Exemplar& exemplar) override {
    exemplars_.push_back(labels_.at(series).ToString() + " # " + exemplar.labels.ToString() + " " +
                         std::to_string(exemplar.value) + " @" +
                         std::to_string(ToMs(exemplar.timestamp)));
    return {};
  }

  // What was found of a series, with its values' sum as a check.
  std::string Times(const Labels& labels) {
    samples_[labels].SortByTime();
    std::string text;
    for (const Timestamp time : samples_[labels].timestamps()) {
      text += (text.empty() ? "" : " ") + std::to_string(ToMs(time));
    }
    return text;
  }

  std::map<uint64_t, Labels> labels_;
  std::map<Labels, SampleColumns> samples_;
  std::vector<std::string> exemplars_;
  bool fail_ = false;
};

const Labels kA{{"__name__", "a"}};
const Labels kB{{"__name__", "b"}};

struct Files {
  MemoryFileSystem files;

  void Write(const std::string& path, const std::string& bytes) {
    REQUIRE(files.CreateDirectories(path.substr(0, path.rfind('/'))).has_value());
    REQUIRE(files.WriteFile(path, bytes).has_value());
  }
};

SampleColumns Floats(std::initializer_list<int64_t> times) {
  SampleColumns samples;
  for (const int64_t ms : times) samples.AddFloat(FromMs(ms), static_cast<double>(ms));
  return samples;
}

TEST_CASE("Prometheus's log is read in every compression, over pages and files") {
  const auto compression = GENERATE(Compression::kNone, Compression::kSnappy, Compression::kZstd);
  Files disk;
  SegmentWriter first, second;
  first.Add(SeriesRecord(7, kA), compression);
  std::vector<Point> points;
  for (int i = 0; i < 20'000; ++i) points.push_back({7, i * 15'000, i * 0.7});
  first.Add(SamplesRecord(points), compression);  // over many pages
  second.Add(SamplesRecord({{7, 999'999'999, 1}}), compression);
  disk.Write("data/wal/00000000", first.bytes());
  disk.Write("data/wal/00000001", second.bytes());
  Collector head;
  const auto report = ReadHead(disk.files, "data", kMinTimestamp, head);
  REQUIRE(report.has_value());
  CHECK(report->problems.empty());
  CHECK(report->series == 1);
  CHECK(report->floats == 20'001);
  const SampleColumns& samples = head.samples_.at(kA);
  REQUIRE(samples.size() == 20'001);
  CHECK(samples.values()[19'999] == 19'999 * 0.7);
  CHECK(samples.timestamps()[20'000] == FromMs(999'999'999));
}

TEST_CASE("Histograms of Prometheus's log come back") {
  std::mt19937_64 random(11);
  const SampleColumns samples = RandomSamples(random, 400, {.floats = false});
  SegmentWriter segment;
  segment.Add(SeriesRecord(1, kA));
  for (size_t i = 0; i < samples.size(); ++i) {
    segment.Add(HistogramRecord(1, samples.timestamps()[i], *samples.histogram(i)));
  }
  Files disk;
  disk.Write("data/wal/00000000", segment.bytes());
  Collector head;
  const auto report = ReadHead(disk.files, "data", kMinTimestamp, head);
  REQUIRE(report.has_value());
  CHECK(report->problems.empty());
  CHECK(Difference(head.samples_.at(kA), samples) == "");
}

TEST_CASE("Records with start timestamps are read past them") {
  std::string record = "\13";  // samples of version 2
  AppendSigned(record, 5);     // series
  AppendSigned(record, 1000);
  AppendSigned(record, 500);  // the start timestamp
  AppendDouble(record, 1.5);
  AppendSigned(record, 1);  // the next series
  AppendSigned(record, 20);
  record.push_back(2);  // a start timestamp of its own
  AppendSigned(record, -3);
  AppendDouble(record, 2.5);
  AppendSigned(record, -1);
  AppendSigned(record, 40);
  record.push_back(1);  // the same again
  AppendDouble(record, 3.5);
  WalRecord read;
  REQUIRE(DecodeWalRecord(record, read).has_value());
  REQUIRE(read.floats.size() == 3);
  CHECK(read.floats[1].series == 6);
  CHECK(read.floats[1].timestamp == FromMs(1020));
  CHECK(read.floats[1].value == 2.5);
  CHECK(read.floats[2].series == 5);
  CHECK(read.floats[2].timestamp == FromMs(1040));
  CHECK(read.floats[2].value == 3.5);

  StoredHistogram histogram;
  histogram.integer = true;
  histogram.histogram.count = 3;
  record = "\14";  // integer histograms of version 2
  AppendSigned(record, 5);
  AppendSigned(record, 1000);
  AppendSigned(record, 0);
  AppendHistogram(record, histogram);
  REQUIRE(DecodeWalRecord(record, read).has_value());
  REQUIRE(read.histograms.size() == 1);
  CHECK(read.histograms[0].timestamp == FromMs(1000));
  CHECK(read.histograms[0].histogram.histogram.count == 3);
}

TEST_CASE("Exemplars of Prometheus's log are read") {
  const auto append = [](std::string& record, int64_t series_step, int64_t time_step, double value,
                         const Labels& labels) {
    AppendSigned(record, series_step);
    AppendSigned(record, time_step);
    AppendDouble(record, value);
    AppendVarint(record, labels.size());
    for (const Label& label : labels) {
      AppendText(record, label.name);
      AppendText(record, label.value);
    }
  };
  std::string record = "\4";
  AppendBigEndian(record, uint64_t{1});
  AppendBigEndian(record, uint64_t{1000});
  append(record, 0, 0, 0.5, {{"trace_id", "x"}});
  append(record, 1, 20, 2, {});
  append(record, 6, 0, 3, {});
  SegmentWriter wal;
  wal.Add(SeriesRecord(1, kA));
  wal.Add(SeriesRecord(2, kB));
  wal.Add(record);
  wal.Add(record.substr(0, record.size() - 1));
  Files disk;
  disk.Write("data/wal/00000000", wal.bytes());
  Collector head;
  const auto report = ReadHead(disk.files, "data", FromMs(5000), head);
  REQUIRE(report.has_value());
  CHECK(report->exemplars == 2);
  CHECK(report->orphans == 1);
  CHECK(report->problems.size() == 1);  // the record that was cut off
  CHECK(report->ignored_records == 0);
  CHECK(head.exemplars_ ==
        std::vector<std::string>{"a # {trace_id=\"x\"} 0.500000 @1000", "b # {} 2.000000 @1020"});
}

TEST_CASE("The newest checkpoint stands for the segments before it") {
  SegmentWriter old, checkpoint, next;
  old.Add(SeriesRecord(9, kB));
  checkpoint.Add(SeriesRecord(1, kA));
  checkpoint.Add(SamplesRecord({{1, 10, 1}}));
  next.Add(SamplesRecord({{1, 20, 1}}));
  Files disk;
  disk.Write("data/wal/checkpoint.00000001/00000000", old.bytes());
  disk.Write("data/wal/checkpoint.00000003/00000000", checkpoint.bytes());
  disk.Write("data/wal/00000003", old.bytes());
  disk.Write("data/wal/00000004", next.bytes());
  Collector head;
  REQUIRE(ReadHead(disk.files, "data", kMinTimestamp, head).has_value());
  CHECK(head.Times(kA) == "10 20");
  CHECK(head.labels_.size() == 1);
}

TEST_CASE("Chunks of the head come before the log, which adds what they lack") {
  SegmentWriter wal, wbl;
  wal.Add(SeriesRecord(1, kA));
  wal.Add(SamplesRecord({{1, 20, 20}, {1, 30, 30}, {1, 40, 40}}));
  wbl.Add(SamplesRecord({{1, 15, 15}}));
  HeadChunkWriter chunks;
  chunks.Add(1, Floats({10, 20, 30}));
  chunks.Add(1, Floats({5, 25}), /*out_of_order=*/true);
  chunks.Add(77, Floats({1}));
  chunks.bytes_.resize(chunks.bytes_.size() + 100);  // space made ahead
  Files disk;
  disk.Write("data/wal/00000000", wal.bytes());
  disk.Write("data/wbl/00000000", wbl.bytes());
  disk.Write("data/chunks_head/000001", chunks.bytes_);
  Collector head;
  const auto report = ReadHead(disk.files, "data", kMinTimestamp, head);
  REQUIRE(report.has_value());
  CHECK(report->problems.empty());
  CHECK(report->orphans == 1);
  CHECK(report->floats == 7);  // the log's 20 and 30 are not given twice
  CHECK(head.Times(kA) == "5 10 15 20 25 30 40");
}

TEST_CASE("What is in blocks already is left out, but not what came out of order") {
  SegmentWriter wal, wbl;
  wal.Add(SeriesRecord(1, kA));
  wal.Add(SamplesRecord({{1, 20, 20}, {1, 30, 30}}));
  wbl.Add(SamplesRecord({{1, 15, 15}}));
  Files disk;
  disk.Write("data/wal/00000000", wal.bytes());
  disk.Write("data/wbl/00000000", wbl.bytes());
  Collector head;
  REQUIRE(ReadHead(disk.files, "data", FromMs(30), head).has_value());
  CHECK(head.Times(kA) == "15 30");
}

TEST_CASE("Tombstones of the log delete, wherever in it they stand") {
  SegmentWriter wal;
  wal.Add(SeriesRecord(1, kA));
  wal.Add(SamplesRecord({{1, 10, 1}, {1, 20, 1}, {1, 30, 1}}));
  wal.Add(TombstoneRecord(1, 15, 20));
  Files disk;
  disk.Write("data/wal/00000000", wal.bytes());
  Collector head;
  REQUIRE(ReadHead(disk.files, "data", kMinTimestamp, head).has_value());
  CHECK(head.Times(kA) == "10 30");
}

TEST_CASE("A broken record costs its page, and is named; a torn end is told") {
  SegmentWriter wal;
  wal.Add(SeriesRecord(1, kA));
  std::vector<size_t> ends;
  for (int i = 0; i < 4000; ++i) {
    wal.Add(SamplesRecord({{1, i, 1}}));
    ends.push_back(wal.bytes().size());
  }
  std::string bytes = wal.bytes();
  bytes[ends[10] - 1] ^= 1;
  bytes.resize(bytes.size() - 3);
  Files disk;
  disk.Write("data/wal/00000000", bytes);
  Collector head;
  const auto report = ReadHead(disk.files, "data", kMinTimestamp, head);
  REQUIRE(report.has_value());
  REQUIRE(report->problems.size() == 2);
  CHECK(report->problems[0].message == "data/wal/00000000: at byte " + std::to_string(ends[9]) +
                                           ": the record's checksum does not match");
  CHECK(report->problems[1].message.ends_with("the record is cut off"));
  // All before the broken one, and all that begin in the second page or later but the last.
  const auto in_first_page = std::ranges::count_if(ends, [](size_t end) { return end <= 32768; });
  CHECK(report->floats == static_cast<size_t>(10 + 3999 - (in_first_page + 1)));
}

TEST_CASE("With a broken chunk the log gives all it has") {
  SegmentWriter wal;
  wal.Add(SeriesRecord(1, kA));
  wal.Add(SamplesRecord({{1, 10, 10}, {1, 20, 20}, {1, 30, 30}, {1, 40, 40}}));
  HeadChunkWriter chunks;
  chunks.Add(1, Floats({10, 20}));
  const size_t second = chunks.bytes_.size();
  chunks.Add(1, Floats({30, 40}));
  chunks.bytes_[second + 30] ^= 1;
  Files disk;
  disk.Write("data/wal/00000000", wal.bytes());
  disk.Write("data/chunks_head/000001", chunks.bytes_);
  Collector head;
  const auto report = ReadHead(disk.files, "data", kMinTimestamp, head);
  REQUIRE(report.has_value());
  REQUIRE(report->problems.size() == 1);
  CHECK(report->problems[0].message == "data/chunks_head/000001: at byte " +
                                           std::to_string(second) +
                                           ": the chunk's checksum does not match");
  CHECK(head.Times(kA) == "10 20 30 40");
}

TEST_CASE("A directory without a head has an empty one; a visitor's error ends the reading") {
  Files disk;
  REQUIRE(disk.files.CreateDirectories("data").has_value());
  Collector head;
  CHECK(ReadHead(disk.files, "data", kMinTimestamp, head)->series == 0);
  SegmentWriter wal;
  wal.Add(SeriesRecord(1, kA));
  wal.Add(SamplesRecord({{1, 10, 1}}));
  wal.Add(std::string("\6metadata"));
  wal.Add(SamplesRecord({{2, 10, 1}}));
  disk.Write("data/wal/00000000", wal.bytes());
  const auto report = ReadHead(disk.files, "data", kMinTimestamp, head);
  REQUIRE(report.has_value());
  CHECK(report->ignored_records == 1);
  CHECK(report->orphans == 1);
  head.fail_ = true;
  CHECK(ReadHead(disk.files, "data", kMinTimestamp, head).error().message == "no more");
}

TEST_CASE("Random bytes as a log are read or told, and nothing else happens") {
  std::mt19937_64 random(3);
  SegmentWriter wal;
  wal.Add(SeriesRecord(1, kA), Compression::kSnappy);
  wal.Add(SamplesRecord({{1, 10, 1}}), Compression::kZstd);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = wal.bytes();
    bytes[random() % bytes.size()] = static_cast<char>(random());
    WalSegmentReader reader(bytes, "wal");
    while (const auto record = reader.Next()) {
      WalRecord decoded;
      (void)DecodeWalRecord(*record, decoded);
    }
    std::string record(random() % 60, '\0');
    for (char& byte : record) byte = static_cast<char>(random() % 20);
    WalRecord decoded;
    (void)DecodeWalRecord(record, decoded);
  }
  WalRecord decoded;
  CHECK(DecodeWalRecord("", decoded).error().message == "a record of unknown kind 0");
  CHECK(DecodeWalRecord("\2\1", decoded).error().message == "the record ends within a value");
}

}  // namespace
}  // namespace barograph::tsdb::prometheus
