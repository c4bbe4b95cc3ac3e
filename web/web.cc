#include "web/web.h"

#include <fmt/format.h>

#include <atomic>
#include <optional>

#include "net/runtime.h"
#include "net/url.h"
#include "web/api/handlers.h"
#include "web/cors.h"
#include "web/request_metrics.h"
#include "web/router.h"
#include "web/ui/page.h"

namespace barograph::web {
namespace {

namespace asio = boost::asio;
using net::HttpRequest;
using net::HttpResponse;
using ApiFunction = ApiResult (*)(const ApiContext&, const ApiRequest&);

constexpr size_t kBackgroundThreads = 2;  // for what may block, or be long, and is no query

enum class ApiMethods : uint8_t { kGet, kGetOrPost, kPostOrPut };

struct ApiRoute {
  std::string_view path;
  ApiFunction function;
  ApiMethods methods = ApiMethods::kGet;
  bool query = false;  // runs among the queries
};

constexpr ApiRoute kApiRoutes[] = {
    {"/query", HandleQuery, ApiMethods::kGetOrPost, true},
    {"/query_range", HandleQueryRange, ApiMethods::kGetOrPost, true},
    {"/query_explain", HandleExplainQuery, ApiMethods::kGetOrPost, true},
    {"/query_exemplars", HandleQueryExemplars, ApiMethods::kGetOrPost, true},
    {"/format_query", HandleFormatQuery, ApiMethods::kGetOrPost},
    {"/parse_query", HandleParseQuery, ApiMethods::kGetOrPost},
    {"/labels", HandleLabels, ApiMethods::kGetOrPost, true},
    {"/label/:name/values", HandleLabelValues, ApiMethods::kGet, true},
    {"/series", HandleSeries, ApiMethods::kGetOrPost, true},
    {"/targets", HandleTargets},
    {"/targets/metadata", HandleTargetsMetadata},
    {"/scrape_pools", HandleScrapePools},
    {"/metadata", HandleMetadata},
    {"/status/config", HandleConfig},
    {"/status/flags", HandleFlags},
    {"/status/queries", HandleQueries},
    {"/status/queries/:id/cancel", HandleCancelQuery, ApiMethods::kPostOrPut},
    {"/status/tsdb", HandleTsdbStatus},
    {"/status/tsdb/blocks", HandleTsdbBlocks},
    {"/status/runtimeinfo", HandleRuntimeInfo},
    {"/status/buildinfo", HandleBuildInfo},
    {"/admin/tsdb/delete_series", HandleDeleteSeries, ApiMethods::kPostOrPut},
    {"/admin/tsdb/clean_tombstones", HandleCleanTombstones, ApiMethods::kPostOrPut},
    {"/admin/tsdb/snapshot", HandleSnapshot, ApiMethods::kPostOrPut},
};

/// "/a" of "a", "/a/" and "/a"; empty of "" and "/".
std::string NormalPrefix(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  while (path.starts_with('/')) path.remove_prefix(1);
  return path.empty() ? std::string() : fmt::format("/{}", path);
}

HttpResponse JsonResponse(int status, std::string json) {
  HttpResponse response;
  response.status = status;
  response.headers.Add("Content-Type", "application/json");
  response.body = std::move(json);
  return response;
}

HttpResponse ToResponse(ApiResult result) {
  if (!result) return JsonResponse(StatusOf(result.error().type), Envelope(result.error()));
  if (!result->json.empty()) {
    Complete(*result);
    HttpResponse response = JsonResponse(200, std::move(result->json));
    response.more = std::move(result->more);
    return response;
  }
  HttpResponse response;
  response.status = 204;
  return response;
}

/// "127.0.0.1" of "127.0.0.1:80", "::1" of "[::1]:80".
std::string HostOf(std::string_view address) {
  std::string_view host = address.substr(0, address.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return std::string(host);
}

HttpResponse NotReady() {
  HttpResponse response = TextResponse(503, "Service Unavailable");
  response.headers.Add("X-Prometheus-Stopping", "false");
  return response;
}

/// Where the server is reached, as clients see it, and where its routes begin.
struct Prefixes {
  std::string external;
  std::string route;
};

Result<Prefixes> ReadPrefixes(const WebOptions& options) {
  Prefixes prefixes;
  if (!options.external_url.empty()) {
    const net::Url url = TRY(net::Url::Parse(options.external_url));
    prefixes.external = NormalPrefix(url.target.substr(0, url.target.find('?')));
  }
  prefixes.route =
      options.route_prefix.empty() ? prefixes.external : NormalPrefix(options.route_prefix);
  if (options.external_url.empty()) prefixes.external = prefixes.route;
  return prefixes;
}

class App {
 public:
  App(WebOptions options, WebDependencies dependencies, Prefixes prefixes, CorsPolicy cors)
      : options_(std::move(options)),
        query_metrics_(dependencies.metrics, options_.query_concurrency),
        api_{dependencies.storage, dependencies.exemplars, dependencies.statistics,
             dependencies.engine,  dependencies.state,     query_metrics_,
             dependencies.queries, dependencies.clock,     options_.build,
             dependencies.admin},
        query_threads_(dependencies.query_threads),
        remote_write_(std::move(dependencies.remote_write)),
        prefixes_(std::move(prefixes)),
        cors_(std::move(cors)),
        metrics_(dependencies.metrics, dependencies.clock),
        page_(RenderPage(options_.page_title)) {
    AddApi();
    AddPages();
    AddManagement();
  }

  asio::awaitable<HttpResponse> Serve(const HttpRequest& request) const {
    return router_.Serve(request);
  }

 private:
  using Methods = std::initializer_list<std::string_view>;

  /// Adds a route below the prefix, measured under its pattern.
  void Add(Methods methods, const std::string& pattern, Router::Handler handler) {
    router_.Add(methods, prefixes_.route + pattern, metrics_.Measure(pattern, std::move(handler)));
  }
  /// Adds a route whose handler is a plain, quick function.
  template <typename F>
  void AddQuick(Methods methods, const std::string& pattern, F answer) {
    Add(methods, pattern,
        [answer](const HttpRequest& request, const RouteParams&) -> asio::awaitable<HttpResponse> {
          co_return answer(request);
        });
  }
  /// Adds a route whose handler is a plain function that may take a while.
  template <typename F>
  void AddSlow(Methods methods, const std::string& pattern, F answer) {
    Add(methods, pattern,
        [this, answer](const HttpRequest& request,
                       const RouteParams&) -> asio::awaitable<HttpResponse> {
          co_return co_await net::Offload(background_, [&] {
            HttpResponse response = answer(request);
            net::EncodeBody(request, response);
            return response;
          });
        });
  }

  void AddApi();
  void AddPages();
  void AddManagement();
  asio::awaitable<HttpResponse> ServeApi(const ApiRoute& route, const HttpRequest& request,
                                         const RouteParams& params);
  HttpResponse RunApi(const ApiRoute& route, const HttpRequest& request, const RouteParams& params,
                      std::chrono::nanoseconds queued) const;
  asio::awaitable<HttpResponse> ServeRemoteWrite(const HttpRequest& request) const;
  HttpResponse Reload();
  HttpResponse Quit();

  const WebOptions options_;
  const QueryMetrics query_metrics_;
  const ApiContext api_;
  ThreadPool& query_threads_;
  const net::HttpHandler remote_write_;
  const Prefixes prefixes_;
  const CorsPolicy cors_;
  const RequestMetrics metrics_;
  const std::string page_;
  std::atomic<bool> quitting_ = false;
  Router router_;
  ThreadPool background_{kBackgroundThreads};  // last, so that it is joined first
};

void App::AddApi() {
  for (const auto& route : kApiRoutes) {
    const std::string pattern = fmt::format("/api/v1{}", route.path);
    auto serve = [this, &route](const HttpRequest& request, const RouteParams& params) {
      return ServeApi(route, request, params);
    };
    switch (route.methods) {
      case ApiMethods::kGet: Add({"GET"}, pattern, serve); break;
      case ApiMethods::kGetOrPost: Add({"GET", "POST"}, pattern, serve); break;
      case ApiMethods::kPostOrPut: Add({"POST", "PUT"}, pattern, serve); break;
    }
  }
  Add({"POST"}, "/api/v1/write",
      [this](const HttpRequest& request, const RouteParams&) { return ServeRemoteWrite(request); });
  AddQuick({"OPTIONS"}, "/api/v1/*path", [this](const HttpRequest& request) {
    if (!api_.state.ready()) return NotReady();
    HttpResponse response;
    response.status = 204;
    cors_.Apply(request, response);
    return response;
  });
}

asio::awaitable<HttpResponse> App::ServeApi(const ApiRoute& route, const HttpRequest& request,
                                            const RouteParams& params) {
  if (!api_.state.ready()) co_return NotReady();
  const auto asked = api_.clock.Monotonic();
  co_return co_await net::Offload(route.query ? query_threads_ : background_, [&] {
    return RunApi(route, request, params, api_.clock.Monotonic() - asked);
  });
}

asio::awaitable<HttpResponse> App::ServeRemoteWrite(const HttpRequest& request) const {
  if (!api_.state.ready()) co_return NotReady();
  if (remote_write_) co_return co_await remote_write_(request);
  co_return TextResponse(404,
                         "remote write receiver needs to be enabled with "
                         "--web.enable-remote-write-receiver\n");
}

HttpResponse App::RunApi(const ApiRoute& route, const HttpRequest& request,
                         const RouteParams& params, std::chrono::nanoseconds queued) const {
  const ApiRequest api{.form = request.Form(),
                       .url = request.query,
                       .params = params,
                       .queued = queued,
                       .method = request.method,
                       .path = request.path,
                       .client = HostOf(request.remote_address),
                       .stop = request.stop};
  // A client that left while its request waited in the queue costs nothing more.
  ApiResult result = request.stop.stop_requested()
                         ? ApiFail(ApiErrorType::kCanceled, "context canceled")
                         : route.function(api_, api);
  HttpResponse response = ToResponse(std::move(result));
  cors_.Apply(request, response);
  net::EncodeBody(request, response);
  return response;
}

void App::AddPages() {
  const std::string home = prefixes_.external + "/query";
  AddQuick({"GET"}, "/", [home](const HttpRequest&) { return Redirect(home); });
  if (!prefixes_.route.empty())
    router_.Add({"GET"}, "/",
                [this](const HttpRequest&, const RouteParams&) -> asio::awaitable<HttpResponse> {
                  co_return Redirect(prefixes_.route + "/");
                });
  AddQuick({"GET"}, "/graph", [home](const HttpRequest& request) {
    const size_t question = request.target.find('?');
    return Redirect(question == request.target.npos ? home
                                                    : home + request.target.substr(question));
  });
  for (const auto* path : {"/query", "/targets"})
    AddQuick({"GET"}, path, [this](const HttpRequest&) {
      HttpResponse response;
      response.headers.Add("Content-Type", "text/html; charset=utf-8");
      response.headers.Add("Cache-Control", "no-cache");
      response.body = page_;
      return response;
    });
}

void App::AddManagement() {
  AddSlow({"GET"}, "/metrics", [this](const HttpRequest&) {
    HttpResponse response;
    response.headers.Add("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    response.body = api_.state.OwnMetrics();
    return response;
  });
  AddQuick({"GET"}, "/version", [this](const HttpRequest&) {
    return JsonResponse(200, BuildInfoJson(options_.build) + "\n");
  });
  AddQuick({"GET"}, "/-/healthy",
           [](const HttpRequest&) { return TextResponse(200, "Prometheus Server is Healthy.\n"); });
  AddQuick({"GET"}, "/-/ready", [this](const HttpRequest&) {
    return api_.state.ready() ? TextResponse(200, "Prometheus Server is Ready.\n") : NotReady();
  });
  AddSlow({"POST", "PUT"}, "/-/reload", [this](const HttpRequest&) { return Reload(); });
  AddSlow({"POST", "PUT"}, "/-/quit", [this](const HttpRequest&) { return Quit(); });
  for (const auto* path : {"/-/reload", "/-/quit"})
    AddQuick({"GET"}, path, [](const HttpRequest&) {
      return TextResponse(405, "Only POST or PUT requests allowed");
    });
}

HttpResponse App::Reload() {
  if (!options_.enable_lifecycle) return TextResponse(403, "Lifecycle API is not enabled.");
  const Status reloaded = api_.state.Reload();
  if (reloaded) return TextResponse(200, "");
  return TextResponse(500, fmt::format("failed to reload config: {}\n", reloaded.error().message));
}

HttpResponse App::Quit() {
  if (!options_.enable_lifecycle) return TextResponse(403, "Lifecycle API is not enabled.");
  if (quitting_.exchange(true)) return TextResponse(200, "Termination already in progress.");
  api_.state.Quit();
  return TextResponse(200, "Requesting termination... Goodbye!");
}

}  // namespace

Result<net::HttpHandler> MakeHandler(WebOptions options, WebDependencies dependencies) {
  auto cors = CorsPolicy::Make(options.cors_origin);
  if (!cors) return std::unexpected(Annotate(cors.error(), "--web.cors.origin"));
  auto prefixes = ReadPrefixes(options);
  if (!prefixes) return std::unexpected(Annotate(prefixes.error(), "--web.external-url"));
  const auto app = std::make_shared<App>(std::move(options), std::move(dependencies),
                                         std::move(*prefixes), std::move(*cors));
  return [app](const HttpRequest& request) { return app->Serve(request); };
}

}  // namespace barograph::web
