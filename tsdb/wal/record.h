#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/model/histogram.h"
#include "base/model/sample.h"
#include "base/result.h"
#include "base/storage/exemplars.h"
#include "base/time.h"

/// The payloads of the log's records, but for the body of a row (row_codec.h). Parsers take foreign
/// bytes: Corruption on what cannot have been written. Format: docs/formats/wal.md.
namespace barograph::tsdb::wal {

struct SeriesEntry {
  SeriesId id;
  std::string_view packed_labels;  ///< well-formed (Labels::Validate)
};

/// A series record is its entries, one after the other.
void AppendSeriesEntry(std::string& out, SeriesId id, std::string_view packed_labels);
Result<std::vector<SeriesEntry>> ParseSeries(std::string_view payload);

/// The same, but nobody has looked at the labels: most that a replay comes upon are known.
Result<std::vector<SeriesEntry>> SplitSeries(std::string_view payload);

/// A row in its record: with its number among the table's rows, and a copy of the body before it,
/// so that no single bad record makes the rows after it unreadable.
struct RowEnvelope {
  uint64_t table = 0;
  uint64_t sequence = 0;
  std::string_view body;
  std::string_view previous_body;  ///< empty for the first row
};

void AppendRow(std::string& out, const RowEnvelope& row);
Result<RowEnvelope> ParseRow(std::string_view payload);

struct LoneSample {
  SeriesId series;
  Sample sample;
};

/// Samples of any series, in any order.
void AppendSamples(std::string& out, std::span<const LoneSample> samples);
Result<std::vector<LoneSample>> ParseSamples(std::string_view payload);

struct LoneHistogram {
  SeriesId series;
  Timestamp timestamp;
  FloatHistogram histogram;
};

/// Native histograms of any series, in any order. Preconditions: IsStorable. Hints but kGauge are
/// not kept.
void AppendHistograms(std::string& out, std::span<const LoneHistogram> histograms);
Result<std::vector<LoneHistogram>> ParseHistograms(std::string_view payload);

/// Exemplars of any series, in any order.
void AppendExemplars(std::string& out, std::span<const SeriesExemplar> exemplars);
Result<std::vector<SeriesExemplar>> ParseExemplars(std::string_view payload);

/// The samples that a series has in a range are deleted.
struct Deletion {
  SeriesId series;
  TimeRange range;
};

void AppendDeletion(std::string& out, const Deletion& deletion);
Result<std::vector<Deletion>> ParseDeletions(std::string_view payload);

void AppendClose(std::string& out, uint64_t table);
Result<uint64_t> ParseClose(std::string_view payload);

}  // namespace barograph::tsdb::wal
