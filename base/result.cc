#include "base/result.h"

namespace barograph {

std::string_view ToString(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return "invalid argument";
    case ErrorCode::kNotFound: return "not found";
    case ErrorCode::kCorruption: return "corruption";
    case ErrorCode::kIo: return "input/output error";
    case ErrorCode::kUnavailable: return "unavailable";
    case ErrorCode::kTimeout: return "timed out";
    case ErrorCode::kCancelled: return "cancelled";
    case ErrorCode::kLimitExceeded: return "limit exceeded";
    case ErrorCode::kOutOfOrder: return "out of order";
    case ErrorCode::kExecution: return "execution error";
    case ErrorCode::kInternal: return "internal error";
  }
  return "unknown error";
}

Error Annotate(Error error, std::string_view context) {
  error.message.insert(0, std::string(context) + ": ");
  return error;
}

}  // namespace barograph
