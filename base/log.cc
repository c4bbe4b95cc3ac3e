#include "base/log.h"

#include <fmt/chrono.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/bytes/json_text.h"
#include "base/model/number.h"
#include "base/time.h"

namespace barograph {
namespace {

class StandardErrorSink final : public LogSink {
 public:
  // One system call a line, so that lines of many threads and processes do not mix.
  void Write(LogLevel, std::string_view line) override {
    char line_end = '\n';
    std::array<iovec, 2> parts = {iovec{const_cast<char*>(line.data()), line.size()},
                                  iovec{&line_end, 1}};
    while (writev(STDERR_FILENO, parts.data(), parts.size()) < 0 && errno == EINTR) {
    }
  }
};

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "DEBUG";
    case LogLevel::kInfo: return "INFO";
    case LogLevel::kWarn: return "WARN";
    case LogLevel::kError: return "ERROR";
  }
  return "?";
}

// Quoted where a reader could not tell where the text ends, or what it is.
void AppendLogfmtText(std::string& out, std::string_view text) {
  const auto plain = [](char c) {
    return static_cast<uint8_t>(c) > ' ' && c != '"' && c != '=' && c != 0x7f;
  };
  const bool ascii =
      std::ranges::all_of(text, [](char c) { return static_cast<uint8_t>(c) < 0x80; });
  if (ascii && !text.empty() && std::ranges::all_of(text, plain)) {
    out += text;
    return;
  }
  const std::string quoted = Quote(text);
  const bool printable = quoted.size() == text.size() + 2;
  if (!ascii && printable && std::ranges::all_of(text, plain)) {
    out += text;
  } else {
    out += quoted;
  }
}

void AppendField(std::string& out, LogFormat format, const LogField& field) {
  if (format == LogFormat::kLogfmt) {
    out += ' ';
    AppendLogfmtText(out, field.key);
    out += '=';
    AppendLogfmtText(out, field.value);
    return;
  }
  out += ',';
  AppendJsonText(out, field.key);
  out += ':';
  // JSON has no NaN and no infinity.
  const bool number =
      !field.is_text && !field.value.ends_with("NaN") && !field.value.ends_with("Inf");
  if (number) {
    out += field.value;
  } else {
    AppendJsonText(out, field.value);
  }
}

std::string TimeText() {
  const Timestamp now = SystemClock().Now();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     (now - seconds).count());
}

std::string SourceText(const std::source_location& where) {
  std::string_view file = where.file_name();
  file.remove_prefix(file.rfind('/') + 1);
  return fmt::format("{}:{}", file, where.line());
}

}  // namespace

std::optional<LogLevel> ParseLogLevel(std::string_view name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "info") return LogLevel::kInfo;
  if (name == "warn") return LogLevel::kWarn;
  if (name == "error") return LogLevel::kError;
  return std::nullopt;
}

std::optional<LogFormat> ParseLogFormat(std::string_view name) {
  if (name == "logfmt") return LogFormat::kLogfmt;
  if (name == "json") return LogFormat::kJson;
  return std::nullopt;
}

std::string LogField::Format(double number) { return FormatShortest(number); }

Logger::Logger() = default;

Logger::Logger(std::shared_ptr<LogSink> sink, LogLevel level, LogFormat format)
    : sink_(std::move(sink)), level_(level), format_(format) {}

Logger Logger::ToStandardError(LogLevel level, LogFormat format) {
  return {std::make_shared<StandardErrorSink>(), level, format};
}

Logger Logger::With(Fields fields) const {
  Logger logger = *this;
  for (const LogField& field : fields) AppendField(logger.context_, format_, field);
  return logger;
}

void Logger::Log(LogLevel level, std::string_view message, Fields fields,
                 std::source_location where) const {
  if (!enabled(level)) return;
  std::string line;
  AppendField(line, format_, {"time", TimeText()});
  AppendField(line, format_, {"level", LevelName(level)});
  AppendField(line, format_, {"source", SourceText(where)});
  AppendField(line, format_, {"msg", message});
  line += context_;
  for (const LogField& field : fields) AppendField(line, format_, field);
  if (format_ == LogFormat::kJson) {
    line[0] = '{';
    line += '}';
    sink_->Write(level, line);
  } else {
    sink_->Write(level, std::string_view(line).substr(1));
  }
}

}  // namespace barograph
