#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/model/labels.h"

namespace barograph::server {

using Environment = std::function<std::string(const std::string& name)>;

/// `text` with $NAME and ${NAME} replaced by what `environment` gives, and $$ by $; a `$` before
/// anything else is dropped with a malformed brace, as Go's os.Expand does.
std::string ExpandVariables(std::string_view text, const Environment& environment);

/// The labels with their values expanded. One that becomes empty is no label.
Labels ExpandLabels(const Labels& labels, const Environment& environment);

}  // namespace barograph::server
