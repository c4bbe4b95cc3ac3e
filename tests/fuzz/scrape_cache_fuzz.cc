#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "server/scrape/scrape_cache.h"
#include "tests/fuzz/fuzz_target.h"

// Bytes as pages of one target, one after the other, cut at 0xff. A page is read with what the
// pages before it made the cache expect, and by a cache that expects nothing: both must find as
// many samples, or both must fail.

namespace barograph::server {
namespace {

struct Target {
  bool Read(std::string_view page, PageFormat format) {
    counts = {};
    row.Begin();
    if (!cache.Read(page, {.format = format}, labels, row, counts)) {
      row.Discard();
      cache.Discard();
      return false;
    }
    for (const NewSeries& series : cache.new_series()) {
      if (series.timestamp) {
        cache.BindLone(series, SeriesId{++last_series});
      } else {
        cache.Bind(series, static_cast<ColumnId>(++last_series), row, counts);
      }
    }
    row.Finish();
    cache.Commit();
    return true;
  }

  const ScrapeConfig config;
  const SeriesLabels labels{Labels(), config};
  MetadataStore metadata{std::make_shared<MetadataPool>()};
  ScrapeCache cache{metadata};
  ScrapeRow row;
  PageCounts counts;
  uint64_t last_series = 0;
};

void ReadPages(std::string_view bytes, PageFormat format) {
  Target target;
  while (!bytes.empty()) {
    const size_t end = std::min(bytes.find('\xff'), bytes.size());
    const std::string_view page = bytes.substr(0, end);
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
    if (page.empty()) continue;
    Target fresh;
    const bool good = target.Read(page, format);
    if (good != fresh.Read(page, format)) std::abort();
    if (good && target.counts.scraped != fresh.counts.scraped) std::abort();
  }
}

}  // namespace
}  // namespace barograph::server

std::vector<std::string> FuzzSeeds() {
  return {
      "# TYPE a counter\na{b=\"c\"} 1\nd 2\n\xff"
      "a{b=\"c\"} 3\nd 4\n\xff"
      "d 5\na{b=\"e\"} 6 1000\n",
      "# TYPE a counter\na_total 1 # {t=\"x\"} 1\n# EOF\n\xff"
      "a_total 2\nb 1\n# EOF\n"};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using barograph::server::PageFormat;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  barograph::server::ReadPages(bytes, PageFormat::kPrometheusText);
  barograph::server::ReadPages(bytes, PageFormat::kOpenMetricsText);
  return 0;
}
