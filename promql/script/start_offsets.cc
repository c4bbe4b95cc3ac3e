#include "promql/script/start_offsets.h"

#include <fmt/format.h>

#include <charconv>

#include "base/model/duration.h"
#include "base/model/number.h"

namespace barograph::promql::script {
namespace {

// A script that asks for more is wrong.
constexpr uint64_t kMaxRun = 1'000'000;

// One item of the sequence.
class ItemParser {
 public:
  explicit ItemParser(std::string_view item) : item_(item), rest_(item) {}

  Status AppendTo(StartOffsets& offsets) {
    if (Take('_')) {
      const uint64_t count = rest_.empty() ? 1 : TRY(TakeRun());
      offsets.insert(offsets.end(), count, std::nullopt);
      return {};
    }
    Duration offset = TRY(TakeDuration());
    Duration delta{0};
    uint64_t further = 0;
    if (!rest_.empty()) {
      if (rest_.front() != 'x') delta = TRY(TakeDelta());
      further = TRY(TakeRun());
    }
    offsets.emplace_back(offset);
    for (uint64_t i = 0; i < further; ++i) offsets.emplace_back(offset += delta);
    return {};
  }

 private:
  std::unexpected<Error> Bad() const {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("invalid start timestamp {}", Quote(item_)));
  }

  bool Take(char expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  Result<Duration> TakeDelta() {
    if (!rest_.starts_with('+') && !rest_.starts_with('-')) return Bad();
    return TakeDuration();
  }

  // A number with a unit, or a plain 0, with a sign or without.
  Result<Duration> TakeDuration() {
    const bool negative = Take('-');
    if (!negative) Take('+');
    size_t size = 0;
    while (size < rest_.size() && rest_[size] >= '0' && rest_[size] <= '9') ++size;
    while (size < rest_.size() && rest_[size] >= 'a' && rest_[size] <= 'z' && rest_[size] != 'x') {
      ++size;
    }
    const auto duration = ParseDuration(rest_.substr(0, size));
    if (!duration.has_value()) return Bad();
    rest_.remove_prefix(size);
    return negative ? -*duration : *duration;
  }

  // "x3" at the end.
  Result<uint64_t> TakeRun() {
    uint64_t count = 0;
    if (!Take('x')) return Bad();
    const char* const end = rest_.data() + rest_.size();
    const auto [stop, error] = std::from_chars(rest_.data(), end, count);
    if (error != std::errc() || stop != end || count > kMaxRun) return Bad();
    return count;
  }

  std::string_view item_;
  std::string_view rest_;
};

}  // namespace

Result<StartOffsets> ParseStartOffsets(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  StartOffsets offsets;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
    if (text.empty()) return offsets;
    const std::string_view item = text.substr(0, text.find_first_of(kSpace));
    TRY(ItemParser(item).AppendTo(offsets));
    text.remove_prefix(item.size());
  }
}

}  // namespace barograph::promql::script
