#include "web/api/value_json.h"

#include <algorithm>
#include <variant>

#include "base/model/number.h"

namespace barograph::web {
namespace {

constexpr size_t kBytesPerPoint = 32;  // more or less

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

bool WriteMatrix(JsonWriter& json, const promql::Matrix& matrix, const std::stop_token& stop) {
  json.BeginArray();
  for (const auto& series : matrix.series) {
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
  json.EndArray();
  return true;
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

bool WriteValue(JsonWriter& json, const promql::Value& value, const std::stop_token& stop) {
  if (const auto* matrix = std::get_if<promql::Matrix>(&value)) {
    size_t points = 0;
    for (const auto& series : matrix->series) points += series.size() + 4;
    json.Reserve(points * kBytesPerPoint);
    return WriteMatrix(json, *matrix, stop);
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
