#include "server/cli/tsdb/import_openmetrics.h"

#include <fmt/format.h>

#include <algorithm>

#include "server/cli/tsdb/batch_appender.h"
#include "server/scrape/openmetrics_parser.h"

namespace barograph::server::cli {
namespace {

Status AppendSeries(const OpenMetricsParser& parser, BatchAppender& out) {
  if (!parser.has_timestamp()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("expected timestamp for series {}, got none", parser.series()));
  }
  const Labels labels = TRY(parser.labels());
  const SeriesId id = TRY(out.Resolve(labels));
  return out.Append(id, {FromMs(parser.timestamp_ms()), parser.value()});
}

Status AppendAll(OpenMetricsParser& parser, BatchAppender& out) {
  while (true) {
    const Entry entry = TRY(parser.Next());
    if (entry == Entry::kEnd) return out.Finish();
    if (entry == Entry::kSeries) TRY(AppendSeries(parser, out));
  }
}

}  // namespace

Result<AppendReport> ImportOpenMetrics(std::string_view page, Appendable& storage) {
  OpenMetricsParser parser(page);
  BatchAppender out(storage);
  const Status appended = AppendAll(parser, out);
  if (!appended.has_value()) {
    const std::string_view read = page.substr(0, std::min(parser.entry_offset(), page.size()));
    return std::unexpected(
        Annotate(appended.error(), fmt::format("line {}", 1 + std::ranges::count(read, '\n'))));
  }
  return out.total();
}

}  // namespace barograph::server::cli
