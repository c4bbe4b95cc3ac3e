#include <filesystem>
#include <string>

#include "discovery/file/target_file.h"
#include "tests/conformance/areas.h"

// Files that list targets, and the groups that they give.

namespace barograph::conformance {
namespace json = boost::json;
namespace {

std::string Dump(const Labels& labels, const std::vector<std::string>& addresses) {
  std::string out = labels.ToString() + ":";
  for (const std::string& address : addresses) out += " " + address;
  return out + "\n";
}

std::string Dump(const std::vector<discovery::TargetGroup>& groups) {
  std::string out;
  for (const discovery::TargetGroup& group : groups) {
    std::vector<std::string> addresses;
    for (const Labels& target : group.targets) addresses.emplace_back(target.Get("__address__"));
    out += Dump(LabelsBuilder(group.labels).Delete("__meta_filepath").Build(), addresses);
  }
  return out;
}

std::string DumpWanted(const json::array& groups) {
  std::string out;
  for (const json::value& group : groups) {
    LabelsBuilder labels;
    if (const json::value* wanted = group.as_object().if_contains("labels")) {
      for (const auto& [name, value] : wanted->as_object()) {
        labels.Set(std::string_view(name), Text(value));
      }
    }
    out += Dump(labels.Build(), TextsOf(group.as_object(), "targets"));
  }
  return out;
}

}  // namespace

void RunFileSd(const std::string& path, Reporter& reporter) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  ForEachCase(path, reporter, [&](std::string_view id, const json::object& test) {
    const std::string file = folder + "/" + TextOr(test, "file");
    const auto groups = discovery::ParseTargetFile(file, ReadWholeFile(file));
    if (!test.at("ok").as_bool()) {
      return groups ? reporter.Fail(id, "is read, wanted: error") : reporter.Pass(id);
    }
    if (!groups) return reporter.Fail(id, groups.error().message);
    reporter.Expect(id, Dump(*groups), DumpWanted(test.at("groups").as_array()));
  });
}

}  // namespace barograph::conformance
