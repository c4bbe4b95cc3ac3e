#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/scrape/text_parser.h"

// Any bytes as a page in the Prometheus text format.

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
