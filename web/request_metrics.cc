#include "web/request_metrics.h"

namespace barograph::web {
namespace {

Counter& Requests(MetricsRegistry& registry, const std::string& name, int status) {
  const std::string code = std::to_string(status);
  return registry.AddCounter("prometheus_http_requests_total", "Counter of HTTP requests.",
                             Labels{{"handler", name}, {"code", code}});
}

/// What a request's route is measured with.
struct Meters {
  std::string name;
  MetricsRegistry& registry;
  const Clock& clock;
  HistogramMetric& seconds;
  HistogramMetric& bytes;
};

boost::asio::awaitable<net::HttpResponse> Run(const Meters& meters, const Router::Handler& handler,
                                              const net::HttpRequest& request,
                                              const RouteParams& params) {
  const auto began = meters.clock.Monotonic();
  net::HttpResponse response = co_await handler(request, params);
  const std::chrono::duration<double> took = meters.clock.Monotonic() - began;
  meters.seconds.Observe(took.count());
  meters.bytes.Observe(static_cast<double>(response.body_bytes()));
  Requests(meters.registry, meters.name, response.status).Increment();
  co_return response;
}

}  // namespace

Router::Handler RequestMetrics::Measure(const std::string& name, Router::Handler handler) const {
  const Labels labels{{"handler", name}};
  Requests(registry_, name, 200);  // there from the start, as 0
  auto meters = std::make_shared<const Meters>(
      Meters{name, registry_, clock_,
             registry_.AddHistogram("prometheus_http_request_duration_seconds",
                                    "Histogram of latencies for HTTP requests.",
                                    {.1, .2, .4, 1, 3, 8, 20, 60, 120}, labels),
             registry_.AddHistogram("prometheus_http_response_size_bytes",
                                    "Histogram of response size for HTTP requests.",
                                    {1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}, labels)});
  return [meters, handler = std::move(handler)](const net::HttpRequest& request,
                                                const RouteParams& params) {
    return Run(*meters, handler, request, params);
  };
}

}  // namespace barograph::web
