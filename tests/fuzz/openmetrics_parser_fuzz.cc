#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/scrape/openmetrics_parser.h"
#include "tests/fuzz/fuzz_target.h"

// Any bytes as a page of OpenMetrics.

std::vector<std::string> FuzzSeeds() {
  return {
      "# TYPE a counter\n# UNIT a_seconds seconds\n# HELP a x\n"
      "a_total{b=\"c\"} 1 5.5 # {trace_id=\"d\"} 2 1.5\na_created 3\n# EOF\n",
      "# TYPE h histogram\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_count 2\nh_sum 3\n"
      "{\"a.b\",\"c.d\"=\"e\\n\"} NaN\n# EOF\n"};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using barograph::server::Entry;
  barograph::server::OpenMetricsParser parser({reinterpret_cast<const char*>(data), size});
  for (;;) {
    const auto entry = parser.Next();
    if (!entry || *entry == Entry::kEnd) return 0;
    if (*entry == Entry::kSeries) {
      (void)parser.labels();
    } else {
      (void)parser.text();
    }
  }
}
