#pragma once

#include <string>

#include "base/time.h"

namespace barograph::web {

/// As Go puts a time.Time into JSON: 2006-01-02T15:04:05.999Z, in UTC, without trailing zeros.
std::string FormatGoTime(Timestamp time);

}  // namespace barograph::web
