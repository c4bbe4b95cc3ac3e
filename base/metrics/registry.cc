#include "base/metrics/registry.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <variant>

#include "base/model/number.h"
#include "base/mutex.h"

namespace barograph {
namespace {

using ReadFunction = std::function<double()>;

// What one label set of a family holds. Held by pointer, so that references to it stay.
using Metric =
    std::variant<std::unique_ptr<Counter>, std::unique_ptr<Gauge>, std::unique_ptr<HistogramMetric>,
                 std::unique_ptr<SummaryMetric>, ReadFunction>;

struct Family {
  std::string type;
  std::string help;
  std::map<Labels, Metric> children;
};

[[noreturn]] void EndOverType(std::string_view name, std::string_view was,
                              std::string_view wanted) {
  fmt::print(stderr, "metric {} is a {} and was asked for as a {}\n", name, was, wanted);
  std::abort();
}

void AppendEscaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    switch (c) {
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '"': out += quotes ? "\\\"" : "\""; break;
      default: out += c;
    }
  }
}

// Writes one family's lines in the text format 0.0.4.
class FamilyWriter {
 public:
  FamilyWriter(std::string& out, std::string_view name) : out_(out), name_(name) {}

  void Header(const Family& family) {
    out_ += fmt::format("# HELP {} ", name_);
    AppendEscaped(out_, family.help, false);
    out_ += fmt::format("\n# TYPE {} {}\n", name_, family.type);
  }

  void Write(const Labels& labels, const Metric& metric) {
    std::visit([&](const auto& child) { WriteChild(labels, child); }, metric);
  }

 private:
  void WriteChild(const Labels& labels, const std::unique_ptr<Counter>& counter) {
    Line("", labels, {}, counter->value());
  }
  void WriteChild(const Labels& labels, const std::unique_ptr<Gauge>& gauge) {
    Line("", labels, {}, gauge->value());
  }
  void WriteChild(const Labels& labels, const ReadFunction& read) { Line("", labels, {}, read()); }

  void WriteChild(const Labels& labels, const std::unique_ptr<HistogramMetric>& histogram) {
    const HistogramMetric::Snapshot snapshot = histogram->Take();
    for (size_t i = 0; i < snapshot.counts.size(); ++i) {
      const std::string bound =
          i < snapshot.bounds.size() ? FormatShortest(snapshot.bounds[i]) : "+Inf";
      Line("_bucket", labels, {"le", bound}, static_cast<double>(snapshot.counts[i]));
    }
    Line("_sum", labels, {}, snapshot.sum);
    Line("_count", labels, {}, static_cast<double>(snapshot.counts.back()));
  }

  void WriteChild(const Labels& labels, const std::unique_ptr<SummaryMetric>& summary) {
    const SummaryMetric::Snapshot snapshot = summary->Take();
    for (const auto& [quantile, value] : snapshot.quantiles) {
      Line("", labels, {"quantile", FormatShortest(quantile)}, value);
    }
    Line("_sum", labels, {}, snapshot.sum);
    Line("_count", labels, {}, static_cast<double>(snapshot.count));
  }

  void Line(std::string_view suffix, const Labels& labels,
            const std::pair<std::string_view, std::string>& last_label, double value) {
    out_ += name_;
    out_ += suffix;
    char separator = '{';
    const auto add_label = [&](std::string_view name, std::string_view text) {
      out_ += separator;
      out_ += name;
      out_ += "=\"";
      AppendEscaped(out_, text, true);
      out_ += '"';
      separator = ',';
    };
    for (const auto& [name, text] : labels) add_label(name, text);
    if (!last_label.first.empty()) add_label(last_label.first, last_label.second);
    if (separator == ',') out_ += '}';
    out_ += ' ';
    AppendShortest(out_, value);
    out_ += '\n';
  }

  std::string& out_;
  std::string_view name_;
};

}  // namespace

struct MetricsRegistry::Impl {
  // The family's child with `labels`, as made by `make` at the first call.
  template <typename T, typename Make>
  T& FindOrMake(std::string_view name, std::string_view help, std::string_view type,
                const Labels& labels, Make make) {
    const WriterLock lock(mutex);
    Family& family = FamilyOf(name, help, type);
    auto child = family.children.find(labels);
    if (child == family.children.end()) {
      child = family.children.emplace(labels, make()).first;
    }
    auto* held = std::get_if<std::unique_ptr<T>>(&child->second);
    if (held == nullptr) EndOverType(name, "function", type);
    return **held;
  }

  void SetFunction(std::string_view name, std::string_view help, std::string_view type,
                   const Labels& labels, ReadFunction read) {
    const WriterLock lock(mutex);
    FamilyOf(name, help, type).children.insert_or_assign(labels, std::move(read));
  }

  Family& FamilyOf(std::string_view name, std::string_view help, std::string_view type)
      REQUIRES(mutex) {
    auto family = families.find(name);
    if (family == families.end()) {
      Family made{.type = std::string(type), .help = std::string(help), .children = {}};
      family = families.emplace(name, std::move(made)).first;
    }
    if (family->second.type != type) EndOverType(name, family->second.type, type);
    return family->second;
  }

  mutable SharedMutex mutex;
  std::map<std::string, Family, std::less<>> families GUARDED_BY(mutex);
};

MetricsRegistry::MetricsRegistry() : impl_(std::make_unique<Impl>()) {}
MetricsRegistry::~MetricsRegistry() = default;

Counter& MetricsRegistry::AddCounter(std::string_view name, std::string_view help,
                                     const Labels& labels) {
  return impl_->FindOrMake<Counter>(name, help, "counter", labels,
                                    [] { return std::make_unique<Counter>(); });
}

Gauge& MetricsRegistry::AddGauge(std::string_view name, std::string_view help,
                                 const Labels& labels) {
  return impl_->FindOrMake<Gauge>(name, help, "gauge", labels,
                                  [] { return std::make_unique<Gauge>(); });
}

HistogramMetric& MetricsRegistry::AddHistogram(std::string_view name, std::string_view help,
                                               std::vector<double> bounds, const Labels& labels) {
  return impl_->FindOrMake<HistogramMetric>(name, help, "histogram", labels, [&] {
    return std::make_unique<HistogramMetric>(std::move(bounds));
  });
}

SummaryMetric& MetricsRegistry::AddSummary(std::string_view name, std::string_view help,
                                           const Labels& labels,
                                           std::span<const double> quantiles) {
  return impl_->FindOrMake<SummaryMetric>(
      name, help, "summary", labels, [&] { return std::make_unique<SummaryMetric>(quantiles); });
}

void MetricsRegistry::AddGaugeFunction(std::string_view name, std::string_view help,
                                       std::function<double()> read, const Labels& labels) {
  impl_->SetFunction(name, help, "gauge", labels, std::move(read));
}

void MetricsRegistry::AddCounterFunction(std::string_view name, std::string_view help,
                                         std::function<double()> read, const Labels& labels) {
  impl_->SetFunction(name, help, "counter", labels, std::move(read));
}

void MetricsRegistry::Remove(std::string_view name, const Labels& labels) {
  const WriterLock lock(impl_->mutex);
  const auto family = impl_->families.find(name);
  if (family != impl_->families.end()) family->second.children.erase(labels);
}

std::string MetricsRegistry::Expose() const {
  std::string out;
  const ReaderLock lock(impl_->mutex);
  for (const auto& [name, family] : impl_->families) {
    if (family.children.empty()) continue;
    FamilyWriter writer(out, name);
    writer.Header(family);
    for (const auto& [labels, metric] : family.children) writer.Write(labels, metric);
  }
  return out;
}

}  // namespace barograph
