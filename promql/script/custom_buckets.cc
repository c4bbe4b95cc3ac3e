#include "promql/script/custom_buckets.h"

#include <cmath>
#include <map>
#include <optional>
#include <string_view>

#include "base/model/number.h"
#include "base/model/sample.h"

namespace barograph::promql::script {
namespace {

// A classic histogram at one time.
struct Classic {
  std::map<double, double> buckets;  // cumulative counts by upper bound; the first one counts
  std::optional<double> count;
  double sum = 0;
};

// By the labels of the histogram, then by the place in the sequence.
using ClassicHistograms = std::map<Labels, std::map<size_t, Classic>>;

enum class Part { kNone, kBucket, kCount, kSum };

Part CutPart(std::string_view& name) {
  constexpr std::pair<std::string_view, Part> kSuffixes[] = {
      {"_bucket", Part::kBucket}, {"_count", Part::kCount}, {"_sum", Part::kSum}};
  for (const auto& [suffix, part] : kSuffixes) {
    if (!name.ends_with(suffix)) continue;
    name.remove_suffix(suffix.size());
    return part;
  }
  return Part::kNone;
}

void Set(Classic& histogram, Part part, double bound, double value) {
  switch (part) {
    case Part::kBucket: histogram.buckets.try_emplace(bound, value); break;
    case Part::kCount: histogram.count = value; break;
    case Part::kSum: histogram.sum = value; break;
    case Part::kNone: break;
  }
}

void Collect(const SeriesDescription& series, ClassicHistograms& histograms) {
  std::string_view name = series.labels.metric_name();
  const Part part = CutPart(name);
  if (part == Part::kNone) return;
  double bound = 0;
  if (part == Part::kBucket) {
    const auto parsed = ParseValue(series.labels.Get(kBucketLabel));
    if (!parsed.has_value() || std::isnan(*parsed)) return;
    bound = *parsed;
  }
  LabelsBuilder labels(series.labels);
  labels.Set(kMetricName, name);
  labels.Delete(kBucketLabel);
  auto& by_place = histograms[labels.Build()];
  for (size_t i = 0; i < series.values.size(); ++i) {
    const SequenceValue& value = series.values[i];
    if (value.omitted || value.histogram.has_value()) continue;
    Set(by_place[i], part, bound, value.value);
  }
}

Result<FloatHistogram> Convert(Classic classic) {
  if (!classic.count.has_value() && !classic.buckets.empty()) {
    classic.count = classic.buckets.rbegin()->second;
  }
  const double count = classic.count.value_or(0);
  classic.buckets.try_emplace(kInf, count);
  FloatHistogram histogram;
  histogram.schema = kCustomBucketsSchema;
  histogram.count = count;
  histogram.sum = classic.sum;
  double below = 0;
  for (const auto& [bound, cumulative] : classic.buckets) {
    if (cumulative < below || cumulative < 0) {
      return Fail(ErrorCode::kInvalidArgument, "counts of a classic histogram are not cumulative");
    }
    histogram.positive_buckets.push_back(cumulative - below);
    if (bound != kInf) histogram.custom_values.push_back(bound);
    below = cumulative;
  }
  if (below != count) {
    return Fail(ErrorCode::kInvalidArgument,
                "a classic histogram's count is not its last bucket's");
  }
  histogram.positive_spans = {{0, static_cast<uint32_t>(histogram.positive_buckets.size())}};
  return histogram.Compact(0);
}

}  // namespace

Result<std::vector<SeriesDescription>> ConvertClassicHistograms(
    std::span<const SeriesDescription> series) {
  ClassicHistograms histograms;
  for (const SeriesDescription& one : series) Collect(one, histograms);
  std::vector<SeriesDescription> converted;
  for (auto& [labels, by_place] : histograms) {
    if (by_place.empty()) continue;
    SeriesDescription& out = converted.emplace_back();
    out.labels = labels;
    SequenceValue nothing;
    nothing.omitted = true;
    out.values.assign(by_place.rbegin()->first + 1, nothing);
    for (auto& [place, classic] : by_place) {
      out.values[place].omitted = false;
      out.values[place].histogram = TRY(Convert(std::move(classic)));
    }
  }
  return converted;
}

}  // namespace barograph::promql::script
