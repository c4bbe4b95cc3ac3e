#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <utility>

#include "base/model/duration.h"
#include "base/time.h"
#include "net/http_message.h"
#include "promql/engine.h"
#include "promql/plan/estimate.h"
#include "server/cli/cli.h"
#include "server/cli/flag_set.h"
#include "server/cli/query_output.h"
#include "server/http_fetch.h"

namespace barograph::server::cli {
namespace {

constexpr std::chrono::milliseconds kTimeout{std::chrono::minutes(2)};

std::string NowSeconds() { return fmt::format("{:.3f}", ToSeconds(SystemClock().Now())); }

/// The arguments of all four kinds of query; each uses its own.
struct QueryArguments {
  std::string url;
  std::string expression;  // or the label's name
  std::string time;
  std::string start;
  std::string end;
  std::string step;
  std::vector<std::string> match;
  std::string output = "promql";
};

using Endpoint = std::pair<std::string, net::FormValues>;  // path and query

Endpoint InstantEndpoint(const QueryArguments& arguments) {
  net::FormValues form;
  form.Add("query", arguments.expression);
  form.Add("time", arguments.time.empty() ? NowSeconds() : arguments.time);
  return {"/api/v1/query", std::move(form)};
}

Endpoint RangeEndpoint(const QueryArguments& arguments) {
  const double now = ToSeconds(SystemClock().Now());
  net::FormValues form;
  form.Add("query", arguments.expression);
  form.Add("start", arguments.start.empty() ? fmt::format("{:.3f}", now - 300) : arguments.start);
  form.Add("end", arguments.end.empty() ? fmt::format("{:.3f}", now) : arguments.end);
  form.Add("step", arguments.step.empty() ? "15s" : arguments.step);
  return {"/api/v1/query_range", std::move(form)};
}

/// A range query's times where a step is given, else an instant query's.
Endpoint ExplainEndpoint(const QueryArguments& arguments) {
  Endpoint endpoint =
      arguments.step.empty() ? InstantEndpoint(arguments) : RangeEndpoint(arguments);
  endpoint.first = "/api/v1/query_explain";
  return endpoint;
}

net::FormValues Selection(const QueryArguments& arguments) {
  net::FormValues form;
  if (!arguments.start.empty()) form.Add("start", arguments.start);
  if (!arguments.end.empty()) form.Add("end", arguments.end);
  for (const std::string& selector : arguments.match) form.Add("match[]", selector);
  return form;
}

int Fetch(const QueryArguments& arguments, const Endpoint& endpoint) {
  std::string base = arguments.url;
  while (base.ends_with('/')) base.pop_back();
  const auto page = HttpFetch(base + endpoint.first + "?" + endpoint.second.Encode(), kTimeout);
  if (!page) {
    fmt::print(stderr, "query error: {}\n", page.error().message);
    return kFailure;
  }
  const auto text = FormatAnswer(page->body, arguments.output == "json");
  if (!text) {
    fmt::print(stderr, "query error: {}\n", text.error().message);
    return kFailure;
  }
  fmt::print("{}", *text);
  return kSuccess;
}

/// Without a server: the plan alone, at steps of the time that is now.
int ExplainOffline(const QueryArguments& arguments) {
  promql::QueryTimes times{SystemClock().Now(), SystemClock().Now()};
  if (!arguments.step.empty()) {
    const auto step = ParseDuration(arguments.step);
    if (!step) {
      fmt::print(stderr, "invalid step: {}\n", step.error().message);
      return kUsage;
    }
    times = {times.end - std::chrono::minutes(5), times.end, *step};
  }
  const promql::Engine engine({}, SystemClock());
  const auto plan = engine.Explain(arguments.expression, nullptr, times);
  if (!plan) {
    fmt::print(stderr, "query error: {}\n", plan.error().message);
    return kFailure;
  }
  fmt::print("{}", promql::FormatPlan(*plan));
  return kSuccess;
}

int RunExplain(const Arguments& given) {
  QueryArguments arguments;
  std::vector<std::string> what;
  FlagSet flags("barograph query explain",
                "Show a query's plan. A server tells about how much it would read, too.");
  flags.AddChoice("format", arguments.output, {"promql", "json"}, "Form of a server's output");
  flags.Add("time", arguments.time, "Evaluation time (RFC3339 or Unix seconds), now by default");
  flags.Add("start", arguments.start, "Start of the range (RFC3339 or Unix seconds)");
  flags.Add("end", arguments.end, "End of the range (RFC3339 or Unix seconds)");
  flags.Add("step", arguments.step, "Step of the range, such as 30s; makes it a range query");
  flags.Arguments("[URL] EXPR", what, "The server, where one is to be asked, and PromQL");
  const auto asked = flags.Parse(given);
  if (!asked || (*asked == FlagSet::Asked::kRun && what.size() > 2)) {
    fmt::print(stderr, "Error parsing command line arguments: {}\n",
               asked ? "more than a URL and an expression" : asked.error().message);
    return kUsage;
  }
  if (*asked == FlagSet::Asked::kHelp) {
    fmt::print("{}", flags.Help());
    return kSuccess;
  }
  arguments.expression = what.back();
  if (what.size() == 1) {
    if (arguments.time.empty() && arguments.start.empty() && arguments.end.empty()) {
      return ExplainOffline(arguments);
    }
    fmt::print(stderr, "--time, --start and --end are for a server: give its URL, too\n");
    return kUsage;
  }
  arguments.url = what.front();
  return Fetch(arguments, ExplainEndpoint(arguments));
}

int RunQuery(const Arguments& given, const std::string& kind) {
  QueryArguments arguments;
  FlagSet flags("barograph query " + kind, "Ask a server over its HTTP API.");
  flags.AddChoice("format", arguments.output, {"promql", "json"}, "Form of the output");
  flags.Argument("URL", arguments.url, "The server, such as http://localhost:9090");
  if (kind == "instant" || kind == "range") flags.Argument("EXPR", arguments.expression, "PromQL");
  if (kind == "labels") flags.Argument("NAME", arguments.expression, "The label");
  if (kind == "instant") {
    flags.Add("time", arguments.time, "Evaluation time (RFC3339 or Unix seconds), now by default");
  } else {
    flags.Add("start", arguments.start, "Start of the range (RFC3339 or Unix seconds)");
    flags.Add("end", arguments.end, "End of the range (RFC3339 or Unix seconds)");
  }
  if (kind == "range") flags.Add("step", arguments.step, "Step of the range, such as 30s");
  if (kind == "series" || kind == "labels") {
    flags.Add("match", arguments.match, "Selector of series. Can be repeated");
  }
  const auto asked = flags.Parse(given);
  if (!asked) {
    fmt::print(stderr, "Error parsing command line arguments: {}\n", asked.error().message);
    return kUsage;
  }
  if (*asked == FlagSet::Asked::kHelp) {
    fmt::print("{}", flags.Help());
    return kSuccess;
  }
  if (kind == "instant") return Fetch(arguments, InstantEndpoint(arguments));
  if (kind == "range") return Fetch(arguments, RangeEndpoint(arguments));
  const std::string path =
      kind == "series" ? "/api/v1/series" : "/api/v1/label/" + arguments.expression + "/values";
  return Fetch(arguments, {path, Selection(arguments)});
}

}  // namespace

int Query(const Arguments& arguments) {
  for (const char* kind : {"instant", "range", "series", "labels"}) {
    if (arguments.empty() || arguments.front() != kind) continue;
    return RunQuery({arguments.begin() + 1, arguments.end()}, kind);
  }
  if (!arguments.empty() && arguments.front() == "explain") {
    return RunExplain({arguments.begin() + 1, arguments.end()});
  }
  const bool help = !arguments.empty() && (arguments[0] == "--help" || arguments[0] == "-h");
  fmt::print(help ? stdout : stderr,
             "Usage: barograph query instant URL EXPR | range URL EXPR | series URL --match=... | "
             "labels URL NAME | explain [URL] EXPR\n");
  return help ? kSuccess : kUsage;
}

}  // namespace barograph::server::cli
