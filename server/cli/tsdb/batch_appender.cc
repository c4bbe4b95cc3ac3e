#include "server/cli/tsdb/batch_appender.h"

#include <fmt/format.h>

namespace barograph::server::cli {

Status BatchAppender::Append(SeriesId series, Sample sample) {
  appender_->Append(series, sample);
  return Count();
}

Status BatchAppender::AppendHistogram(SeriesId series, Timestamp timestamp,
                                      const FloatHistogram& histogram) {
  appender_->AppendHistogram(series, timestamp, histogram);
  return Count();
}

Status BatchAppender::Count() { return ++pending_ < kBatchSamples ? Status() : Finish(); }

Status BatchAppender::Finish() {
  pending_ = 0;
  const AppendReport report = TRY(appender_->Commit());
  total_.appended += report.appended;
  total_.out_of_order += report.out_of_order;
  total_.too_old += report.too_old;
  total_.duplicate += report.duplicate;
  total_.out_of_bounds += report.out_of_bounds;
  return {};
}

std::string Describe(const AppendReport& report) {
  std::string text = fmt::format("{} samples appended", report.appended);
  std::string refused;
  const auto tell = [&](uint64_t count, std::string_view why) {
    if (count > 0) refused += fmt::format("{} {} {}", refused.empty() ? "" : ",", count, why);
  };
  tell(report.out_of_order, "out of order");
  tell(report.too_old, "too old");
  tell(report.duplicate, "with another value than there is");
  tell(report.out_of_bounds, "out of bounds");
  return refused.empty() ? text : text + "; refused:" + refused;
}

}  // namespace barograph::server::cli
