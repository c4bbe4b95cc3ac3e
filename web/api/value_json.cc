#include "web/api/value_json.h"

#include <algorithm>
#include <atomic>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/model/number.h"

namespace barograph::web {
namespace {

constexpr size_t kBytesPerPoint = 40;     // of most that is calculated; what is stored is shorter
constexpr size_t kPointsPerPiece = 8192;  // some 0.2 ms

const FloatHistogram* HistogramAt(const promql::ResultSeries& series, size_t index) {
  if (series.histograms.empty() || !series.histograms[index]) return nullptr;
  return &*series.histograms[index];
}

void WriteHistogramPoint(JsonWriter& json, Timestamp time, const FloatHistogram& histogram) {
  json.BeginArray();
  json.Seconds(ToMs(time));
  WriteHistogram(json, histogram);
  json.EndArray();
}

bool WriteVector(JsonWriter& json, const promql::Vector& vector, const std::stop_token& stop) {
  json.BeginArray();
  for (const auto& series : vector.series) {
    if (stop.stop_requested()) return false;
    if (series.size() == 0) continue;
    json.BeginObject();
    json.Key("metric");
    json.LabelSet(series.labels);
    if (const auto* histogram = HistogramAt(series, 0)) {
      json.Key("histogram");
      WriteHistogramPoint(json, series.timestamps[0], *histogram);
    } else {
      json.Key("value");
      json.Sample(ToMs(series.timestamps[0]), series.values[0]);
    }
    json.EndObject();
  }
  json.EndArray();
  return true;
}

void WriteFloats(JsonWriter& json, const promql::ResultSeries& series) {
  json.Key("values");
  if (series.histograms.empty()) return json.SampleArray(series.timestamps, series.values);
  json.BeginArray();
  for (size_t i = 0; i < series.size(); ++i)
    if (HistogramAt(series, i) == nullptr)
      json.Sample(ToMs(series.timestamps[i]), series.values[i]);
  json.EndArray();
}

void WriteHistograms(JsonWriter& json, const promql::ResultSeries& series) {
  json.Key("histograms");
  json.BeginArray();
  for (size_t i = 0; i < series.size(); ++i)
    if (const auto* histogram = HistogramAt(series, i))
      WriteHistogramPoint(json, series.timestamps[i], *histogram);
  json.EndArray();
}

using SeriesSpan = std::span<const promql::ResultSeries>;

size_t PointsOf(const promql::ResultSeries& series) {
  constexpr size_t kOfLabels = 4;  // their text is as long, about
  return series.size() + kOfLabels;
}

/// Series one after the other, of so many points each or a little more.
std::vector<SeriesSpan> PiecesOf(SeriesSpan all) {
  std::vector<SeriesSpan> pieces;
  size_t begin = 0;
  size_t points = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    points += PointsOf(all[i]);
    if (points < kPointsPerPiece && i + 1 < all.size()) continue;
    pieces.push_back(all.subspan(begin, i + 1 - begin));
    begin = i + 1;
    points = 0;
  }
  return pieces;
}

/// The elements of an array; false where the client is gone.
bool WriteSeries(JsonWriter& json, SeriesSpan all, const std::stop_token& stop) {
  size_t points = 0;
  for (const auto& series : all) points += PointsOf(series);
  json.Reserve(points * kBytesPerPoint);
  for (const auto& series : all) {
    if (stop.stop_requested()) return false;
    const auto histograms = static_cast<size_t>(
        std::ranges::count_if(series.histograms, [](const auto& h) { return h.has_value(); }));
    json.BeginObject();
    json.Key("metric");
    json.LabelSet(series.labels);
    if (histograms < series.size()) WriteFloats(json, series);
    if (histograms > 0) WriteHistograms(json, series);
    json.EndObject();
  }
  return true;
}

/// The same by all threads that are idle.
bool WritePieces(JsonWriter& json, std::span<const SeriesSpan> pieces, const std::stop_token& stop,
                 WorkerPool& workers) {
  std::vector<std::string> texts(pieces.size());
  std::atomic<size_t> next = 0;
  workers.Run(pieces.size() - 1, [&](size_t) {
    for (size_t i = next++; i < pieces.size(); i = next++) {
      // A comma is before all but the first.
      JsonWriter piece = i == 0 ? JsonWriter() : JsonWriter(std::string());
      if (!WriteSeries(piece, pieces[i], stop)) return;
      texts[i] = piece.Take();
    }
  });
  if (stop.stop_requested()) return false;
  json.Continue(std::move(texts));
  return true;
}

bool WriteMatrix(JsonWriter& json, const promql::Matrix& matrix, const std::stop_token& stop,
                 WorkerPool* workers) {
  json.BeginArray();
  const std::vector<SeriesSpan> pieces = PiecesOf(matrix.series);
  const bool written = workers == nullptr || pieces.size() < 2
                           ? WriteSeries(json, matrix.series, stop)
                           : WritePieces(json, pieces, stop, *workers);
  json.EndArray();
  return written;
}

/// Scalars and strings have their time as a plain number: 12.5, where a sample has 12.500.
void WriteScalar(JsonWriter& json, const promql::Scalar& scalar) {
  json.BeginArray();
  json.Number(ToSeconds(scalar.timestamp));
  json.String(FormatValue(scalar.value));
  json.EndArray();
}

void WriteString(JsonWriter& json, const promql::StringValue& string) {
  json.BeginArray();
  json.Number(ToSeconds(string.timestamp));
  json.String(string.value);
  json.EndArray();
}

}  // namespace

bool WriteValue(JsonWriter& json, const promql::Value& value, const std::stop_token& stop,
                WorkerPool* workers) {
  if (const auto* matrix = std::get_if<promql::Matrix>(&value)) {
    return WriteMatrix(json, *matrix, stop, workers);
  }
  if (const auto* vector = std::get_if<promql::Vector>(&value)) {
    return WriteVector(json, *vector, stop);
  }
  if (const auto* scalar = std::get_if<promql::Scalar>(&value)) {
    WriteScalar(json, *scalar);
  } else if (const auto* string = std::get_if<promql::StringValue>(&value)) {
    WriteString(json, *string);
  }
  return true;
}

}  // namespace barograph::web
