#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <vector>

/// A page in the manner of a node exporter's: families with HELP and TYPE, labels of the usual
/// lengths, values that are mostly short, half of which change from page to page.
namespace barograph::bench {

class PageModel {
 public:
  explicit PageModel(size_t series) : random_(1) {
    for (size_t family = 0; series_.size() < series; ++family) AddFamily(family, series);
  }

  /// The next page, in place of `page`.
  void Next(std::string& page) {
    page.clear();
    for (Series& series : series_) {
      if (series.changes) Change(series);
      page += series.text;
      fmt::format_to(std::back_inserter(page), "{}\n", series.value);
    }
  }

 private:
  // What a value does, by family: counters of seconds, of events and of bytes, gauges, and the
  // many that stand still.
  enum class Kind : uint8_t { kSeconds, kEvents, kBytes, kGauge, kInfo };
  struct Series {
    std::string text;  // with the comments before it
    Kind kind;
    bool changes;
    double value;
  };

  void AddFamily(size_t family, size_t limit) {
    const auto kind = static_cast<Kind>(family % 5);
    const size_t size = 1 + random_() % 24;
    for (size_t i = 0; i < size && series_.size() < limit; ++i) {
      std::string text;
      const std::string name = fmt::format("node_subsystem{}_measurement_total", family);
      if (i == 0) {
        text = fmt::format("# HELP {} Number of measurements of subsystem {}.\n# TYPE {} counter\n",
                           name, family, name);
      }
      text += fmt::format("{}{{device=\"device{}\",mode=\"mode{}\"}} ", name, i / 4, i % 4);
      const bool changes = kind != Kind::kInfo && random_() % 8 < 5;
      series_.push_back({std::move(text), kind, changes, static_cast<double>(random_() % 100000)});
    }
  }

  void Change(Series& series) {
    switch (series.kind) {
      case Kind::kSeconds: series.value += static_cast<double>(random_() % 1500) / 100; break;
      case Kind::kEvents: series.value += static_cast<double>(random_() % 3000); break;
      case Kind::kBytes: series.value += static_cast<double>(random_() % 10000000); break;
      default: series.value = static_cast<double>(random_() % 1000000) / 1000; break;
    }
    // Sums of decimals are printed as such.
    if (series.kind == Kind::kSeconds) series.value = std::round(series.value * 100) / 100;
  }

  std::mt19937 random_;
  std::vector<Series> series_;
};

}  // namespace barograph::bench
