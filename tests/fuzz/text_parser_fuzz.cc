#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/scrape/text_parser.h"
#include "tests/fuzz/fuzz_target.h"

// Any bytes as a page in the Prometheus text format.

std::vector<std::string> FuzzSeeds() {
  return {"# HELP a b\\n\n# TYPE a counter\na{b=\"c\\\"\",d=\"\"} 1.5 1000\n",
          "{\"a.b\",\"c.d\"=\"e\"} +Inf\nx 0x1p3\ny NaN\n"};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using barograph::server::Entry;
  barograph::server::TextParser parser({reinterpret_cast<const char*>(data), size});
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
