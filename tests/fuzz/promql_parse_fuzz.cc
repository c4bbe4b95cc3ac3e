#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "promql/parse/dump.h"
#include "promql/parse/parser.h"
#include "promql/parse/printer.h"
#include "promql/parse/selectors.h"
#include "tests/fuzz/fuzz_target.h"

std::vector<std::string> FuzzSeeds() {
  return {
      "sum by (a, b) (rate(x{a=\"b\", c!~\"d.*\"}[5m] offset -1h @ start())) / on (a) group_left y",
      "histogram_quantile(0.9, a) > bool 1.5e-3 or absent_over_time(b[1d:5m])",
      "{\"a.b\", 'c.d'=~`e`} {a=\"b\"} 1 2x5 _x3 stale {{schema:1 count:2 buckets:[1 2]}}"};
}

/// Any bytes parse or are refused; and what parses prints to a text that parses to the same text.
/// (But for `Inf ^ x`, which prints as `+Inf ^ x`, as in Prometheus; there the sign is the
/// power's.)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace barograph::promql;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto expr = ParseExpr(text)) {
    const std::string printed = Print(**expr);
    const bool infinite_power = printed.find("Inf ^") != std::string::npos;
    const auto again = ParseExpr(printed);
    if (again && !infinite_power && Print(**again) != printed) std::abort();
    (void)Prettify(**expr, 20);
    (void)DumpJson(**expr);
    (void)ExtractSelectors(**expr);
  }
  ParserOptions options;
  options.max_series_values = 1000;
  (void)ParseSeriesDescription(text, options);
  (void)ParseMetricSelector(text);
  (void)ParseMetric(text);
  return 0;
}
