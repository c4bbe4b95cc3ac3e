#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/result.h"

/// Structured logs: a message and named fields, as logfmt or JSON lines on standard error, in the
/// form Prometheus 3 writes (Go's log/slog): time, level, source, msg, then the fields.
namespace barograph {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarn, kError };
enum class LogFormat : uint8_t { kLogfmt, kJson };

std::optional<LogLevel> ParseLogLevel(std::string_view name);
std::optional<LogFormat> ParseLogFormat(std::string_view name);

/// One named value of a log line: text, a number, a boolean or an Error's message.
class LogField {
 public:
  LogField(std::string_view name, std::string_view text) : key(name), value(text) {}
  LogField(std::string_view name, const char* text) : key(name), value(text) {}
  LogField(std::string_view name, const std::string& text) : key(name), value(text) {}
  LogField(std::string_view name, const Error& error) : key(name), value(error.message) {}
  template <typename T>
    requires std::is_arithmetic_v<T>
  LogField(std::string_view name, T number) : key(name), value(Format(number)), is_text(false) {}

  std::string_view key;
  std::string value;
  bool is_text = true;  ///< JSON lines put it in quotes

 private:
  static std::string Format(bool flag) { return flag ? "true" : "false"; }
  static std::string Format(double number);
  template <std::integral T>
  static std::string Format(T number) {
    return std::to_string(number);
  }
};

/// Where lines go, without their line end; tests put a sink in its place that keeps them.
/// Thread-safe.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void Write(LogLevel level, std::string_view line) = 0;
};

/// A logger is passed to what logs; there is no global one. Copies share the sink. Thread-safe.
class Logger {
 public:
  using Fields = std::initializer_list<LogField>;

  /// Throws every line away.
  Logger();
  Logger(std::shared_ptr<LogSink> sink, LogLevel level, LogFormat format);

  /// To standard error.
  static Logger ToStandardError(LogLevel level, LogFormat format);

  /// The same logger with fields that every line carries, such as component=tsdb.
  Logger With(Fields fields) const;

  void Debug(std::string_view message, Fields fields = {},
             std::source_location where = std::source_location::current()) const {
    Log(LogLevel::kDebug, message, fields, where);
  }
  void Info(std::string_view message, Fields fields = {},
            std::source_location where = std::source_location::current()) const {
    Log(LogLevel::kInfo, message, fields, where);
  }
  void Warn(std::string_view message, Fields fields = {},
            std::source_location where = std::source_location::current()) const {
    Log(LogLevel::kWarn, message, fields, where);
  }
  void Error(std::string_view message, Fields fields = {},
             std::source_location where = std::source_location::current()) const {
    Log(LogLevel::kError, message, fields, where);
  }

  bool enabled(LogLevel level) const { return sink_ != nullptr && level >= level_; }

 private:
  void Log(LogLevel level, std::string_view message, Fields fields,
           std::source_location where) const;

  std::shared_ptr<LogSink> sink_;
  LogLevel level_ = LogLevel::kInfo;
  LogFormat format_ = LogFormat::kLogfmt;
  std::string context_;  // the With() fields, already formatted
};

}  // namespace barograph
