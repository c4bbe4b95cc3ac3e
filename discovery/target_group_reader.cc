#include "discovery/target_group_reader.h"

#include "base/yaml/reader.h"

namespace barograph::discovery {

Result<TargetGroup> ReadTargetGroup(const YamlNode& node, NameValidation names) {
  StrictMap map = TRY(StrictMap::Open(node, "targetgroup.Group"));
  TargetGroup group;
  std::vector<std::string> addresses;
  TRY(map.Read("targets", addresses));
  if (const YamlNode* labels = map.Take("labels"))
    TRY(ReadYamlLabels(*labels, names, group.labels));
  TRY(map.Finish());
  group.targets.reserve(addresses.size());
  for (const std::string& address : addresses) {
    group.targets.push_back(Labels({{"__address__", address}}));
  }
  return group;
}

}  // namespace barograph::discovery
