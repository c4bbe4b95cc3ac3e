#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// Errors are values: a function that can fail returns Result<T>, and TRY passes a failure on.
/// Exceptions come from third parties only and are caught in the adaptor that calls them.
namespace barograph {

enum class ErrorCode : uint8_t {
  kInvalidArgument,  ///< what the caller gave cannot be right, now or later
  kNotFound,
  kCorruption,  ///< stored bytes are not what was written; the message names file and offset
  kIo,
  kUnavailable,  ///< may work later
  kTimeout,
  kCancelled,
  kLimitExceeded,  ///< a configured limit; the message names it and what was wanted
  kOutOfOrder,
  kExecution,  ///< a query that the data it met makes unanswerable
  kInternal,
};

/// The code's name as logs show it, such as "invalid argument".
std::string_view ToString(ErrorCode code);

/// A place in a text, both counted from 1; columns count bytes.
struct TextPosition {
  int line = 1;
  int column = 1;
  bool operator==(const TextPosition&) const = default;
};

/// What went wrong: a code for the program, a message for a person, and for parsers the place.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  std::optional<TextPosition> position = std::nullopt;

  bool operator==(const Error&) const = default;
};

/// The same error with `context` and ": " before its message.
Error Annotate(Error error, std::string_view context);

/// A std::expected that must not be dropped unread.
template <typename T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
};
using Status = Result<void>;

/// Makes the failure side of any Result: `return Fail(ErrorCode::kIo, "...")`.
inline std::unexpected<Error> Fail(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

}  // namespace barograph

/// The value of a Result, or an early return of its error. For plain functions; a coroutine
/// uses CO_TRY.
#define TRY(expression)                                                                 \
  ({                                                                                    \
    auto&& try_result_ = (expression);                                                  \
    if (!try_result_.has_value()) [[unlikely]] {                                        \
      return std::unexpected(std::forward<decltype(try_result_)>(try_result_).error()); \
    }                                                                                   \
    *std::forward<decltype(try_result_)>(try_result_);                                  \
  })

/// TRY for coroutines whose return type is a Result. `expression` must not contain co_await:
/// await into a variable first.
#define CO_TRY(expression)                                                                 \
  ({                                                                                       \
    auto&& try_result_ = (expression);                                                     \
    if (!try_result_.has_value()) [[unlikely]] {                                           \
      co_return std::unexpected(std::forward<decltype(try_result_)>(try_result_).error()); \
    }                                                                                      \
    *std::forward<decltype(try_result_)>(try_result_);                                     \
  })
