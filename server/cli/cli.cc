#include "server/cli/cli.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <string_view>

#include "server/cli/flag_set.h"
#include "server/version.h"

namespace barograph::server::cli {
namespace {

int PrintVersion(const Arguments&) {
  fmt::print("{}", VersionText());
  return kSuccess;
}

struct Verb {
  std::string_view name;
  std::string_view usage;
  std::string_view help;
  int (*run)(const Arguments&);
};

constexpr std::array<Verb, 7> kVerbs = {{
    {"serve", "serve [FLAGS]", "Run the server. This is what happens without a verb, too.", Serve},
    {"check", "check config FILE... | healthy | ready", "Check configuration files, or a server.",
     Check},
    {"query", "query instant|range|series|labels URL ...", "Ask a server.", Query},
    {"test", "test promql FILE...", "Run PromQL test scripts.", Test},
    {"tsdb", "tsdb import|export|dump ...", "Move data in and out, without a server.", Tsdb},
    {"tsdb", "tsdb list|analyze|verify ...", "Look into data, without a server.", Tsdb},
    {"version", "version", "Show which build this is.", PrintVersion},
}};

int PrintHelp(const Arguments&) {
  fmt::print("Barograph, a single-binary metrics server.\n\nUsage: barograph [VERB] [FLAGS]\n\n");
  for (const Verb& verb : kVerbs) fmt::print("  {:<44}{}\n", verb.usage, verb.help);
  fmt::print("\nbarograph VERB --help tells more about a verb. Without one:\n\n");
  return Serve({"--help"});
}

int UnknownVerb(const std::string& name) {
  std::vector<std::string> names;
  for (const Verb& verb : kVerbs) names.emplace_back(verb.name);
  const std::string_view close = ClosestName(name, names);
  fmt::print(stderr, "Error parsing command line arguments: unknown verb '{}'{}\n", name,
             close.empty() ? "" : fmt::format(", did you mean '{}'?", close));
  return kUsage;
}

}  // namespace

int Main(const Arguments& arguments) {
  if (arguments.empty()) return Serve({});
  const std::string& first = arguments.front();
  if (first == "--help" || first == "-h" || first == "help") return PrintHelp({});
  if (std::ranges::count(arguments, "--version") > 0) return PrintVersion({});
  if (first.starts_with("-")) return Serve(arguments);
  const auto verb = std::ranges::find(kVerbs, first, &Verb::name);
  if (verb == kVerbs.end()) return UnknownVerb(first);
  return verb->run({arguments.begin() + 1, arguments.end()});
}

}  // namespace barograph::server::cli
