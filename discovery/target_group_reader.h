#pragma once

#include "base/model/labels.h"
#include "base/result.h"
#include "base/yaml/node.h"
#include "discovery/target_group.h"

namespace barograph::discovery {

/// Reads `{targets: [...], labels: {...}}`, the form of static_configs, of target files and of
/// HTTP discovery. `source` is left empty. Errors point into the document.
Result<TargetGroup> ReadTargetGroup(const YamlNode& node,
                                    NameValidation names = NameValidation::kUtf8);

}  // namespace barograph::discovery
