#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/mutex.h"

namespace barograph::test {

/// Keeps log lines for a test to look at. Thread-safe.
class MemorySink final : public LogSink {
 public:
  void Write(LogLevel level, std::string_view line) override;

  std::vector<std::string> lines() const;

  /// How many lines of that level hold `text`.
  size_t Count(LogLevel level, std::string_view text) const;

  /// Whether any line holds `text`.
  bool Contains(std::string_view text) const;

  /// A logger that writes to `sink`, everything from debug on.
  static Logger MakeLogger(std::shared_ptr<MemorySink> sink,
                           LogFormat format = LogFormat::kLogfmt) {
    return {std::move(sink), LogLevel::kDebug, format};
  }

 private:
  struct Line {
    LogLevel level;
    std::string text;
  };

  mutable Mutex mutex_;
  std::vector<Line> lines_ GUARDED_BY(mutex_);
};

}  // namespace barograph::test
