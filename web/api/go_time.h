#pragma once

#include <string>

#include "base/time.h"

/// Times as Go's programs write them, in UTC.
namespace barograph::web {

/// As Go puts a time.Time into JSON: 2006-01-02T15:04:05.999Z, without trailing zeros.
std::string FormatGoTime(Timestamp time);

/// As Prometheus's logs have it, always with milliseconds: 2006-01-02T15:04:05.000Z.
std::string FormatLogTime(Timestamp time);

}  // namespace barograph::web
