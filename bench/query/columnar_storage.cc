#include "bench/query/columnar_storage.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

namespace barograph::bench {

namespace {

constexpr size_t kOwnValues = 2;  // targets

}  // namespace

/// Makes the series of one target.
class ColumnarStorage::Target {
 public:
  Target(ColumnarStorage& storage, size_t target, size_t samples)
      : storage_(storage), target_(target), samples_(samples), random_(target + 1) {}

  void AddAll() {
    for (int cpu = 0; cpu < 4; ++cpu) {
      for (const char* mode :
           {"idle", "user", "system", "iowait", "irq", "nice", "softirq", "steal"})
        AddCounter("node_cpu_seconds_total", {{"cpu", std::to_string(cpu)}, {"mode", mode}}, 0.01);
    }
    AddGauge("node_memory_MemTotal_bytes", {}, 0, 16e9, 1);
    AddGauge("node_memory_MemAvailable_bytes", {}, 4096, 8e9, 1000);
    for (const char* handler : {"/", "/api", "/login"}) {
      AddHistogram(handler);
      for (const char* code : {"200", "404", "500"})
        AddCounter("http_requests_total", {{"handler", handler}, {"code", code}}, 1);
    }
    for (const char* device : {"eth0", "eth1", "lo"}) {
      AddCounter("node_network_receive_bytes_total", {{"device", device}}, 1);
      AddCounter("node_network_transmit_bytes_total", {{"device", device}}, 1);
      AddGauge("node_filesystem_avail_bytes", {{"device", device}}, 4096, 1e9, 100);
    }
    AddGauge("node_load1", {}, 0.01, 2, 20);
    for (const char* sensor : {"temp1", "temp2"})
      AddGauge("node_hwmon_temp_celsius", {{"sensor", sensor}}, 0.1, 50, 8);
    for (const char* device : {"sda", "sdb"})
      AddCounter("node_disk_io_time_seconds_total", {{"device", device}}, 0.001);
    AddGauge("up", {}, 0, 1, 1);
  }

 private:
  using Pairs = std::vector<std::pair<std::string, std::string>>;

  std::vector<double>& Add(std::string_view name, const Pairs& pairs) {
    LabelsBuilder labels;
    labels.Set(kMetricName, name);
    labels.Set(kInstanceLabel, fmt::format("host-{:02}:9100", target_));
    labels.Set(kJobLabel, "node");
    for (const auto& [label, value] : pairs) labels.Set(label, value);
    storage_.series_.push_back({labels.Build(), target_, {}});
    return storage_.series_.back().values;
  }

  // Later targets share the values of the first ones, so that they stay in the cache, where a
  // storage that decodes would have them.
  bool has_values() const { return target_ >= kOwnValues; }

  // Restarts once in a while, all counters of a target at the same time.
  bool Restarts(size_t i) const { return (i + 100 * target_) % 3000 == 2999; }

  void AddCounter(std::string_view name, const Pairs& pairs, double unit) {
    std::vector<double>& values = Add(name, pairs);
    if (has_values()) return;
    uint64_t count = 0;
    for (size_t i = 0; i < samples_; ++i) {
      count = Restarts(i) ? 0 : count + random_() % 1500;
      values.push_back(static_cast<double>(count) * unit);
    }
  }

  void AddGauge(std::string_view name, const Pairs& pairs, double unit, double middle,
                uint32_t spread) {
    std::vector<double>& values = Add(name, pairs);
    if (has_values()) return;
    double walk = 0;
    for (size_t i = 0; i < samples_; ++i) {
      walk += static_cast<double>(random_() % spread) - static_cast<double>(spread - 1) / 2;
      values.push_back(middle + walk * unit);
    }
  }

  void AddHistogram(std::string_view handler) {
    constexpr const char* kBounds[] = {"0.005", "0.01", "0.025", "0.05", "0.1", "0.25",
                                       "0.5",   "1",    "2.5",   "5",    "10",  "+Inf"};
    const std::string name = "http_request_duration_seconds";
    std::vector<std::vector<double>> columns(std::size(kBounds), std::vector<double>(samples_));
    std::vector<double> counts(std::size(kBounds));
    for (size_t i = 0; i < samples_ && !has_values(); ++i) {
      if (Restarts(i)) std::fill(counts.begin(), counts.end(), 0);
      double added = 0;
      for (size_t b = 0; b < counts.size(); ++b) {
        added += static_cast<double>(random_() % 20);
        counts[b] += added;
        columns[b][i] = counts[b];
      }
    }
    const std::pair<std::string, std::string> by_handler{"handler", handler};
    for (size_t b = 0; b < counts.size(); ++b) {
      Add(name + "_bucket", {by_handler, {"le", kBounds[b]}}) = columns[b];
    }
    Add(name + "_count", {by_handler}) = columns.back();
    AddCounter(name + "_sum", {by_handler}, 0.001);
  }

  ColumnarStorage& storage_;
  size_t target_;
  size_t samples_;
  std::mt19937 random_;
};

ColumnarStorage::ColumnarStorage(size_t instances, size_t samples) {
  for (size_t target = 0; target < instances; ++target) {
    std::vector<Timestamp>& timestamps = timestamps_.emplace_back();
    const auto phase = static_cast<int64_t>(target * 700 % kStepMs);
    for (size_t i = 0; i < samples; ++i) {
      timestamps.push_back(FromMs(phase + static_cast<int64_t>(i) * kStepMs));
    }
    Target(*this, target, samples).AddAll();
  }
}

class ColumnarStorage::Found final : public Selection {
 public:
  Found(const ColumnarStorage& storage, const std::vector<uint32_t>& series, TimeRange range)
      : storage_(storage), series_(series), range_(range) {}

  size_t size() const override { return series_.size(); }
  Labels labels(size_t index) const override { return storage_.series_[series_[index]].labels; }
  SeriesId id(size_t index) const override { return SeriesId(series_[index] + 1); }
  std::unique_ptr<SeriesCursor> NewCursor() const override {
    return std::make_unique<Cursor>(*this);
  }

 private:
  class Cursor final : public SeriesCursor {
   public:
    explicit Cursor(const Found& found) : found_(found) {}
    Result<SeriesSamples> Read(size_t index) override {
      const ColumnarStorage& storage = found_.storage_;
      const uint32_t at = found_.series_[index];
      const Stored& series = storage.series_[at];
      const std::vector<double>& values =
          storage.series_[at % (kOwnValues * storage.series_per_target())].values;
      const std::vector<Timestamp>& times = storage.timestamps_[series.target];
      const auto begin = std::lower_bound(times.begin(), times.end(), found_.range_.min);
      const auto end = std::upper_bound(begin, times.end(), found_.range_.max);
      const auto first = static_cast<size_t>(begin - times.begin());
      const auto count = static_cast<size_t>(end - begin);
      return SeriesSamples{std::span(times).subspan(first, count),
                           std::span(values).subspan(first, count),
                           {},
                           {},
                           series.target + 1};
    }

   private:
    const Found& found_;
  };

  const ColumnarStorage& storage_;
  const std::vector<uint32_t>& series_;
  TimeRange range_;
};

Result<std::unique_ptr<Selection>> ColumnarStorage::Select(TimeRange range,
                                                           const Matchers& matchers,
                                                           const SelectHints&,
                                                           std::stop_token) const {
  std::string key;
  for (const Matcher& matcher : matchers) key += matcher.ToString() + ",";
  const auto [entry, is_new] = found_.try_emplace(key);
  for (uint32_t i = 0; is_new && i < series_.size(); ++i) {
    if (MatchesAll(matchers, series_[i].labels)) entry->second.push_back(i);
  }
  return std::unique_ptr<Selection>(std::make_unique<Found>(*this, entry->second, range));
}

}  // namespace barograph::bench
